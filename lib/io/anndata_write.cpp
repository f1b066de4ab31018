#include <fmt/format.h>

#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "io/anndata.h"
#include "io/anndata_elements.h"

namespace immucan::io {

namespace detail {

void encode(Hdf5Writer& out, const std::string& path, std::string_view type, std::string_view version) {
  out.attribute(path, "encoding-type", type);
  out.attribute(path, "encoding-version", version);
}

void write_dictionary_group(Hdf5Writer& out, const std::string& path) {
  out.group(path);
  encode(out, path, "dict", "0.1.0");
}

namespace {

/// A slash would make a group of its own.
std::string member(const std::string& path, const std::string& name) {
  if (name.empty() || name == "." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    throw core::Error(core::Status::kInternal,
                      fmt::format("\"{}\" cannot be a name within {}", core::printable(name), path));
  }
  return path + "/" + name;
}

template <class T>
void write_array(Hdf5Writer& out, const std::string& path, const std::vector<T>& values,
                 std::span<const std::uint64_t> shape = {}) {
  out.array<T>(path, values, shape);
  encode(out, path, "array", "0.2.0");
}

void write_booleans(Hdf5Writer& out, const std::string& path, const std::vector<std::uint8_t>& values) {
  out.booleans(path, values);
  encode(out, path, "array", "0.2.0");
}

void write_strings(Hdf5Writer& out, const std::string& path, const std::vector<std::string>& values) {
  out.strings(path, values);
  encode(out, path, "string-array", "0.2.0");
}

template <class Narrow>
void write_codes_as(Hdf5Writer& out, const std::string& path, const std::vector<std::int32_t>& codes) {
  std::vector<Narrow> narrow;
  narrow.reserve(codes.size());
  for (const std::int32_t code : codes) narrow.push_back(static_cast<Narrow>(code));
  write_array(out, path, narrow);
}

/// The smallest type that holds the codes, as pandas chooses it.
void write_codes(Hdf5Writer& out, const std::string& path, const Categorical& column) {
  if (column.categories.size() <= std::numeric_limits<std::int8_t>::max()) {
    write_codes_as<std::int8_t>(out, path, column.codes);
  } else if (column.categories.size() <= std::numeric_limits<std::int16_t>::max()) {
    write_codes_as<std::int16_t>(out, path, column.codes);
  } else {
    write_array(out, path, column.codes);
  }
}

struct ColumnWriter {
  Hdf5Writer& out;
  const std::string& path;

  void operator()(const std::vector<double>& values) const { write_array(out, path, values); }
  void operator()(const std::vector<std::int64_t>& values) const { write_array(out, path, values); }
  void operator()(const std::vector<std::string>& values) const { write_strings(out, path, values); }
  void operator()(const Booleans& column) const { write_booleans(out, path, column.values); }
  void operator()(const Categorical& column) const {
    out.group(path);
    encode(out, path, "categorical", "0.2.0");
    out.attribute(path, "ordered", column.ordered);
    write_codes(out, path + "/codes", column);
    write_strings(out, path + "/categories", column.categories);
  }
  void operator()(const NullableIntegers& column) const {
    start("nullable-integer", column.missing);
    write_array(out, path + "/values", column.values);
  }
  void operator()(const NullableBooleans& column) const {
    start("nullable-boolean", column.missing);
    write_booleans(out, path + "/values", column.values);
  }
  void operator()(const NullableStrings& column) const {
    start("nullable-string-array", column.missing);
    write_strings(out, path + "/values", column.values);
  }

 private:
  void start(std::string_view type, const std::vector<std::uint8_t>& missing) const {
    out.group(path);
    encode(out, path, type, "0.1.0");
    write_booleans(out, path + "/mask", missing);
  }
};

struct ElementWriter {
  Hdf5Writer& out;
  const std::string& path;

  void operator()(const Dictionary& dictionary) const { write_dictionary(out, path, dictionary); }
  void operator()(const std::string& value) const {
    out.scalar(path, std::string_view(value));
    encode(out, path, "string", "0.2.0");
  }
  void operator()(double value) const { number(value); }
  void operator()(std::int64_t value) const { number(value); }
  void operator()(bool value) const { number(value); }
  template <class T>
  void operator()(const NumberArray<T>& array) const {
    write_array(out, path, array.values, array.shape);
  }
  void operator()(const CsrMatrix& matrix) const { write_csr(out, path, matrix); }
  void operator()(const DataFrame& frame) const { write_frame(out, path, frame); }
  void operator()(const Booleans& values) const { ColumnWriter{out, path}(values); }
  void operator()(const std::vector<std::string>& values) const { write_strings(out, path, values); }
  void operator()(const Categorical& values) const { ColumnWriter{out, path}(values); }

