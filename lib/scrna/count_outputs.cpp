#include "scrna/count_outputs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "io/anndata.h"
#include "io/features_table.h"
#include "io/tenx.h"
#include "report/multiqc.h"
#include "scrna/count_page.h"
#include "scrna/molecule_file.h"

namespace immucan::scrna {

namespace {

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

/// Columns of `right` behind those of `left`; rows are the same.
io::CsrMatrix beside(io::CsrMatrix left, const io::CsrMatrix& right) {
  io::CsrMatrix out;
  out.rows = left.rows;
  out.columns = left.columns + right.columns;
  for (std::size_t row = 0; row < left.rows; ++row) {
    const auto columns = left.row_columns(row), more = right.row_columns(row);
    const auto values = left.row_values(row), more_values = right.row_values(row);
    out.column.insert(out.column.end(), columns.begin(), columns.end());
    for (const std::int32_t column : more) out.column.push_back(column + static_cast<std::int32_t>(left.columns));
    out.value.insert(out.value.end(), values.begin(), values.end());
    out.value.insert(out.value.end(), more_values.begin(), more_values.end());
    out.row_start.push_back(static_cast<std::int64_t>(out.column.size()));
  }
  return out;
}

/// Genes, then features: these have molecules in the totals alone.
io::CsrMatrix layer_matrix(const Counted& counted, Layer layer) {
  const std::size_t genes = counted.index.genes().size();
  io::CsrMatrix matrix = make_matrix(counted.result.barcodes, genes, layer);
  if (counted.features.empty()) return matrix;
  const std::size_t features = counted.features.features.size();
  if (layer == Layer::kTotal || layer == Layer::kTotalEm)
    return beside(std::move(matrix), make_matrix(counted.features.barcodes, features, Layer::kTotal));
  matrix.columns += features;
  return matrix;
}

io::TenxMatrix empty_matrix(const Counted& counted) {
  io::TenxMatrix matrix;
  for (std::size_t i = 0; i < counted.index.genes().size(); ++i)
    matrix.features.push_back({std::string(counted.index.gene_ids()[i]), std::string(counted.index.gene_names()[i])});
  for (const FeatureBarcode& feature : counted.features.features)
    matrix.features.push_back({feature.id, feature.name, feature.type});
  for (const CellCounts& cell : counted.result.barcodes)
    matrix.barcodes.push_back(counted.chosen.whitelist.text(cell.cell));
  return matrix;
}

/// Called cells and features, without matrices.
io::AnnData make_anndata(const io::TenxMatrix& raw, const Counted& counted, const BarcodeStatistics& statistics) {
  io::AnnData data;
  std::vector<std::int64_t> molecules, gene_counts, reads;
  std::vector<double> mitochondrial, unspliced;
  for (const std::size_t i : counted.result.call.cells) {
    data.obs.index.push_back(raw.barcodes[i]);
    molecules.push_back(statistics.molecules[i]);
    gene_counts.push_back(statistics.genes[i]);
    reads.push_back(statistics.reads[i]);
    mitochondrial.push_back(statistics.mitochondrial[i]);
    unspliced.push_back(statistics.unspliced[i]);
  }
  data.obs.columns = {{"n_molecules", molecules},
                      {"n_genes", gene_counts},
                      {"n_reads", reads},
                      {"mitochondrial_share", mitochondrial},
                      {"unspliced_share", unspliced}};
  std::vector<std::string> names, chromosomes, types;
  for (const io::TenxFeature& feature : raw.features) {
    data.var.index.push_back(feature.id);
    names.push_back(feature.name);
    types.push_back(feature.type);
  }
  for (const IndexedGene& gene : counted.index.genes())
    chromosomes.emplace_back(counted.index.spliced_only() ? "" : counted.index.chromosome_names()[gene.chromosome]);
  chromosomes.resize(names.size());
  data.var.columns = {{"gene_name", names}, {"chromosome", chromosomes}, {"feature_types", types}};
  return data;
}

void write_matrices(core::OutputSet& outputs, const Counted& counted, const BarcodeStatistics& statistics,
                    const core::RunContext& context) {
  io::TenxMatrix matrix = empty_matrix(counted);
  io::AnnData cells = make_anndata(matrix, counted, statistics);
  std::vector<std::pair<const char*, Layer>> layers = {
      {"ambiguous", Layer::kAmbiguous}, {"spliced", Layer::kSpliced}, {"unspliced", Layer::kUnspliced}};
  if (counted.options.rules.expectation_maximisation) layers.emplace_back("total_em", Layer::kTotalEm);
  layers.emplace_back("total", Layer::kTotal);
  for (const auto& [name, layer] : layers) {
    matrix.counts = layer_matrix(counted, layer);
    io::write_tenx_folder(outputs, std::filesystem::path("layers") / name, matrix, context.threads,
                          layer != Layer::kTotalEm);
    if (layer != Layer::kTotal)
      cells.layers.emplace_back(name, io::select_rows(matrix.counts, counted.result.call.cells));
    context.interrupt.check();
  }
  // The total is the last of them.
  io::write_tenx_folder(outputs, "raw", matrix, context.threads);
  io::write_tenx_h5(outputs.add_external("raw.h5"), matrix, "reference", counted.chosen.chemistry.description,
                    context.threads);
  io::TenxMatrix filtered{{}, matrix.features, io::select_rows(matrix.counts, counted.result.call.cells)};
  for (const std::size_t i : counted.result.call.cells) filtered.barcodes.push_back(matrix.barcodes[i]);
  matrix = {};
  io::write_tenx_folder(outputs, "filtered", filtered, context.threads);
  cells.x = std::move(filtered.counts);
  io::write_anndata(outputs.add_external("counts.h5ad"), cells, context.threads);
}

}  // namespace

void write_count_outputs(core::OutputSet& outputs, const Counted& counted, const core::RunContext& context) {
  const auto& [options, chosen, index, result, features] = counted;
  const std::string sample =
      options.sample.empty() ? sample_of((options.bam.empty() ? options.read2 : options.bam).front()) : options.sample;
  if (options.rules.keep_molecules) {
    write_molecule_file(outputs.add_external("molecule_info.h5"), sample, counted, context.threads);
    for (CellCounts& cell : counted.result.barcodes) cell.kept = {};
    for (CellCounts& cell : counted.features.barcodes) cell.kept = {};
  }
  const BarcodeStatistics statistics = describe(index, result.barcodes);
  write_matrices(outputs, counted, statistics, context);
  const Figures figures = summarise(result, statistics);
  outputs.add("summary.json").write(summary_json(sample, counted, figures));
  outputs.add(sample + ".qc.html").write(count_page(sample, counted, figures, statistics));
  report::add_qc(outputs, qc_fragment(sample, result, figures));
  io::write_features(outputs.add(sample + ".features.tsv"), pseudobulk(sample, options, index, result));
  outputs.count("reads", static_cast<std::int64_t>(result.reads.reads));
  outputs.count("molecules", static_cast<std::int64_t>(result.molecules.molecules));
  outputs.count("cells", static_cast<std::int64_t>(figures.cells));
  outputs.count("index_digest", index.digest());
}

}  // namespace immucan::scrna
