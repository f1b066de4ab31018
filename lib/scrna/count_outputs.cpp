#include "scrna/count_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "io/anndata.h"
#include "io/features_table.h"
#include "io/tenx.h"
#include "report/multiqc.h"

namespace immucan::scrna {

namespace {

bool is_mitochondrial(std::string_view chromosome) {
  return chromosome == "MT" || chromosome == "chrM" || chromosome == "chrMT" || chromosome == "M";
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Per barcode, in the order of the result.
struct BarcodeStatistics {
  std::vector<std::int64_t> molecules, genes, reads;
  std::vector<double> mitochondrial, unspliced;
};

BarcodeStatistics describe(const ReferenceIndex& index, std::span<const CellCounts> cells) {
  BarcodeStatistics out;
  std::vector<bool> mitochondrial;
  for (const IndexedGene& gene : index.genes())
    mitochondrial.push_back(is_mitochondrial(index.chromosome_names()[gene.chromosome]));
  for (const CellCounts& cell : cells) {
    std::uint64_t total = 0, mito = 0, unspliced = 0;
    for (const GeneCount& gene : cell.genes) {
      total += gene.total();
      unspliced += gene.unspliced;
      if (mitochondrial[gene.gene]) mito += gene.total();
    }
    out.molecules.push_back(static_cast<std::int64_t>(total));
    out.genes.push_back(static_cast<std::int64_t>(cell.genes.size()));
    out.reads.push_back(static_cast<std::int64_t>(cell.reads));
    out.mitochondrial.push_back(ratio(static_cast<double>(mito), static_cast<double>(total)));
    out.unspliced.push_back(ratio(static_cast<double>(unspliced), static_cast<double>(total)));
  }
  return out;
}

/// Sample-wide figures over called cells, in one place for summary, QC and record.
struct Figures {
  std::size_t cells = 0;
  std::uint64_t molecules_in_cells = 0, reads_in_cells = 0;
  double median_molecules = 0, median_genes = 0, mean_mitochondrial = 0, saturation = 0, valid_share = 0,
         gene_share = 0, cell_share = 0, unspliced_share = 0;
};

Figures summarise(const CountResult& result, const BarcodeStatistics& statistics) {
  Figures figures;
  figures.cells = result.call.cells.size();
  std::vector<double> molecules, genes;
  double mitochondrial = 0, unspliced = 0;
  for (const std::size_t i : result.call.cells) {
    molecules.push_back(static_cast<double>(statistics.molecules[i]));
    genes.push_back(static_cast<double>(statistics.genes[i]));
    figures.molecules_in_cells += static_cast<std::uint64_t>(statistics.molecules[i]);
    figures.reads_in_cells += static_cast<std::uint64_t>(statistics.reads[i]);
    mitochondrial += statistics.mitochondrial[i] * molecules.back();
    unspliced += statistics.unspliced[i] * molecules.back();
  }
  const double in_cells = static_cast<double>(figures.molecules_in_cells);
  figures.median_molecules = median(molecules);
  figures.median_genes = median(genes);
  figures.mean_mitochondrial = ratio(mitochondrial, in_cells);
  figures.unspliced_share = ratio(unspliced, in_cells);
  const auto reads = static_cast<double>(result.reads.reads), counted = static_cast<double>(result.reads.counted);
  figures.saturation = counted > 0 ? 1 - static_cast<double>(result.molecules.molecules) / counted : 0;
  figures.valid_share = ratio(static_cast<double>(result.reads.valid_barcodes()), reads);
  figures.gene_share = ratio(counted, reads);
  figures.cell_share = ratio(in_cells, static_cast<double>(result.molecules.molecules));
  return figures;
}

std::string summary_json(const std::string& sample, const CountOptions& options, const ChosenChemistry& chosen,
                         const ReferenceIndex& index, const CountResult& result, const Figures& figures) {
  nlohmann::ordered_json json;
  json["sample"] = sample;
  json["specimen"] = options.specimen;
  json["chemistry"] = chosen.chemistry.name;
  json["geometry"] = chosen.chemistry.geometry.text();
  json["strand"] = chosen.chemistry.sense ? "forward" : "reverse";
  json["chemistry_check"] = {{"detected", chosen.detected},
                             {"first_reads", chosen.reads_judged},
                             {"listed_share", chosen.listed},
                             {"sense", chosen.sense},
                             {"antisense", chosen.antisense}};
  json["barcode_list"] = {{"found_in_reads", chosen.barcodes_found}, {"barcodes", chosen.whitelist.size()}};
  json["index_digest"] = index.digest();
  json["reads"] = result.reads.reads;
  auto& barcodes = json["barcodes"];
  for (std::size_t i = 0; i < kBarcodeClasses; ++i) {
    const auto barcode_class = static_cast<BarcodeClass>(i);
    if (barcode_class == BarcodeClass::kMulti) {
      barcodes["multi_resolved"] = result.reads.multi_resolved;
      barcodes["multi_ambiguous"] = result.reads.barcodes[i] - result.reads.multi_resolved;
    } else {
      barcodes[std::string(name_of(barcode_class))] = result.reads.barcodes[i];
    }
  }
  if (options.barcode_rule == BarcodeRule::kSeenExactly) barcodes["one_mismatch_never_exact"] = result.reads.unseen;
  json["valid_barcodes"] = result.reads.valid_barcodes();
  auto& mapping = json["mapping"];
  for (std::size_t i = 0; i < kReadClasses; ++i)
    mapping[std::string(name_of(static_cast<ReadClass>(i)))] = result.reads.mapping[i];
  json["reads_counted"] = result.reads.counted;
  json["unspliced_beyond_bases"] = nullptr;
  if (result.reads.unspliced_beyond) json["unspliced_beyond_bases"] = *result.reads.unspliced_beyond;
  json["rules"] = {{"umi", name_of(options.rules.umi)}, {"multi_gene_umis", name_of(options.rules.multi_gene)}};
  json["umis"] = {{"distinct", result.molecules.distinct},
                  {"corrected", result.molecules.corrected},
                  {"given_up_for_several_genes", result.molecules.several_genes},
                  {"molecules", result.molecules.molecules},
                  {"distributed_over_genes", result.molecules.shared}};
  json["saturation"] = figures.saturation;
  json["barcodes_with_molecules"] = result.barcodes.size();
  json["cells"] = {{"called", figures.cells},
                   {"expected", result.call.expected_cells},
                   {"threshold_molecules", result.call.threshold},
                   {"molecules", figures.molecules_in_cells},
                   {"molecule_share", figures.cell_share},
                   {"median_molecules", figures.median_molecules},
                   {"median_genes", figures.median_genes},
                   {"mitochondrial_share", figures.mean_mitochondrial},
                   {"unspliced_share", figures.unspliced_share}};
  return json.dump(2) + "\n";
}

report::QcFragment qc_fragment(const std::string& sample, const CountResult& result, const Figures& figures) {
  return {"scrna_count",
          "Single-cell RNA: counting",
          sample,
          {{"reads", "Reads", "read pairs in the input", static_cast<double>(result.reads.reads)},
           {"valid_barcode_share", "Valid barcodes", "share of reads with a barcode of the list after correction",
            figures.valid_share},
           {"gene_share", "Reads in genes", "share of reads counted for one gene", figures.gene_share},
           {"saturation", "Saturation", "1 - molecules / counted reads", figures.saturation},
           {"cells", "Cells", "barcodes called cells", static_cast<double>(figures.cells)},
           {"median_molecules", "Median UMIs", "median molecules per cell", figures.median_molecules},
           {"median_genes", "Median genes", "median genes per cell", figures.median_genes},
           {"mitochondrial_share", "Mitochondrial", "share of mitochondrial molecules in cells",
            figures.mean_mitochondrial},
           {"molecules_in_cells_share", "In cells", "share of all molecules that lie in cells", figures.cell_share}}};
}

/// ln(1 + counts per million) over all called cells together, per gene name; missing without a cell.
std::vector<io::FeatureValue> pseudobulk(const std::string& sample, const CountOptions& options,
                                         const ReferenceIndex& index, const CountResult& result) {
  std::map<std::string, double> sums;
  for (const std::string_view name : index.gene_names()) sums[std::string(name)] = 0;
  double total = 0;
  for (const std::size_t i : result.call.cells) {
    for (const GeneCount& gene : result.barcodes[i].genes) {
      sums[std::string(index.gene_names()[gene.gene])] += gene.total();
      total += gene.total();
    }
  }
  std::vector<io::FeatureValue> values;
  for (const auto& [name, sum] : sums) {
    io::FeatureValue value{sample, io::feature_name("scrna", options.specimen, "total/" + name, "log1p_cpm"),
                           std::nullopt};
    if (total > 0) value.value = std::log1p(sum / total * 1e6);
    values.push_back(std::move(value));
  }
  return values;
}

io::AnnData make_anndata(const io::TenxMatrix& raw, const CountResult& result, const BarcodeStatistics& statistics,
                         const ReferenceIndex& index, std::size_t genes, const CountingRules& rules) {
  const auto& cells = result.call.cells;
  io::AnnData data;
  std::vector<std::int64_t> molecules, gene_counts, reads;
  std::vector<double> mitochondrial, unspliced;
  std::vector<CellCounts> called;
  for (const std::size_t i : cells) {
    data.obs.index.push_back(raw.barcodes[i]);
    molecules.push_back(statistics.molecules[i]);
    gene_counts.push_back(statistics.genes[i]);
    reads.push_back(statistics.reads[i]);
    mitochondrial.push_back(statistics.mitochondrial[i]);
    unspliced.push_back(statistics.unspliced[i]);
    called.push_back(result.barcodes[i]);
  }
  data.obs.columns = {{"n_molecules", molecules},
                      {"n_genes", gene_counts},
                      {"n_reads", reads},
                      {"mitochondrial_share", mitochondrial},
                      {"unspliced_share", unspliced}};
  std::vector<std::string> names, chromosomes;
  for (const io::TenxFeature& feature : raw.features) {
    data.var.index.push_back(feature.id);
    names.push_back(feature.name);
  }
  for (const IndexedGene& gene : index.genes()) chromosomes.emplace_back(index.chromosome_names()[gene.chromosome]);
  data.var.columns = {{"gene_name", names}, {"chromosome", chromosomes}};
  data.x = make_matrix(called, genes, Layer::kTotal);
  data.layers = {{"ambiguous", make_matrix(called, genes, Layer::kAmbiguous)},
                 {"spliced", make_matrix(called, genes, Layer::kSpliced)},
                 {"unspliced", make_matrix(called, genes, Layer::kUnspliced)}};
  if (rules.expectation_maximisation) data.layers.emplace_back("total_em", make_matrix(called, genes, Layer::kTotalEm));
  return data;
}

}  // namespace

void write_count_outputs(core::OutputSet& outputs, const CountOptions& options, const ChosenChemistry& chosen,
                         const ReferenceIndex& index, const CountResult& result, const core::RunContext& context) {
  const std::string sample =
      options.sample.empty() ? sample_of((options.bam.empty() ? options.read2 : options.bam).front()) : options.sample;
  const std::size_t genes = index.genes().size();
  io::TenxMatrix matrix;
  for (std::size_t i = 0; i < genes; ++i)
    matrix.features.push_back({std::string(index.gene_ids()[i]), std::string(index.gene_names()[i])});
  for (const CellCounts& cell : result.barcodes) matrix.barcodes.push_back(chosen.whitelist.text(cell.cell));
  if (options.rules.expectation_maximisation) {
    matrix.counts = make_matrix(result.barcodes, genes, Layer::kTotalEm);
    io::write_tenx_folder(outputs, std::filesystem::path("layers") / "total_em", matrix, context.threads, false);
  }
  for (const auto& [name, layer] : {std::pair{"ambiguous", Layer::kAmbiguous},
                                    {"spliced", Layer::kSpliced},
                                    {"unspliced", Layer::kUnspliced},
                                    {"total", Layer::kTotal}}) {
    matrix.counts = make_matrix(result.barcodes, genes, layer);
    io::write_tenx_folder(outputs, std::filesystem::path("layers") / name, matrix, context.threads);
    context.interrupt.check();
  }
  // The total is the last of them.
  io::write_tenx_folder(outputs, "raw", matrix, context.threads);
  io::write_tenx_h5(outputs.add_external("raw.h5"), matrix, "reference", chosen.chemistry.description, context.threads);
  io::TenxMatrix filtered{{}, matrix.features, io::select_rows(matrix.counts, result.call.cells)};
  for (const std::size_t i : result.call.cells) filtered.barcodes.push_back(matrix.barcodes[i]);
  io::write_tenx_folder(outputs, "filtered", filtered, context.threads);

  const BarcodeStatistics statistics = describe(index, result.barcodes);
  io::write_anndata(outputs.add_external("counts.h5ad"),
                    make_anndata(matrix, result, statistics, index, genes, options.rules), context.threads);
  const Figures figures = summarise(result, statistics);
  outputs.add("summary.json").write(summary_json(sample, options, chosen, index, result, figures));
  report::add_qc(outputs, qc_fragment(sample, result, figures));
  io::write_features(outputs.add(sample + ".features.tsv"), pseudobulk(sample, options, index, result));
  outputs.count("reads", static_cast<std::int64_t>(result.reads.reads));
  outputs.count("molecules", static_cast<std::int64_t>(result.molecules.molecules));
  outputs.count("cells", static_cast<std::int64_t>(figures.cells));
  outputs.count("index_digest", index.digest());
}

}  // namespace immucan::scrna
