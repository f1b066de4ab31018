#include "scrna/count_figures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace immucan::scrna {

namespace {

/// By the chromosome (Ensembl, UCSC, NCBI's of man and mouse); without one, by the name of the gene.
bool is_mitochondrial(const ReferenceIndex& index, std::size_t gene) {
  if (index.spliced_only()) {
    const std::string_view name = index.gene_names()[gene];
    return name.starts_with("MT-") || name.starts_with("mt-") || name.starts_with("Mt-");
  }
  const std::string_view chromosome = index.chromosome_names()[index.genes()[gene].chromosome];
  return chromosome == "MT" || chromosome == "chrM" || chromosome == "chrMT" || chromosome == "M" ||
         chromosome.starts_with("NC_012920.") || chromosome.starts_with("NC_005089.");
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

nlohmann::ordered_json barcode_classes(const std::array<std::uint64_t, kBarcodeClasses>& classes,
                                       std::uint64_t multi_resolved) {
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < kBarcodeClasses; ++i) {
    const auto barcode_class = static_cast<BarcodeClass>(i);
    if (barcode_class == BarcodeClass::kMulti) {
      json["multi_resolved"] = multi_resolved;
      json["multi_ambiguous"] = classes[i] - multi_resolved;
    } else {
      json[std::string(name_of(barcode_class))] = classes[i];
    }
  }
  return json;
}

nlohmann::ordered_json features_json(const FeatureCounts& features) {
  nlohmann::ordered_json json;
  json["reads"] = features.reads.reads;
  json["barcodes"] = barcode_classes(features.reads.barcodes, features.reads.multi_resolved);
  json["barcodes_translated"] = features.reads.translated;
  json["first_reads_in_cells"] = {{"as_read", features.reads.in_cells},
                                  {"translated", features.reads.in_cells_translated}};
  for (std::size_t i = 0; i < kFeatureClasses; ++i)
    json["features"][std::string(name_of(static_cast<FeatureClass>(i)))] = features.reads.features[i];
  std::map<std::string, std::uint64_t> molecules;
  for (const FeatureBarcode& feature : features.features) molecules[feature.type] += 0;
  for (const CellCounts& cell : features.barcodes) {
    for (const GeneCount& count : cell.genes) molecules[features.features[count.gene].type] += count.total();
  }
  json["molecules"] = molecules;
  return json;
}

}  // namespace

BarcodeStatistics describe(const ReferenceIndex& index, std::span<const CellCounts> cells) {
  BarcodeStatistics out;
  std::vector<bool> mitochondrial;
  for (std::size_t gene = 0; gene < index.genes().size(); ++gene)
    mitochondrial.push_back(is_mitochondrial(index, gene));
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

std::vector<SaturationPoint> saturation_curve(const MoleculeSummary& molecules, int steps) {
  const auto& histogram = molecules.reads_per_molecule;
  double reads = 0;
  for (std::size_t n = 1; n < histogram.size(); ++n) reads += static_cast<double>(n * histogram[n]);
  std::vector<SaturationPoint> curve;
  for (int step = 0; step <= steps; ++step) {
    const double part = static_cast<double>(step) / steps;
    SaturationPoint point{part * reads, 0, 0};
    for (std::size_t n = 1; n < histogram.size(); ++n)
      point.molecules += static_cast<double>(histogram[n]) * (1 - std::pow(1 - part, static_cast<double>(n)));
    if (point.reads > 0) point.saturation = 1 - point.molecules / point.reads;
    curve.push_back(point);
  }
  return curve;
}

std::string summary_json(const std::string& sample, const Counted& counted, const Figures& figures) {
  const auto& [options, chosen, index, result, features] = counted;
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
  json["barcodes"] = barcode_classes(result.reads.barcodes, result.reads.multi_resolved);
  if (options.barcode_rule == BarcodeRule::kSeenExactly)
    json["barcodes"]["one_mismatch_never_exact"] = result.reads.unseen;
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
  if (!features.empty()) json["features"] = features_json(features);
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
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

}  // namespace immucan::scrna
