#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/text.h"
#include "io/anndata.h"
#include "io/anndata_elements.h"

namespace immucan::io {

namespace detail {

namespace {

void check_compressed(const Hdf5Reader& in, const std::string& path, const CsrMatrix& matrix) {
  const auto& start = matrix.row_start;
  check_length(in, path + "/indptr", start.size(), static_cast<std::size_t>(matrix.rows) + 1);
  check_length(in, path + "/data", matrix.value.size(), matrix.column.size());
  if (start.front() != 0 || start.back() != static_cast<std::int64_t>(matrix.column.size()) ||
      !std::ranges::is_sorted(start)) {
    in.fail(path + "/indptr", fmt::format("does not ascend from 0 to {}", matrix.column.size()));
  }
  for (const std::int32_t column : matrix.column) {
    if (column < 0 || static_cast<std::uint64_t>(column) >= matrix.columns) {
      in.fail(path + "/indices",
              fmt::format("index {} is outside 0..{}", column, static_cast<std::int64_t>(matrix.columns) - 1));
    }
  }
}

/// Rows sorted by column; a column twice in a row is refused.
void sort_rows(const Hdf5Reader& in, const std::string& path, CsrMatrix& matrix) {
  std::vector<std::pair<std::int32_t, float>> entries;
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const auto columns = matrix.row_columns(row);
    bool ascending = true;
    for (std::size_t i = 1; i < columns.size(); ++i) ascending &= columns[i - 1] < columns[i];
    if (ascending) continue;
    const auto begin = static_cast<std::size_t>(matrix.row_start[row]);
    entries.clear();
    for (std::size_t i = 0; i < columns.size(); ++i) entries.emplace_back(columns[i], matrix.value[begin + i]);
    std::ranges::sort(entries, {}, &std::pair<std::int32_t, float>::first);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i != 0 && entries[i].first == entries[i - 1].first) {
        in.fail(path + "/indices", fmt::format("column {} appears twice in row {}", entries[i].first, row));
      }
      matrix.column[begin + i] = entries[i].first;
      matrix.value[begin + i] = entries[i].second;
    }
  }
}

/// anndata before 0.7 named the form in h5sparse_format.
std::string sparse_encoding(const Hdf5Reader& in, const std::string& path) {
  std::string type = encoding_of(in, path);
  if (!type.empty() || !in.has_attribute(path, "h5sparse_format")) return type;
  return in.string_attribute(path, "h5sparse_format").value_or("") + "_matrix";
}

CsrMatrix read_sparse(const Hdf5Reader& in, const std::string& path, std::uint64_t rows, std::uint64_t columns) {
  const std::string type = sparse_encoding(in, path);
  if (type != "csr_matrix" && type != "csc_matrix") {
    in.fail(path, fmt::format("encoding \"{}\" is not a matrix", core::printable(type)));
  }
  auto shape = in.integers_attribute(path, "shape");
  if (!shape) shape = in.integers_attribute(path, "h5sparse_shape");
  if (!shape || shape->size() != 2 || (*shape)[0] != static_cast<std::int64_t>(rows) ||
      (*shape)[1] != static_cast<std::int64_t>(columns)) {
    in.fail(path, fmt::format("attribute shape is not [{}, {}], the lengths of its rows and columns", rows, columns));
  }
  const bool by_column = type == "csc_matrix";
  CsrMatrix matrix;
  matrix.rows = by_column ? columns : rows;
  matrix.columns = by_column ? rows : columns;
  matrix.row_start = in.array<std::int64_t>(path + "/indptr");
  if (matrix.row_start.empty()) in.fail(path + "/indptr", "is empty");
  matrix.column = in.array<std::int32_t>(path + "/indices");
  matrix.value = in.kind(path + "/data") == Hdf5Kind::kBooleans ? CsrMatrix().value : in.array<float>(path + "/data");
  if (in.kind(path + "/data") == Hdf5Kind::kBooleans) {
    for (const std::uint8_t value : in.booleans(path + "/data")) matrix.value.push_back(value);
  }
  check_compressed(in, path, matrix);
  sort_rows(in, path, matrix);
  if (by_column) return transpose(matrix);
  return matrix;
}

}  // namespace

bool is_sparse(const Hdf5Reader& in, const std::string& path) {
  if (in.kind(path) != Hdf5Kind::kGroup) return false;
  const std::string type = sparse_encoding(in, path);
  return type == "csr_matrix" || type == "csc_matrix";
}

DenseMatrix read_dense(const Hdf5Reader& in, const std::string& path) {
  const auto shape = in.shape(path);
  if (shape.empty() || shape.size() > 2) in.fail(path, fmt::format("has {} dimensions instead of 2", shape.size()));
  DenseMatrix matrix{shape[0], shape.size() == 2 ? shape[1] : 1, {}};
  if (in.kind(path) == Hdf5Kind::kBooleans) {
    const auto bytes = in.booleans(path);
    matrix.values.assign(bytes.begin(), bytes.end());
  } else {
    matrix.values = in.array<double>(path);
  }
  return matrix;
}

CsrMatrix read_matrix(const Hdf5Reader& in, const std::string& path, std::uint64_t rows, std::uint64_t columns) {
  if (in.kind(path) == Hdf5Kind::kGroup) return read_sparse(in, path, rows, columns);
  (void)encoding_of(in, path);
  const auto shape = in.shape(path);
  if (shape.size() != 2 || shape[0] != rows || shape[1] != columns) {
    in.fail(path, fmt::format("shape is not [{}, {}], the lengths of its rows and columns", rows, columns));
  }
  if (columns > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
    in.fail(path, fmt::format("has {} columns", columns));
  }
  const DenseMatrix dense = read_dense(in, path);
  CsrMatrix matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const double value = dense.values[row * columns + column];
      if (value == 0) continue;
      matrix.column.push_back(static_cast<std::int32_t>(column));
      matrix.value.push_back(static_cast<float>(value));
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  return matrix;
}