 private:
  template <class T>
  void number(T value) const {
    out.scalar(path, value);
    encode(out, path, "numeric-scalar", "0.2.0");
  }
};

}  // namespace

void write_frame(Hdf5Writer& out, const std::string& path, const DataFrame& frame) {
  out.group(path);
  encode(out, path, "dataframe", "0.2.0");
  out.attribute(path, "_index", "_index");
  std::vector<std::string> names;
  for (const DataFrameColumn& column : frame.columns) names.push_back(column.name);
  out.attribute(path, "column-order", std::span<const std::string>(names));
  write_strings(out, path + "/_index", frame.index);
  for (const DataFrameColumn& column : frame.columns) {
    const std::string object = member(path, column.name);
    std::visit(ColumnWriter{out, object}, column.values);
  }
}

void write_dense(Hdf5Writer& out, const std::string& path, const DenseMatrix& matrix) {
  const std::uint64_t shape[] = {matrix.rows, matrix.columns};
  write_array(out, path, matrix.values, shape);
}

void write_csr(Hdf5Writer& out, const std::string& path, const CsrMatrix& matrix) {
  out.group(path);
  encode(out, path, "csr_matrix", "0.1.0");
  const std::int64_t shape[] = {static_cast<std::int64_t>(matrix.rows), static_cast<std::int64_t>(matrix.columns)};
  out.attribute(path, "shape", std::span<const std::int64_t>(shape));
  out.array<float>(path + "/data", matrix.value);
  out.array<std::int32_t>(path + "/indices", matrix.column);
  // scipy keeps both index arrays in one type; 64 bits only where they are needed.
  if (matrix.row_start.back() <= std::numeric_limits<std::int32_t>::max()) {
    const std::vector<std::int32_t> narrow(matrix.row_start.begin(), matrix.row_start.end());
    out.array<std::int32_t>(path + "/indptr", narrow);
  } else {
    out.array<std::int64_t>(path + "/indptr", matrix.row_start);
  }
}

void write_dictionary(Hdf5Writer& out, const std::string& path, const Dictionary& dictionary) {
  write_dictionary_group(out, path);
  for (std::size_t i = 0; i < dictionary.names.size(); ++i) {
    const std::string object = member(path, dictionary.names[i]);
    std::visit(ElementWriter{out, object}, dictionary.values[i].value);
  }
}

}  // namespace detail

void write_anndata_members(Hdf5Writer& out, const std::string& prefix, const AnnData& data) {
  using namespace detail;
  encode(out, prefix.empty() ? "/" : prefix, "anndata", "0.1.0");
  write_frame(out, prefix + "/obs", data.obs);
  write_frame(out, prefix + "/var", data.var);
  if (data.x) {
    write_csr(out, prefix + "/X", *data.x);
  } else if (data.dense_x) {
    write_dense(out, prefix + "/X", *data.dense_x);
  }
  for (const char* name : {"layers", "obsm", "varm", "obsp", "varp"}) {
    write_dictionary_group(out, prefix + "/" + name);
  }
  for (const auto& [name, layer] : data.layers) write_csr(out, member(prefix + "/layers", name), layer);
  for (const auto& [name, layer] : data.dense_layers) write_dense(out, member(prefix + "/layers", name), layer);
  for (const auto& [name, matrix] : data.obsm) write_dense(out, member(prefix + "/obsm", name), matrix);
  for (const auto& [name, matrix] : data.varm) write_dense(out, member(prefix + "/varm", name), matrix);
  for (const auto& [name, matrix] : data.obsp) write_csr(out, member(prefix + "/obsp", name), matrix);
  for (const auto& [name, matrix] : data.varp) write_csr(out, member(prefix + "/varp", name), matrix);
  write_dictionary(out, prefix + "/uns", data.uns);
  if (!data.raw) return;
  out.group(prefix + "/raw");
  encode(out, prefix + "/raw", "raw", "0.1.0");
  if (data.raw->x) write_csr(out, prefix + "/raw/X", *data.raw->x);
  write_frame(out, prefix + "/raw/var", data.raw->var);
  write_dictionary_group(out, prefix + "/raw/varm");
}

void write_anndata(const std::filesystem::path& path, const AnnData& data, unsigned threads) {
  Hdf5Writer out(path, 0, threads);
  write_anndata_members(out, "", data);
  out.close();
}

}  // namespace immucan::io
