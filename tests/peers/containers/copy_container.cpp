// Reads a container with our reader and, when told where, writes it again with our writer:
//   copy_container h5ad|h5mu|tenx|biom IN [OUT]
//   copy_container shapes DIR      writes files of unusual shapes, and names kind and path of each
//   copy_container values FILE PATH...   number, sum and last value of data sets of numbers or booleans
// Exit status and message are those of the tools.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/anndata.h"
#include "io/biom.h"
#include "io/hdf5.h"
#include "io/mudata.h"
#include "io/tenx.h"

namespace {

using namespace immucan;

void copy(std::string_view kind, const std::filesystem::path& in, const std::filesystem::path& out,
          core::RunContext& context) {
  if (kind == "h5ad") {
    const io::AnnData data = io::read_anndata(in, context, {.keep_dense = true});
    if (!out.empty()) io::write_anndata(out, data, context.threads);
  } else if (kind == "h5mu") {
    const io::MuData data = io::read_mudata(in, context);
    if (!out.empty()) io::write_mudata(out, data, context.threads);
  } else if (kind == "tenx") {
    const io::TenxMatrix matrix = io::read_tenx_h5(in, context);
    if (!out.empty()) io::write_tenx_h5(out, matrix, "genome", "any", context.threads);
  } else if (kind == "biom") {
    const io::BiomTable table = io::read_biom(in, context);
    if (!out.empty()) io::write_biom(out, table, context.threads);
  } else {
    core::raise_usage("kind is none of h5ad, h5mu, tenx, biom");
  }
}

std::vector<std::string> names(const std::string& stem, std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(stem + std::to_string(i));
  return result;
}

/// Every third entry stored.
template <class Value>
io::SparseMatrix<Value> matrix(std::size_t rows, std::size_t columns) {
  io::SparseMatrix<Value> out;
  out.rows = rows;
  out.columns = columns;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = row % 3; column < columns; column += 3) {
      out.column.push_back(static_cast<std::int32_t>(column));
      out.value.push_back(static_cast<Value>(1 + (row + column) % 7));
    }
    out.row_start.push_back(static_cast<std::int64_t>(out.column.size()));
  }
  return out;
}

io::AnnData anndata(std::size_t rows, std::size_t columns, const std::string& obs = "c", const std::string& var = "g") {
  io::AnnData data;
  data.obs.index = names(obs, rows);
  data.var.index = names(var, columns);
  data.x = matrix<float>(rows, columns);
  return data;
}

io::AnnData full(std::size_t rows, std::size_t columns) {
  io::AnnData data = anndata(rows, columns);
  std::vector<std::int32_t> codes(rows);
  std::vector<std::uint8_t> flags(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    codes[i] = static_cast<std::int32_t>(i % 3) - 1;
    flags[i] = i % 2 == 0 ? 1 : 0;
  }
  data.obs.columns = {{"real", std::vector<double>(rows, 0.25)},
                      {"integer", std::vector<std::int64_t>(rows, std::int64_t{1} << 40)},
                      {"text", names("Ä", rows)},
                      {"flag", io::Booleans{flags}},
                      {"class", io::Categorical{codes, rows == 0 ? names("", 0) : names("k", 2), true}},
                      {"maybe", io::NullableIntegers{std::vector<std::int64_t>(rows, 5), flags}},
                      {"maybe not", io::NullableBooleans{{flags, flags}}},
                      {"perhaps", io::NullableStrings{names("n", rows), flags}}};
  data.layers = {{"spliced", matrix<float>(rows, columns)}};
  data.obsm = {{"X_pca", {rows, 2, std::vector<double>(rows * 2, 1.5)}}};
  data.varm = {{"PCs", {columns, 2, std::vector<double>(columns * 2, -1)}}};
  data.obsp = {{"distances", matrix<float>(rows, rows)}};
  data.varp = {{"pairs", matrix<float>(columns, columns)}};
  io::Dictionary inner;
  // In the order in which a file is read, so that a copy has the same bytes.
  inner.add("cube", {io::NumberArray<std::int64_t>{{2, 1, 3}, {1, 2, 3, 4, 5, 6}}});
  inner.add("flag", {true});
  inner.add("integer", {std::int64_t{-3}});
  inner.add("real", {2.5});
  data.uns.add("inner", {inner});
  data.uns.add("table", {data.var});
  data.uns.add("text", {std::string("β")});
  data.uns.add("texts", {std::vector<std::string>{"x", ""}});
  data.raw = io::RawData{matrix<float>(rows, columns + 1), {names("r", columns + 1), {}}};
  return data;
}

io::BiomTable biom(std::size_t rows, std::size_t columns) {
  io::BiomTable table;
  table.observation_ids = names("O", rows);
  table.sample_ids = names("S", columns);
  table.values = matrix<double>(rows, columns);
  return table;
}

io::TenxMatrix tenx(std::size_t barcodes, std::size_t features) {
  io::TenxMatrix result;
  result.barcodes = names("ACGT-", barcodes);
  for (const std::string& id : names("ENSG", features)) result.features.push_back({id, "name " + id});
  result.counts = matrix<float>(barcodes, features);
  return result;
}

struct Shapes {
  std::filesystem::path folder;
  unsigned threads;