std::vector<std::pair<std::string, DenseMatrix>> read_aligned(const Hdf5Reader& in, const std::string& path,
                                                              std::size_t rows, std::vector<std::string>& passed_over,
                                                              const std::vector<std::string>& skip) {
  std::vector<std::pair<std::string, DenseMatrix>> matrices;
  if (in.kind(path) != Hdf5Kind::kGroup) return matrices;
  for (const std::string& name : in.members(path)) {
    if (std::ranges::find(skip, name) != skip.end()) continue;
    const std::string object = path + "/" + name;
    const Hdf5Kind kind = in.kind(object);
    if (kind == Hdf5Kind::kGroup) (void)encoding_of(in, object);
    const bool numbers = kind == Hdf5Kind::kReals || kind == Hdf5Kind::kIntegers || kind == Hdf5Kind::kBooleans;
    if (!numbers || in.shape(object).empty() || in.shape(object).size() > 2) {
      passed_over.push_back(object);
      continue;
    }
    DenseMatrix matrix = read_dense(in, object);
    if (matrix.rows != rows) in.fail(object, fmt::format("does not have {} rows", rows));
    matrices.emplace_back(name, std::move(matrix));
  }
  return matrices;
}

std::vector<std::pair<std::string, CsrMatrix>> read_pairwise(const Hdf5Reader& in, const std::string& path,
                                                             std::size_t size) {
  std::vector<std::pair<std::string, CsrMatrix>> matrices;
  if (in.kind(path) != Hdf5Kind::kGroup) return matrices;
  for (const std::string& name : in.members(path)) {
    matrices.emplace_back(name, read_matrix(in, path + "/" + name, size, size));
  }
  return matrices;
}

}  // namespace detail

namespace {

using namespace detail;

/// One that fits obs and var: sparse, or dense where that is wanted.
void read_observed(const Hdf5Reader& in, const std::string& path, bool keep_dense, const AnnData& shape,
                   std::optional<CsrMatrix>& sparse, std::optional<DenseMatrix>& dense) {
  const std::uint64_t rows = shape.obs.index.size(), columns = shape.var.index.size();
  if (in.kind(path) == Hdf5Kind::kGroup || !keep_dense) {
    sparse = read_matrix(in, path, rows, columns);
    return;
  }
  (void)encoding_of(in, path);
  dense = read_dense(in, path);
  if (dense->rows != rows || dense->columns != columns || in.shape(path).size() != 2) {
    in.fail(path, fmt::format("shape is not [{}, {}], the lengths of obs and var", rows, columns));
  }
}

void read_layers(const Hdf5Reader& in, const std::string& path, bool keep_dense, AnnData& data) {
  if (in.kind(path) != Hdf5Kind::kGroup) return;
  for (const std::string& name : in.members(path)) {
    std::optional<CsrMatrix> sparse;
    std::optional<DenseMatrix> dense;
    read_observed(in, path + "/" + name, keep_dense, data, sparse, dense);
    if (sparse) {
      data.layers.emplace_back(name, std::move(*sparse));
    } else {
      data.dense_layers.emplace_back(name, std::move(*dense));
    }
  }
}

void read_raw(const Hdf5Reader& in, const std::string& path, AnnData& data) {
  if (in.kind(path) != Hdf5Kind::kGroup) return;
  (void)encoding_of(in, path);
  RawData raw;
  raw.var = read_frame(in, path + "/var", false);
  if (in.kind(path + "/X") != Hdf5Kind::kAbsent) {
    raw.x = read_matrix(in, path + "/X", data.obs.index.size(), raw.var.index.size());
  }
  data.raw = std::move(raw);
}

}  // namespace

AnnData read_anndata(const Hdf5Reader& in, const std::string& prefix, const AnnDataReading& reading) {
  AnnData data;
  const std::string type = encoding_of(in, prefix.empty() ? "/" : prefix);
  if (!type.empty() && type != "anndata") {
    in.fail(prefix.empty() ? "/" : prefix, fmt::format("holds {}, not anndata", core::printable(type)),
            "Give an .h5ad file");
  }
  data.obs = read_frame(in, prefix + "/obs");
  data.var = read_frame(in, prefix + "/var");
  const std::uint64_t rows = data.obs.index.size(), columns = data.var.index.size();
  if (in.kind(prefix + "/X") != Hdf5Kind::kAbsent) {
    read_observed(in, prefix + "/X", reading.keep_dense, data, data.x, data.dense_x);
  }
  read_layers(in, prefix + "/layers", reading.keep_dense, data);
  data.obsm = read_aligned(in, prefix + "/obsm", rows, data.passed_over);
  data.varm = read_aligned(in, prefix + "/varm", columns, data.passed_over);
  data.obsp = read_pairwise(in, prefix + "/obsp", rows);
  data.varp = read_pairwise(in, prefix + "/varp", columns);
  if (in.kind(prefix + "/uns") == Hdf5Kind::kGroup) {
    data.uns = read_dictionary(in, prefix + "/uns", data.passed_over);
  }
  read_raw(in, prefix + "/raw", data);
  return data;
}

AnnData read_anndata(const std::filesystem::path& path, core::RunContext& context, const AnnDataReading& reading) {
  return read_anndata(Hdf5Reader(path, context), "", reading);
}

}  // namespace immucan::io
