#include "io/anndata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "core/text.h"

namespace immucan::io {

// --- writing

namespace {

void encode(Hdf5Writer& out, const std::string& path, std::string_view type, std::string_view version) {
  out.attribute(path, "encoding-type", type);
  out.attribute(path, "encoding-version", version);
}

template <class T>
void write_array(Hdf5Writer& out, const std::string& path, const std::vector<T>& values) {
  out.array<T>(path, values);
  encode(out, path, "array", "0.2.0");
}

void write_strings(Hdf5Writer& out, const std::string& path, const std::vector<std::string>& values) {
  out.strings(path, values);
  encode(out, path, "string-array", "0.2.0");
}

/// The smallest type that holds the codes, as pandas chooses it.
void write_codes(Hdf5Writer& out, const std::string& path, const Categorical& column) {
  if (column.categories.size() <= std::numeric_limits<std::int8_t>::max()) {
    std::vector<std::int8_t> narrow;
    for (const std::int32_t code : column.codes) narrow.push_back(static_cast<std::int8_t>(code));
    return write_array(out, path, narrow);
  }
  write_array(out, path, column.codes);
}

struct ColumnWriter {
  Hdf5Writer& out;
  const std::string& path;

  void operator()(const std::vector<double>& values) const { write_array(out, path, values); }
  void operator()(const std::vector<std::int64_t>& values) const { write_array(out, path, values); }
  void operator()(const std::vector<std::string>& values) const { write_strings(out, path, values); }
  void operator()(const Booleans& column) const {
    out.booleans(path, column.values);
    encode(out, path, "array", "0.2.0");
  }
  void operator()(const Categorical& column) const {
    out.group(path);
    encode(out, path, "categorical", "0.2.0");
    out.attribute(path, "ordered", column.ordered);
    write_codes(out, path + "/codes", column);
    write_strings(out, path + "/categories", column.categories);
  }
};

void write_frame(Hdf5Writer& out, const std::string& path, const DataFrame& frame) {
  out.group(path);
  encode(out, path, "dataframe", "0.2.0");
  out.attribute(path, "_index", "_index");
  std::vector<std::string> names;
  for (const DataFrameColumn& column : frame.columns) names.push_back(column.name);
  out.attribute(path, "column-order", std::span<const std::string>(names));
  write_strings(out, path + "/_index", frame.index);
  for (const DataFrameColumn& column : frame.columns) {
    const std::string member = path + "/" + column.name;
    std::visit(ColumnWriter{out, member}, column.values);
  }
}

void write_csr(Hdf5Writer& out, const std::string& path, const CsrMatrix& matrix) {
  out.group(path);
  encode(out, path, "csr_matrix", "0.1.0");
  const std::int64_t shape[] = {static_cast<std::int64_t>(matrix.rows), static_cast<std::int64_t>(matrix.columns)};
  out.attribute(path, "shape", std::span<const std::int64_t>(shape));
  out.array<float>(path + "/data", matrix.value);
  out.array<std::int32_t>(path + "/indices", matrix.column);
  // scipy keeps both index arrays in one type; 64 bits only where they are needed.
  if (matrix.stored() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    const std::vector<std::int32_t> narrow(matrix.row_start.begin(), matrix.row_start.end());
    out.array<std::int32_t>(path + "/indptr", narrow);
  } else {
    out.array<std::int64_t>(path + "/indptr", matrix.row_start);
  }
}

}  // namespace

void write_anndata_members(Hdf5Writer& out, const std::string& prefix, const AnnData& data) {
  encode(out, prefix.empty() ? "/" : prefix, "anndata", "0.1.0");
  write_frame(out, prefix + "/obs", data.obs);
  write_frame(out, prefix + "/var", data.var);
  if (data.x) write_csr(out, prefix + "/X", *data.x);
  for (const char* name : {"layers", "obsm", "varm", "obsp", "varp", "uns"}) {
    out.group(prefix + "/" + name);
    encode(out, prefix + "/" + name, "dict", "0.1.0");
  }
  for (const auto& [name, layer] : data.layers) write_csr(out, prefix + "/layers/" + name, layer);
  for (const auto& [name, matrix] : data.obsm) {
    const std::string path = prefix + "/obsm/" + name;
    const std::uint64_t shape[] = {matrix.rows, matrix.columns};
    out.array<double>(path, matrix.values, shape);
    encode(out, path, "array", "0.2.0");
  }
}

void write_anndata(const std::filesystem::path& path, const AnnData& data, unsigned threads) {
  Hdf5Writer out(path, 0, threads);
  write_anndata_members(out, "", data);
  out.close();
}

// --- reading

namespace {

std::string encoding_of(const Hdf5Reader& in, const std::string& path) {
  return in.string_attribute(path, "encoding-type").value_or("");
}

void check_length(const Hdf5Reader& in, const std::string& path, std::size_t have, std::size_t want) {
  if (have != want) in.fail(path, fmt::format("has {} values where {} are wanted", have, want));
}

template <class T>
std::vector<T> numbers(const Hdf5Reader& in, const std::string& path, std::size_t count) {
  auto values = in.array<T>(path);
  check_length(in, path, values.size(), count);
  return values;
}

Categorical read_categorical(const Hdf5Reader& in, const std::string& path, std::size_t count) {
  Categorical column;
  column.codes = numbers<std::int32_t>(in, path + "/codes", count);
  if (in.kind(path + "/categories") == Hdf5Kind::kStrings) {
    column.categories = in.strings(path + "/categories");
  } else {
    for (const double value : in.array<double>(path + "/categories"))
      column.categories.push_back(core::format_double(value));
  }
  for (const std::int32_t code : column.codes) {
    if (code < -1 || code >= static_cast<std::int32_t>(column.categories.size())) {
      in.fail(path + "/codes", fmt::format("code {} names no category", code));
    }
  }
  return column;
}

DataFrameColumn read_nullable(const Hdf5Reader& in, const std::string& path, std::string name, std::size_t count) {
  const auto mask = in.booleans(path + "/mask");
  check_length(in, path + "/mask", mask.size(), count);
  if (in.kind(path + "/values") == Hdf5Kind::kStrings) {
    auto values = in.strings(path + "/values");
    check_length(in, path + "/values", values.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      if (mask[i] != 0) values[i].clear();
    }
    return {std::move(name), std::move(values)};
  }
  std::vector<double> values;
  if (in.kind(path + "/values") == Hdf5Kind::kBooleans) {
    const auto bytes = in.booleans(path + "/values");
    values.assign(bytes.begin(), bytes.end());
  } else {
    values = in.array<double>(path + "/values");
  }
  check_length(in, path + "/values", values.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    if (mask[i] != 0) values[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return {std::move(name), std::move(values)};
}

DataFrameColumn read_column(const Hdf5Reader& in, const std::string& path, const std::string& name, std::size_t count) {
  switch (in.kind(path)) {
    case Hdf5Kind::kAbsent:
      in.fail(path, "is named in column-order but missing");
    case Hdf5Kind::kGroup: {
      const std::string type = encoding_of(in, path);
      if (type == "categorical") return {name, read_categorical(in, path, count)};
      if (type.starts_with("nullable-")) return read_nullable(in, path, name, count);
      in.fail(path, fmt::format("column of encoding \"{}\" is not read", core::printable(type)));
    }
    case Hdf5Kind::kStrings: {
      auto values = in.strings(path);
      check_length(in, path, values.size(), count);
      return {name, std::move(values)};
    }
    case Hdf5Kind::kBooleans: {
      Booleans column{in.booleans(path)};
      check_length(in, path, column.values.size(), count);
      return {name, std::move(column)};
    }
    case Hdf5Kind::kIntegers:
      return {name, numbers<std::int64_t>(in, path, count)};
    case Hdf5Kind::kReals:
      return {name, numbers<double>(in, path, count)};
    case Hdf5Kind::kOther:
      break;
  }
  in.fail(path, "column of this type is not read");
}

DataFrame read_frame(const Hdf5Reader& in, const std::string& path) {
  if (in.kind(path) != Hdf5Kind::kGroup)
    in.fail(path, "group is missing", "Give an .h5ad file written by anndata 0.7 or later");
  const auto index = in.string_attribute(path, "_index");
  if (!index) in.fail(path, "attribute _index is missing");
  std::string index_path = path + "/" + *index;
  if (in.kind(index_path) == Hdf5Kind::kGroup) index_path += "/values";  // nullable-string-array of mudata 0.4
  DataFrame frame;
  frame.index = in.strings(index_path);
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : frame.index) {
    if (!seen.insert(name).second)
      in.fail(index_path, fmt::format("\"{}\" appears twice", core::printable(name)), "Make the names unique");
  }
  const auto order = in.strings_attribute(path, "column-order");
  if (!order) in.fail(path, "attribute column-order is missing");
  for (const std::string& name : *order)
    frame.columns.push_back(read_column(in, path + "/" + name, name, frame.index.size()));
  return frame;
}

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
    const auto begin = static_cast<std::size_t>(matrix.row_start[row]);
    const auto end = static_cast<std::size_t>(matrix.row_start[row + 1]);
    entries.clear();
    for (std::size_t i = begin; i < end; ++i) entries.emplace_back(matrix.column[i], matrix.value[i]);
    const auto by_column = [](const auto& a, const auto& b) { return a.first < b.first; };
    if (!std::ranges::is_sorted(entries, by_column)) std::ranges::sort(entries, by_column);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i != 0 && entries[i].first == entries[i - 1].first) {
        in.fail(path + "/indices", fmt::format("column {} appears twice in row {}", entries[i].first, row));
      }
      matrix.column[begin + i] = entries[i].first;
      matrix.value[begin + i] = entries[i].second;
    }
  }
}

