#include "scrna/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "io/anndata.h"
#include "report/multiqc.h"

namespace immucan::scrna {

namespace {

void check(const CellsOptions& options) {
  const auto refuse = [](std::string_view option, double value, std::string_view range) {
    core::raise_usage(fmt::format("{}: {} is not {}.", option, value, range));
  };
  if (options.expected_cells && *options.expected_cells < 1)
    refuse("--expected-cells", static_cast<double>(*options.expected_cells), "a positive number");
  if (options.least_molecules < 1)
    refuse("--least-molecules", static_cast<double>(options.least_molecules), "a positive number");
  if (options.rank_lower < 0) refuse("--rank-lower", static_cast<double>(options.rank_lower), "zero or more");
  if (options.simulations < 100 || options.simulations > 1'000'000)
    refuse("--simulations", static_cast<double>(options.simulations), "between 100 and 1,000,000");
  if (!(options.false_discovery_rate > 0 && options.false_discovery_rate < 1))
    refuse("--fdr", options.false_discovery_rate, "between 0 and 1");
  if (options.doublet_rate && !(*options.doublet_rate > 0 && *options.doublet_rate < 1))
    refuse("--doublet-rate", *options.doublet_rate, "between 0 and 1");
}

[[noreturn]] void refuse_matrix(const CellsOptions& options, std::string what, std::string remedy) {
  core::raise({options.input.string(), core::Place::none(), std::move(what), std::move(remedy)});
}

std::vector<std::size_t> at_least(const std::vector<std::uint64_t>& molecules, std::uint64_t threshold) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < molecules.size(); ++i) {
    if (molecules[i] >= threshold) out.push_back(i);
  }
  return out;
}

void call(const CellsOptions& options, const io::CsrMatrix& counts, CellsResult& result,
          const core::RunContext& context) {
  const std::vector<std::uint64_t>& molecules = result.totals.molecules;
  if (options.method == "knee" || options.method == "inflection") {
    if (!result.ranks)
      refuse_matrix(options, fmt::format("fewer than three distinct totals above {} molecules", options.rank_lower),
                    "Lower --rank-lower, or use --method ordmag");
    result.cells = at_least(molecules, options.method == "knee" ? result.ranks->knee : result.ranks->inflection);
    return;
  }
  std::optional<std::uint64_t> expected;
  if (options.expected_cells) expected = static_cast<std::uint64_t>(*options.expected_cells);
  result.by_molecules = call_cells(molecules, expected);
  result.cells = result.by_molecules.cells;
  if (options.method == "ordmag") return;
  const EmptyDropsOptions rules{.least_molecules = static_cast<std::uint64_t>(options.least_molecules),
                                .simulations = static_cast<std::uint64_t>(options.simulations),
                                .false_discovery_rate = options.false_discovery_rate,
                                .size_test = options.size_test};
  result.by_profile = empty_drops(counts, molecules, result.cells, rules, context);
  result.cells.insert(result.cells.end(), result.by_profile.cells.begin(), result.by_profile.cells.end());
  std::ranges::sort(result.cells);
}

/// Probabilities of the barcodes below the called ones where no ambient profile has been made.
std::vector<double> simple_ambient(const io::CsrMatrix& counts, const std::vector<std::size_t>& cells) {
  std::vector<bool> is_cell(counts.rows, false);
  for (const std::size_t cell : cells) is_cell[cell] = true;
  std::vector<double> sums(counts.columns, 0.0);
  double total = 0;
  for (std::size_t i = 0; i < counts.rows; ++i) {
    if (is_cell[i]) continue;
    const auto columns = counts.row_columns(i);
    const auto values = counts.row_values(i);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      sums[static_cast<std::size_t>(columns[e])] += static_cast<double>(values[e]);
      total += static_cast<double>(values[e]);
    }
  }
  if (!(total > 0)) return {};
  for (double& sum : sums) sum /= total;
  return sums;
}

std::string how_called(const CellsOptions& options, const CellsResult& result, std::size_t barcode,
                       const std::map<std::size_t, const EmptyDropsCandidate*>& candidates) {
  const auto candidate = candidates.find(barcode);
  if (candidate != candidates.end()) {
    if (candidate->second->fdr <= options.false_discovery_rate) return "profile";
    return candidate->second->by_size ? "size" : "no_cell";
  }
  return std::ranges::binary_search(result.cells, barcode) ? "molecules" : "no_cell";
}