  std::filesystem::path announce(const char* kind, const std::string& name) const {
    std::printf("%s\t%s\n", kind, (folder / name).c_str());
    return folder / name;
  }
  void write(const std::string& name, const io::AnnData& data) const {
    io::write_anndata(announce("h5ad", name + ".h5ad"), data, threads);
  }
  void write(const std::string& name, std::vector<std::pair<std::string, io::AnnData>> modalities,
             io::SharedAxis axis = io::SharedAxis::kObservations) const {
    io::write_mudata(announce("h5mu", name + ".h5mu"), io::join_modalities(std::move(modalities), axis), threads);
  }
  void write(const std::string& name, const io::BiomTable& table) const {
    io::write_biom(announce("biom", name + ".biom"), table, threads);
  }
  void write(const std::string& name, const io::TenxMatrix& counts) const {
    io::write_tenx_h5(announce("tenx", name + ".h5"), counts, "GRCh38", "Single Cell 3' v3", threads);
  }
};

void write_anndata_shapes(const Shapes& shapes) {
  shapes.write("no_rows", anndata(0, 4));
  shapes.write("no_columns", anndata(4, 0));
  shapes.write("nothing", anndata(0, 0));
  shapes.write("one", anndata(1, 1));
  shapes.write("full", full(9, 5));
  shapes.write("full_without_rows", full(0, 3));
  shapes.write("unicode", anndata(3, 3, "Zelle ü/β 細胞 ", "基因 "));
  shapes.write("no_values", [] {
    io::AnnData data = anndata(3, 2);
    data.x = io::CsrMatrix{3, 2, {0, 0, 0, 0}, {}, {}};
    return data;
  }());
  shapes.write("no_x", [] {
    io::AnnData data = anndata(3, 2);
    data.x.reset();
    return data;
  }());
  shapes.write("dense_many_chunks", [] {
    io::AnnData data = anndata(1000, 401);
    data.x.reset();
    data.dense_x = io::DenseMatrix{1000, 401, std::vector<double>(401000, 0.5)};
    return data;
  }());
  shapes.write("many_chunks", anndata(5000, 1001));
  shapes.write("many_categories", [] {
    io::AnnData data = anndata(40000, 1);
    std::vector<std::int32_t> codes(40000);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int32_t>(i);
    data.obs.columns = {{"c", io::Categorical{codes, names("k", 40000), false}}};
    return data;
  }());
}

void write_mudata_shapes(const Shapes& shapes) {
  shapes.write("two", {{"rna", full(4, 3)}, {"prot", anndata(5, 2, "c", "p")}});
  shapes.write("empty_modality", {{"rna", anndata(4, 3)}, {"prot", anndata(0, 0)}});
  shapes.write("modality_without_columns", {{"rna", anndata(4, 3)}, {"prot", anndata(2, 0)}});
  shapes.write("one_modality", {{"rna", anndata(1, 1)}});
  shapes.write("disjoint", {{"rna", anndata(4, 3)}, {"prot", anndata(3, 2, "d", "p")}});
  shapes.write("unicode_modality", {{"Zellen β", anndata(2, 2, "細", "基")}, {"prot", anndata(3, 2, "d", "p")}});
  shapes.write("shared_variables", {{"a", anndata(2, 3)}, {"b", anndata(3, 4, "d")}}, io::SharedAxis::kVariables);
}

void write_other_shapes(const Shapes& shapes) {
  shapes.write("one", biom(1, 1));
  shapes.write("biom_no_values", [] {
    io::BiomTable table = biom(2, 2);
    table.values = {2, 2, {0, 0, 0}, {}, {}};
    return table;
  }());
  shapes.write("biom_metadata", [] {
    io::BiomTable table = biom(3, 4);
    table.type = "Taxon table";
    table.observation_metadata = {{"taxonomy", std::vector<std::vector<std::string>>(3, {"k__B", "p__F", "g__Ä"})}};
    table.sample_metadata = {{"reads", std::vector<double>{1, 2, 3, 4.5}}, {"site", names("s", 4)}};
    return table;
  }());
  shapes.write("biom_many_chunks", biom(2000, 400));
  shapes.write("tenx_one", tenx(1, 1));
  shapes.write("tenx_no_barcodes", tenx(0, 3));
  shapes.write("tenx_no_features", tenx(3, 0));
  shapes.write("tenx_many", tenx(3000, 600));
}

/// One data set at a time is held, as 32-bit numbers or bytes.
void print_values(const std::vector<std::string>& arguments, core::RunContext& context) {
  const io::Hdf5Reader in(arguments[1], context);
  const auto print = [](const std::string& path, const auto& values) {
    std::int64_t sum = 0;
    for (const auto value : values) sum += static_cast<std::int64_t>(value);
    std::printf("%s\t%zu\t%lld\t%lld\n", path.c_str(), values.size(), static_cast<long long>(sum),
                values.empty() ? 0LL : static_cast<long long>(values.back()));
  };
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    if (in.kind(arguments[i]) == io::Hdf5Kind::kBooleans) {
      print(arguments[i], in.booleans(arguments[i]));
    } else {
      print(arguments[i], in.array<std::int32_t>(arguments[i]));
    }
  }
}

void run(const std::vector<std::string>& arguments) {
  core::RunContext context("copy_container", "0", "copy");
  context.threads = 2;
  if (arguments.size() > 2 && arguments[0] == "values") return print_values(arguments, context);
  if (arguments.size() == 2 && arguments[0] == "shapes") {
    const Shapes shapes{arguments[1], context.threads};
    write_anndata_shapes(shapes);
    write_mudata_shapes(shapes);
    write_other_shapes(shapes);
    return;
  }
  if (arguments.size() < 2 || arguments.size() > 3) core::raise_usage("KIND IN [OUT], or shapes DIR, are wanted");
  copy(arguments[0], arguments[1], arguments.size() > 2 ? arguments[2] : "", context);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const immucan::core::Error& error) {
    std::fprintf(stderr, "copy_container: error: %s\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "copy_container: error: %s\n", error.what());
    return 70;
  }
}