CsrMatrix read_sparse(const Hdf5Reader& in, const std::string& path, std::uint64_t rows, std::uint64_t columns) {
  const std::string type = encoding_of(in, path);
  if (type != "csr_matrix" && type != "csc_matrix") {
    in.fail(path, fmt::format("encoding \"{}\" is not a matrix", core::printable(type)));
  }
  const auto shape = in.integers_attribute(path, "shape");
  if (!shape || shape->size() != 2 || (*shape)[0] != static_cast<std::int64_t>(rows) ||
      (*shape)[1] != static_cast<std::int64_t>(columns)) {
    in.fail(path, fmt::format("attribute shape is not [{}, {}], the lengths of obs and var", rows, columns));
  }
  const bool by_column = type == "csc_matrix";
  CsrMatrix matrix;
  matrix.rows = by_column ? columns : rows;
  matrix.columns = by_column ? rows : columns;
  matrix.row_start = in.array<std::int64_t>(path + "/indptr");
  if (matrix.row_start.empty()) in.fail(path + "/indptr", "is empty");
  matrix.column = in.array<std::int32_t>(path + "/indices");
  matrix.value = in.array<float>(path + "/data");
  check_compressed(in, path, matrix);
  sort_rows(in, path, matrix);
  return by_column ? transpose(matrix) : matrix;
}