std::string cells_table(const CellsOptions& options, const CellsResult& result) {
  std::map<std::size_t, const EmptyDropsCandidate*> candidates;
  for (const EmptyDropsCandidate& candidate : result.by_profile.candidates) candidates[candidate.barcode] = &candidate;
  std::string text = "barcode\tmolecules\tgenes\tcall\tlog_probability\tp\tfdr\tdoublet_score\tdoublet\n";
  std::vector<std::size_t> rows = result.cells;
  for (const auto& [barcode, candidate] : candidates) rows.push_back(barcode);
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  for (const std::size_t row : rows) {
    text += fmt::format("{}\t{}\t{}\t{}", result.matrix.barcodes[row], result.totals.molecules[row],
                        result.totals.features[row], how_called(options, result, row, candidates));
    const auto candidate = candidates.find(row);
    if (candidate == candidates.end()) {
      text += "\tNA\tNA\tNA";
    } else {
      for (const double value : {candidate->second->log_probability, candidate->second->p, candidate->second->fdr})
        text += "\t" + core::format_double(value);
    }
    const auto cell = std::ranges::lower_bound(result.cells, row);
    if (options.doublets && cell != result.cells.end() && *cell == row) {
      const auto at = static_cast<std::size_t>(cell - result.cells.begin());
      text += "\t" + core::format_double(result.doublets.scores[at]) +
              (result.doublets.called[at] != 0 ? "\t1\n" : "\t0\n");
    } else {
      text += "\tNA\tNA\n";
    }
  }
  return text;
}

std::string ambient_table(const CellsResult& result) {
  std::string text = "feature_id\tfeature_name\tprobability\n";
  std::size_t at = 0;
  for (std::size_t i = 0; i < result.matrix.features.size(); ++i) {
    if (!result.genes[i]) continue;
    text += fmt::format("{}\t{}\t{}\n", result.matrix.features[i].id, result.matrix.features[i].name,
                        core::format_double(result.by_profile.ambient[at++]));
  }
  return text;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

struct Figures {
  double median_molecules = 0, median_genes = 0, in_cells = 0, doublets = 0;
};

Figures summarise(const CellsResult& result) {
  Figures figures;
  std::vector<double> molecules, genes;
  double inside = 0, all = 0;
  for (const std::uint64_t total : result.totals.molecules) all += static_cast<double>(total);
  for (const std::size_t cell : result.cells) {
    molecules.push_back(static_cast<double>(result.totals.molecules[cell]));
    genes.push_back(static_cast<double>(result.totals.features[cell]));
    inside += molecules.back();
  }
  figures.median_molecules = median(molecules);
  figures.median_genes = median(genes);
  figures.in_cells = inside / all;
  for (const std::uint8_t called : result.doublets.called) figures.doublets += called;
  return figures;
}

std::string summary_json(const CellsOptions& options, const CellsResult& result, const Figures& figures) {
  nlohmann::ordered_json json;
  json["sample"] = result.sample;
  json["method"] = options.method;
  json["barcodes"] = result.matrix.barcodes.size();
  json["barcodes_with_molecules"] =
      result.totals.molecules.size() - static_cast<std::size_t>(std::ranges::count(result.totals.molecules, 0u));
  if (result.ranks)
    json["barcode_ranks"] = {{"knee_molecules", result.ranks->knee},
                             {"inflection_molecules", result.ranks->inflection}};
  if (result.by_molecules.threshold > 0)
    json["order_of_magnitude"] = {{"expected", result.by_molecules.expected_cells},
                                  {"threshold_molecules", result.by_molecules.threshold},
                                  {"cells", result.by_molecules.cells.size()}};
  if (options.method == "emptydrops") {
    std::size_t by_size = 0;
    for (const EmptyDropsCandidate& candidate : result.by_profile.candidates)
      by_size += candidate.by_size && candidate.fdr > options.false_discovery_rate ? 1 : 0;
    json["empty_drops"] = {{"ambient_ranks", {result.by_profile.ambient_first, result.by_profile.ambient_last}},
                           {"least_molecules", result.by_profile.least_molecules},
                           {"size_threshold", result.by_profile.size_threshold},
                           {"candidates", result.by_profile.candidates.size()},
                           {"cells", result.by_profile.cells.size()},
                           {"cells_by_size_alone", by_size}};
  }
  json["cells"] = {{"called", result.cells.size()},
                   {"molecule_share", figures.in_cells},
                   {"median_molecules", figures.median_molecules},
                   {"median_genes", figures.median_genes}};
  if (options.doublets)
    json["doublets"] = {
        {"rate", result.doublets.rate}, {"detectable_share", result.doublets.detectable}, {"called", figures.doublets}};
  json["ambient"] = {{"fraction_in_cells", number_or_null(result.ambient.fraction)},
                     {"evidence_pairs", result.ambient.evidence}};
  return json.dump(2) + "\n";
}

report::QcFragment qc_fragment(const CellsResult& result, const Figures& figures) {
  return {"scrna_cells",
          "Single-cell RNA: cells",
          result.sample,
          {{"cells", "Cells", "barcodes called cells", static_cast<double>(result.cells.size())},
           {"median_molecules", "Median UMIs", "median molecules per cell", figures.median_molecules},
           {"median_genes", "Median genes", "median genes per cell", figures.median_genes},
           {"molecules_in_cells_share", "In cells", "share of all molecules that lie in cells", figures.in_cells},
           {"doublets", "Doublets", "cells called doublets", figures.doublets},
           {"ambient_share", "Ambient", "estimated share of the cells' molecules that is ambient",
            result.ambient.fraction}}};
}

io::AnnData cells_anndata(const CellsOptions& options, const CellsResult& result, const io::TenxMatrix& filtered) {
  io::AnnData data;
  data.obs.index = filtered.barcodes;
  std::vector<std::int64_t> molecules, genes;
  for (const std::size_t cell : result.cells) {
    molecules.push_back(static_cast<std::int64_t>(result.totals.molecules[cell]));
    genes.push_back(static_cast<std::int64_t>(result.totals.features[cell]));
  }
  data.obs.columns = {{"n_molecules", molecules}, {"n_genes", genes}};
  if (options.doublets) {
    data.obs.columns.push_back({"doublet_score", result.doublets.scores});
    data.obs.columns.push_back({"doublet", io::Booleans{result.doublets.called}});
  }
  std::vector<std::string> names, types;
  for (const io::TenxFeature& feature : filtered.features) {
    data.var.index.push_back(feature.id);
    names.push_back(feature.name);
    types.push_back(feature.type);
  }
  data.var.columns = {{"gene_name", names}, {"feature_types", types}};
  data.x = filtered.counts;
  return data;
}

}  // namespace

