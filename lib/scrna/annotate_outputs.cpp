#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "io/anndata.h"
#include "io/features_table.h"
#include "report/multiqc.h"
#include "scrna/annotate.h"

namespace immucan::scrna {

namespace {

constexpr std::array<std::size_t, 3> kEveryLevel = {0, 1, 2};

std::string or_missing(const std::string& text) {
  return text.empty() ? "NA" : text;
}

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string annotation_table(const AnnotateResult& result) {
  std::string text = "barcode";
  for (const std::string_view level : kLevels) text += fmt::format("\t{0}\t{0}_cl_id\t{0}_score", level);
  text += "\tmalignant_probability\tcopy_number_score\ttcr_clonotype\tbcr_clonotype\n";
  for (std::size_t i = 0; i < result.matrix.barcodes.size(); ++i) {
    text += result.matrix.barcodes[i];
    for (const std::size_t level : kEveryLevel) {
      text += fmt::format("\t{}\t{}\t{}", result.label[level][i],
                          or_missing(cell_ontology_id(result.types, result.label[level][i])),
                          core::format_double(result.annotation.score[level][i]));
    }
    const double none = std::nan("");
    text += "\t" + core::format_double(result.malignancy ? result.malignancy->probability[i] : none);
    text += "\t" + core::format_double(result.malignancy ? result.malignancy->score[i] : none);
    std::array<std::string, 2> clonotypes;
    if (result.clonotypes) {
      const auto found = result.clonotypes->of_cell.find(result.matrix.barcodes[i]);
      if (found != result.clonotypes->of_cell.end()) {
        for (const CellClonotype& clonotype : found->second)
          clonotypes[static_cast<std::size_t>(clonotype.kind)] = clonotype.clonotype;
      }
    }
    text += "\t" + or_missing(clonotypes[0]) + "\t" + or_missing(clonotypes[1]) + "\n";
  }
  return text;
}

std::string interaction_table(const AnnotateResult& result) {
  std::string text = "ligand\treceptor\tsender\treceiver\tligand_mean\treceptor_mean\tscore\tfold\tp\tfdr\tcalled\n";
  for (const Interaction& row : result.interactions->tested) {
    text += fmt::format("{}\t{}\t{}\t{}", core::join(result.pairs[row.pair].ligand, "+"),
                        core::join(result.pairs[row.pair].receptor, "+"), result.labels[0][row.sender],
                        result.labels[0][row.receiver]);
    for (const double value : {row.ligand_mean, row.receptor_mean, row.score, row.fold, row.p, row.fdr})
      text += "\t" + core::format_double(value);
    text += row.called ? "\t1\n" : "\t0\n";
  }
  return text;
}

std::string copy_number_table(const MalignancyResult& malignancy) {
  std::string text = "chromosome\tstart\tgenes";
  for (std::size_t k = 0; k < malignancy.clusters.size(); ++k)
    text += fmt::format("\tcluster{}_{}", k + 1, malignancy.clusters[k].malignant ? "malignant" : "normal");
  text += "\n";
  for (std::size_t b = 0; b < malignancy.bins.size(); ++b) {
    text +=
        fmt::format("{}\t{}\t{}", malignancy.bins[b].chromosome, malignancy.bins[b].start, malignancy.bins[b].genes);
    for (const CandidateCluster& cluster : malignancy.clusters)
      text += "\t" + core::format_double(cluster.log2_ratio[b]);
    text += "\n";
  }
  return text;
}

/// Collects rows of SAMPLE.features.tsv.
class Features {
 public:
  Features(const AnnotateOptions& options, const AnnotateResult& result) : options_(options), result_(result) {}

  std::vector<io::FeatureValue> collect() {
    add_fractions();
    add_pseudobulks();
    if (result_.interactions) add_interactions();
    if (result_.clonotypes) add_clonotypes();
    return std::move(values_);
  }

 private:
  void add(const std::string& entity, std::string_view measure, std::optional<double> value) {
    values_.push_back({result_.sample, io::feature_name("scrna", options_.specimen, entity, measure), value});
  }

  [[nodiscard]] std::vector<std::size_t> cells_of(std::size_t level, const std::string& name) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < result_.label[level].size(); ++i) {
      if (result_.label[level][i] == name) out.push_back(i);
    }
    return out;
  }

  /// A name's cells are the same at every level where it may occur, but for unassigned ones: those count at major.
  void add_fractions() {
    std::map<std::string, double> fractions;
    const double all = static_cast<double>(result_.matrix.barcodes.size());
    for (const std::size_t level : kEveryLevel) {
      for (const std::string& name : result_.labels[level])
        fractions.emplace(name, static_cast<double>(cells_of(level, name).size()) / all);
    }
    const bool assessed = result_.malignancy && result_.malignancy->assessable;
    for (const auto& [name, fraction] : fractions) {
      if (name == kMalignantCell && !assessed) {
        add(name, "fraction", std::nullopt);
      } else {
        add(name, "fraction", fraction);
      }
    }
  }