CsrMatrix read_matrix(const Hdf5Reader& in, const std::string& path, std::uint64_t rows, std::uint64_t columns) {
  if (in.kind(path) == Hdf5Kind::kGroup) return read_sparse(in, path, rows, columns);
  const auto shape = in.shape(path);
  if (shape.size() != 2 || shape[0] != rows || shape[1] != columns) {
    in.fail(path, fmt::format("shape is not [{}, {}], the lengths of obs and var", rows, columns));
  }
  const auto dense = in.array<float>(path);
  CsrMatrix matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const float value = dense[row * columns + column];
      if (value == 0) continue;
      matrix.column.push_back(static_cast<std::int32_t>(column));
      matrix.value.push_back(value);
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  return matrix;
}

}  // namespace

AnnData read_anndata(const Hdf5Reader& in, const std::string& prefix) {
  AnnData data;
  data.obs = read_frame(in, prefix + "/obs");
  data.var = read_frame(in, prefix + "/var");
  const std::uint64_t rows = data.obs.index.size(), columns = data.var.index.size();
  if (in.kind(prefix + "/X") != Hdf5Kind::kAbsent) data.x = read_matrix(in, prefix + "/X", rows, columns);
  if (in.kind(prefix + "/layers") == Hdf5Kind::kGroup) {
    for (const std::string& name : in.members(prefix + "/layers")) {
      data.layers.emplace_back(name, read_matrix(in, prefix + "/layers/" + name, rows, columns));
    }
  }
  if (in.kind(prefix + "/obsm") != Hdf5Kind::kGroup) return data;
  for (const std::string& name : in.members(prefix + "/obsm")) {
    const std::string path = prefix + "/obsm/" + name;
    const Hdf5Kind kind = in.kind(path);
    if (kind != Hdf5Kind::kReals && kind != Hdf5Kind::kIntegers) continue;
    const auto shape = in.shape(path);
    if (shape.size() != 2 || shape[0] != rows) in.fail(path, fmt::format("does not have {} rows", rows));
    data.obsm.emplace_back(name, DenseMatrix{shape[0], shape[1], in.array<double>(path)});
  }
  return data;
}

AnnData read_anndata(const std::filesystem::path& path, core::RunContext& context) {
  return read_anndata(Hdf5Reader(path, context));
}

}  // namespace immucan::io