std::string sample_of_matrix(const std::filesystem::path& path) {
  std::filesystem::path name = path;
  while (name.filename().empty() && name.has_parent_path() && name != name.parent_path()) name = name.parent_path();
  const std::string extension = name.extension().string();
  const std::string out = extension == ".h5" || extension == ".h5ad" ? name.stem().string() : name.filename().string();
  return out.empty() || out == "." || out == ".." ? "sample" : out;
}

CellsResult find_cells(const CellsOptions& options, core::RunContext& context) {
  check(options);
  CellsResult result;
  result.sample = options.sample.empty() ? sample_of_matrix(options.input) : options.sample;
  result.matrix = read_count_matrix(options.input, context, false, options.layer);
  for (const io::TenxFeature& feature : result.matrix.features) result.genes.push_back(feature.type == kGeneExpression);
  if (std::ranges::none_of(result.genes, [](bool gene) { return gene; }))
    refuse_matrix(
        options,
        fmt::format("no feature is gene expression (types: {})", core::join(feature_types(result.matrix), ", ")),
        "Give the matrix that holds the genes");
  const io::CsrMatrix counts = select_features(result.matrix, result.genes).counts;
  result.totals = barcode_totals(counts);
  if (std::ranges::all_of(result.totals.molecules, [](std::uint64_t total) { return total == 0; }))
    refuse_matrix(options, "no barcode has a molecule", "Give the raw matrix of a run");
  result.ranks = barcode_ranks(result.totals.molecules, static_cast<std::uint64_t>(options.rank_lower));
  call(options, counts, result, context);
  if (result.cells.empty())
    refuse_matrix(options, "no barcode is called a cell", "Check that this is the raw matrix of a run");
  if (result.by_profile.ambient.empty()) result.by_profile.ambient = simple_ambient(counts, result.cells);
  const io::CsrMatrix inside = io::select_rows(counts, result.cells);
  if (options.doublets) result.doublets = score_doublets(inside, {.expected_rate = options.doublet_rate}, context);
  result.ambient = estimate_ambient(inside, coarse_clusters(inside, context), result.by_profile.ambient);
  return result;
}

void write_cells(core::OutputSet& outputs, const CellsOptions& options, const CellsResult& result,
                 const core::RunContext& context) {
  const io::TenxMatrix filtered = select_barcodes(result.matrix, result.cells);
  io::write_tenx_folder(outputs, "filtered", filtered, context.threads);
  io::write_anndata(outputs.add_external("cells.h5ad"), cells_anndata(options, result, filtered), context.threads);
  outputs.add("cells.tsv").write(cells_table(options, result));
  if (!result.by_profile.ambient.empty()) outputs.add("ambient.tsv").write(ambient_table(result));
  const Figures figures = summarise(result);
  outputs.add("summary.json").write(summary_json(options, result, figures));
  report::add_qc(outputs, qc_fragment(result, figures));
  outputs.count("barcodes", static_cast<std::int64_t>(result.matrix.barcodes.size()));
  outputs.count("cells", static_cast<std::int64_t>(result.cells.size()));
  outputs.count("doublets", static_cast<std::int64_t>(figures.doublets));
}

}  // namespace immucan::scrna