  void add_pseudobulks() {
    std::map<std::string, std::vector<std::size_t>> columns;  // genes of one name are summed
    for (std::size_t g = 0; g < result_.matrix.features.size(); ++g)
      columns[result_.matrix.features[g].name].push_back(g);
    std::vector<std::size_t> all(result_.matrix.barcodes.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    add_pseudobulk("total", all, columns);
    const auto level = std::ranges::find(kLevels, std::string_view(options_.pseudobulk));
    if (level == kLevels.end()) return;
    const auto at = static_cast<std::size_t>(level - kLevels.begin());
    for (const std::string& name : result_.labels[at]) {
      if (name != kUnassigned) add_pseudobulk(name, cells_of(at, name), columns);
    }
  }

  void add_pseudobulk(const std::string& name, const std::vector<std::size_t>& cells,
                      const std::map<std::string, std::vector<std::size_t>>& columns) {
    std::vector<double> sums(result_.matrix.features.size(), 0.0);
    double total = 0;
    for (const std::size_t cell : cells) {
      const auto genes = result_.matrix.counts.row_columns(cell);
      const auto values = result_.matrix.counts.row_values(cell);
      for (std::size_t e = 0; e < genes.size(); ++e) {
        sums[static_cast<std::size_t>(genes[e])] += static_cast<double>(values[e]);
        total += static_cast<double>(values[e]);
      }
    }
    const bool enough = cells.size() >= static_cast<std::size_t>(options_.least_cells) && total > 0;
    std::map<std::string, double> levels;
    for (const auto& [gene, places] : columns) {
      double sum = 0;
      for (const std::size_t place : places) sum += sums[place];
      const double value = enough ? std::log1p(sum / total * 1e6) : 0;
      levels[gene] = value;
      add(name + "/" + gene, "log1p_cpm", enough ? std::optional(value) : std::nullopt);
    }
    for (const io::GeneSet& set : result_.signatures.sets) {
      double sum = 0, known = 0;
      for (const std::string& gene : set.genes) {
        const auto found = levels.find(gene);
        if (found == levels.end()) continue;
        sum += found->second;
        known += 1;
      }
      add(name + "/" + set.name, "mean_log1p_cpm", enough && known > 0 ? std::optional(sum / known) : std::nullopt);
    }
  }

  void add_interactions() {
    const std::size_t types = result_.labels[0].size() - 1;
    for (std::size_t i = 0; i < result_.pairs.size(); ++i) {
      for (std::size_t sender = 0; sender < types; ++sender) {
        for (std::size_t receiver = 0; receiver < types; ++receiver) {
          add(fmt::format("{}>{}/{}", result_.labels[0][sender], result_.labels[0][receiver], result_.pairs[i].name()),
              "interaction_score", finite(result_.interactions->score[i][sender * types + receiver]));
        }
      }
    }
  }

  void add_clonotypes() {
    for (const auto& [kind, name] : {std::pair{ReceptorKind::kTCell, "TCR"}, std::pair{ReceptorKind::kBCell, "BCR"}}) {
      std::vector<std::string> found;
      for (const std::string& barcode : result_.matrix.barcodes) {
        const auto cell = result_.clonotypes->of_cell.find(barcode);
        if (cell == result_.clonotypes->of_cell.end()) continue;
        for (const CellClonotype& clonotype : cell->second) {
          if (clonotype.kind == kind) found.push_back(clonotype.clonotype);
        }
      }
      const ClonotypeSummary summary = summarise_clonotypes(found);
      const bool enough = summary.cells >= static_cast<std::size_t>(options_.least_cells);
      add(name, "cells", static_cast<double>(summary.cells));
      add(name, "clonotypes", static_cast<double>(summary.clonotypes));
      add(name, "expanded_fraction",
          enough ? std::optional(static_cast<double>(summary.expanded_cells) / static_cast<double>(summary.cells))
                 : std::nullopt);
      add(name, "clonality", enough ? summary.clonality : std::nullopt);
    }
  }

  const AnnotateOptions& options_;
  const AnnotateResult& result_;
  std::vector<io::FeatureValue> values_;
};

io::Categorical categorical(const std::vector<std::string>& values, const std::vector<std::string>& categories) {
  io::Categorical out;
  out.categories = categories;
  for (const std::string& value : values)
    out.codes.push_back(static_cast<std::int32_t>(std::ranges::find(categories, value) - categories.begin()));
  return out;
}

io::AnnData make_anndata(const AnnotateResult& result) {
  io::AnnData data;
  data.obs.index = result.matrix.barcodes;
  for (const std::size_t level : kEveryLevel) {
    const std::string name(kLevels[level]);
    data.obs.columns.push_back({"cell_type_" + name, categorical(result.label[level], result.labels[level])});
    std::vector<std::string> ids;
    for (const std::string& label : result.label[level]) ids.push_back(cell_ontology_id(result.types, label));
    data.obs.columns.push_back({"cell_ontology_id_" + name, std::move(ids)});
    data.obs.columns.push_back({"score_" + name, result.annotation.score[level]});
  }
  if (result.malignancy) {
    data.obs.columns.push_back({"malignant_probability", result.malignancy->probability});
    data.obs.columns.push_back({"copy_number_score", result.malignancy->score});
  }
  std::vector<std::string> names;
  for (const io::TenxFeature& feature : result.matrix.features) {
    data.var.index.push_back(feature.id);
    names.push_back(feature.name);
  }
  data.var.columns = {{"gene_name", std::move(names)}};
  data.x = result.matrix.counts;
  return data;
}

nlohmann::ordered_json summarise(const AnnotateResult& result) {
  nlohmann::ordered_json json;
  json["sample"] = result.sample;
  json["cells"] = result.matrix.barcodes.size();
  for (const std::size_t level : kEveryLevel) {
    auto& counts = json["cell_types"][std::string(kLevels[level])];
    for (const std::string& name : result.labels[level]) counts[name] = std::ranges::count(result.label[level], name);
  }
  auto& missing = json["types_without_genes"] = nlohmann::ordered_json::array();
  for (const std::size_t type : result.annotation.without_genes) missing.push_back(result.types.types[type].name);
  if (result.malignancy) {
    auto& part = json["malignancy"];
    part["assessable"] = result.malignancy->assessable;
    part["normal_below"] = result.malignancy->normal_below;
    part["own_baseline"] = result.malignancy->own_baseline;
    part["reference_called"] = result.malignancy->reference_called;
    auto& clusters = part["clusters"] = nlohmann::ordered_json::array();
    for (const CandidateCluster& cluster : result.malignancy->clusters)
      clusters.push_back({{"cells", cluster.cells},
                          {"broad", cluster.broad},
                          {"largest", cluster.largest},
                          {"malignant", cluster.malignant}});
  }
  if (result.interactions) {
    const auto called =
        std::ranges::count_if(result.interactions->tested, [](const Interaction& row) { return row.called; });
    json["interactions"] = {{"tested", result.interactions->tested.size()}, {"called", called}};
  }
  if (result.clonotypes)
    json["rearrangements"] = {{"rows", result.clonotypes->rows},
                              {"unproductive", result.clonotypes->unproductive},
                              {"cells", result.clonotypes->of_cell.size()}};
  return json;
}

report::QcFragment qc_fragment(const AnnotateResult& result) {
  const double all = static_cast<double>(result.matrix.barcodes.size());
  const auto share = [&](std::string_view name) {
    return static_cast<double>(std::ranges::count(result.label[0], name)) / all;
  };
  return {"scrna_annotate",
          "Single-cell RNA: cell types",
          result.sample,
          {{"cells", "Cells", "cells annotated", all},
           {"unassigned_share", "Unassigned", "share of cells without a major type", share(kUnassigned)},
           {"malignant_share", "Malignant", "share of malignant cells",
            result.malignancy && result.malignancy->assessable ? share(kMalignantCell) : std::nan("")}}};
}

}  // namespace

void write_annotation(core::OutputSet& outputs, const AnnotateOptions& options, const AnnotateResult& result,
                      const core::RunContext& context) {
  outputs.add("annotation.tsv").write(annotation_table(result));
  if (result.interactions) outputs.add("interactions.tsv").write(interaction_table(result));
  if (result.malignancy && result.malignancy->assessable)
    outputs.add("copy_number.tsv").write(copy_number_table(*result.malignancy));
  io::write_anndata(outputs.add_external("annotated.h5ad"), make_anndata(result), context.threads);
  io::write_features(outputs.add(result.sample + ".features.tsv"), Features(options, result).collect());
  outputs.add("summary.json").write(summarise(result).dump(2) + "\n");
  report::add_qc(outputs, qc_fragment(result));
  outputs.count("cells", static_cast<std::int64_t>(result.matrix.barcodes.size()));
  outputs.count("unassigned", static_cast<std::int64_t>(std::ranges::count(result.label[0], kUnassigned)));
  outputs.count("malignant", static_cast<std::int64_t>(std::ranges::count(result.label[0], kMalignantCell)));
}

}  // namespace immucan::scrna
