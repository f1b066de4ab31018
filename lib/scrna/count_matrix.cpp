#include "scrna/count_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "io/anndata.h"
#include "io/hdf5.h"

namespace immucan::scrna {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, std::string what, std::string remedy) {
  core::raise({path.string(), core::Place::none(), std::move(what), std::move(remedy)});
}

/// A text column of var, or empty.
std::vector<std::string> text_column(const io::DataFrame& frame, std::string_view name) {
  for (const io::DataFrameColumn& column : frame.columns) {
    if (column.name != name) continue;
    if (const auto* text = std::get_if<std::vector<std::string>>(&column.values)) return *text;
    if (const auto* text = std::get_if<io::NullableStrings>(&column.values)) return text->values;
    if (const auto* codes = std::get_if<io::Categorical>(&column.values)) {
      std::vector<std::string> out;
      for (const std::int32_t code : codes->codes)
        out.push_back(code < 0 ? std::string() : codes->categories[static_cast<std::size_t>(code)]);
      return out;
    }
  }
  return {};
}

io::TenxMatrix from_anndata(const std::filesystem::path& path, io::AnnData data, const std::string& layer) {
  io::TenxMatrix matrix;
  std::optional<io::CsrMatrix> counts;
  if (layer.empty()) counts = std::move(data.x);
  std::vector<std::string> known;
  for (auto& [name, values] : data.layers) {
    known.push_back(name);
    if (name == layer) counts = std::move(values);
  }
  if (!counts) {
    if (layer.empty()) refuse(path, "the AnnData has no X", "Store the counts as X, or name a layer with --layer");
    refuse(path, fmt::format("no layer '{}'", core::printable(layer)),
           fmt::format("Layers are: {}", core::join(known, ", ")));
  }
  matrix.counts = std::move(*counts);
  matrix.barcodes = std::move(data.obs.index);
  std::vector<std::string> names;
  for (const char* column : {"gene_name", "gene_names", "gene_symbols", "gene_symbol", "feature_name"}) {
    if (names.empty()) names = text_column(data.var, column);
  }
  const std::vector<std::string> types = text_column(data.var, "feature_types");
  for (std::size_t i = 0; i < data.var.index.size(); ++i) {
    io::TenxFeature feature{data.var.index[i], names.empty() || names[i].empty() ? data.var.index[i] : names[i]};
    if (!types.empty() && !types[i].empty()) feature.type = types[i];
    matrix.features.push_back(std::move(feature));
  }
  return matrix;
}

void check_counts(const std::filesystem::path& path, const io::TenxMatrix& matrix, bool fractions) {
  if (matrix.barcodes.empty() || matrix.features.empty())
    refuse(path, fmt::format("{} barcodes and {} features", matrix.barcodes.size(), matrix.features.size()),
           "Give a matrix with both");
  for (std::size_t row = 0; row < matrix.counts.rows; ++row) {
    const auto values = matrix.counts.row_values(row);
    for (std::size_t e = 0; e < values.size(); ++e) {
      const float value = values[e];
      const bool whole = value == std::floor(value);
      if (std::isfinite(value) && value >= 0 && value < 0x1p31f && (whole || fractions)) continue;
      refuse(
          path,
          fmt::format("{} of feature '{}' in barcode '{}' is no count", value,
                      core::printable(matrix.features[static_cast<std::size_t>(matrix.counts.row_columns(row)[e])].id),
                      core::printable(matrix.barcodes[row])),
          "Give counts of molecules as they were counted, before any normalisation");
    }
  }
}

}  // namespace

io::TenxMatrix read_count_matrix(const std::filesystem::path& path, core::RunContext& context, bool fractions,
                                 const std::string& layer) {
  io::TenxMatrix matrix;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    matrix = io::read_tenx_folder(path, context);
  } else {
    const io::Hdf5Reader in(path, context);
    const auto members = in.members("/");
    matrix = std::ranges::find(members, "matrix") != members.end() ? io::read_tenx_h5(in)
                                                                   : from_anndata(path, io::read_anndata(in), layer);
  }
  check_counts(path, matrix, fractions);
  return matrix;
}

io::TenxMatrix select_features(const io::TenxMatrix& matrix, const std::vector<bool>& keep) {
  io::TenxMatrix out;
  out.barcodes = matrix.barcodes;
  std::vector<std::int32_t> place(matrix.features.size(), -1);
  for (std::size_t i = 0; i < matrix.features.size(); ++i) {
    if (!keep[i]) continue;
    place[i] = static_cast<std::int32_t>(out.features.size());
    out.features.push_back(matrix.features[i]);
  }
  out.counts.rows = matrix.counts.rows;
  out.counts.columns = out.features.size();
  for (std::size_t row = 0; row < matrix.counts.rows; ++row) {
    const auto columns = matrix.counts.row_columns(row);
    const auto values = matrix.counts.row_values(row);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      const std::int32_t to = place[static_cast<std::size_t>(columns[e])];
      if (to < 0 || values[e] == 0) continue;
      out.counts.column.push_back(to);
      out.counts.value.push_back(values[e]);
    }
    out.counts.row_start.push_back(static_cast<std::int64_t>(out.counts.column.size()));
  }
  return out;
}

io::TenxMatrix features_of_type(const io::TenxMatrix& matrix, std::string_view type) {
  std::vector<bool> keep;
  for (const io::TenxFeature& feature : matrix.features) keep.push_back(feature.type == type);
  return select_features(matrix, keep);
}

io::TenxMatrix select_barcodes(const io::TenxMatrix& matrix, std::span<const std::size_t> rows) {
  io::TenxMatrix out{{}, matrix.features, io::select_rows(matrix.counts, rows)};
  for (const std::size_t row : rows) out.barcodes.push_back(matrix.barcodes[row]);
  return out;
}

std::vector<std::string> feature_types(const io::TenxMatrix& matrix) {
  std::vector<std::string> types;
  for (const io::TenxFeature& feature : matrix.features) {
    if (std::ranges::find(types, feature.type) == types.end()) types.push_back(feature.type);
  }
  return types;
}

BarcodeTotals barcode_totals(const io::CsrMatrix& counts) {
  BarcodeTotals totals;
  for (std::size_t row = 0; row < counts.rows; ++row) {
    double sum = 0;
    std::uint64_t detected = 0;
    for (const float value : counts.row_values(row)) {
      sum += static_cast<double>(value);
      detected += value > 0 ? 1 : 0;
    }
    totals.molecules.push_back(static_cast<std::uint64_t>(std::llround(sum)));
    totals.features.push_back(detected);
  }
  return totals;
}

}  // namespace immucan::scrna
