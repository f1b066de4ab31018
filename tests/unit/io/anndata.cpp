#include "io/anndata.h"

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/hdf5.h"
#include "io/tenx.h"
#include "io_helpers.h"
#include "refused.h"

using namespace immucan;
using test::read_file;

namespace {

io::AnnData small_data() {
  io::AnnData data;
  data.obs.index = {"c1", "c2", "c3"};
  data.obs.columns = {{"score", std::vector<double>{0.5, std::numeric_limits<double>::quiet_NaN(), -1}},
                      {"count", std::vector<std::int64_t>{1, 2, 3}},
                      {"label", std::vector<std::string>{"a", "Ärger", ""}},
                      {"keep", io::Booleans{{1, 0, 1}}},
                      {"type", io::Categorical{{0, -1, 1}, {"B cell", "T cell"}, false}}};
  data.var.index = {"g1", "g2"};
  data.x = io::CsrMatrix{3, 2, {0, 1, 1, 3}, {1, 0, 1}, {2, 3, 4}};
  data.layers = {{"spliced", io::CsrMatrix{3, 2, {0, 1, 1, 1}, {1}, {1}}}};
  data.obsm = {{"X_pca", io::DenseMatrix{3, 2, {1, 2, 3, 4, 5, 6}}}};
  return data;
}

void check_equal(const io::CsrMatrix& a, const io::CsrMatrix& b) {
  CHECK(a.rows == b.rows);
  CHECK(a.columns == b.columns);
  CHECK(a.row_start == b.row_start);
  CHECK(a.column == b.column);
  CHECK(a.value == b.value);
}

/// Members of a valid file that single tests then spoil.
struct Parts {
  std::vector<std::string> obs_index = {"c1", "c2"}, var_index = {"g1", "g2"};
  std::vector<std::string> obs_columns;
  std::string x_encoding = "csr_matrix";
  std::vector<std::int64_t> shape = {2, 2};
  std::vector<float> data = {1, 2};
  std::vector<std::int32_t> indices = {0, 1};
  std::vector<std::int64_t> indptr = {0, 1, 2};
  bool obs = true, var_order = true, index_attribute = true;
  std::function<void(io::Hdf5Writer&)> more;
};

void write_frame(io::Hdf5Writer& out, const std::string& path, const std::vector<std::string>& index,
                 const std::vector<std::string>& columns, bool order, bool index_attribute) {
  out.group(path);
  if (index_attribute) out.attribute(path, "_index", "_index");
  if (order) out.attribute(path, "column-order", std::span<const std::string>(columns));
  out.strings(path + "/_index", index);
}

void write_parts(const std::filesystem::path& path, const Parts& parts) {
  io::Hdf5Writer out(path);
  if (parts.obs) write_frame(out, "/obs", parts.obs_index, parts.obs_columns, true, parts.index_attribute);
  write_frame(out, "/var", parts.var_index, {}, parts.var_order, true);
  out.group("/X");
  out.attribute("/X", "encoding-type", parts.x_encoding);
  out.attribute("/X", "shape", std::span<const std::int64_t>(parts.shape));
  out.array<float>("/X/data", parts.data);
  out.array<std::int32_t>("/X/indices", parts.indices);
  out.array<std::int64_t>("/X/indptr", parts.indptr);
  if (parts.more) parts.more(out);
  out.close();
}

test::DamagedFiles<Parts> damaged_files() {
  return {"f.h5ad", write_parts, [](const auto& file, auto& context) { (void)io::read_anndata(file, context); }};
}

}  // namespace

TEST_CASE("an AnnData file comes back as it was written, twice with the same bytes") {
  const test::TemporaryFolder folder;
  const io::AnnData data = small_data();
  io::write_anndata(folder.path() / "a.h5ad", data);
  io::write_anndata(folder.path() / "b.h5ad", data, 3);
  CHECK(read_file(folder.path() / "a.h5ad") == read_file(folder.path() / "b.h5ad"));
  core::RunContext context("test", "0", "test");
  const io::AnnData back = io::read_anndata(folder.path() / "a.h5ad", context);
  CHECK(back.obs.index == data.obs.index);
  CHECK(back.var.index == data.var.index);
  REQUIRE(back.obs.columns.size() == 5);
  const auto scores = std::get<std::vector<double>>(back.obs.columns[0].values);
  CHECK(scores[0] == 0.5);
  CHECK(std::isnan(scores[1]));
  CHECK(std::get<std::vector<std::int64_t>>(back.obs.columns[1].values) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(std::get<std::vector<std::string>>(back.obs.columns[2].values) == std::vector<std::string>{"a", "Ärger", ""});
  CHECK(std::get<io::Booleans>(back.obs.columns[3].values).values == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(std::get<io::Categorical>(back.obs.columns[4].values).codes == std::vector<std::int32_t>{0, -1, 1});
  REQUIRE(back.x);
  check_equal(*back.x, *data.x);
  REQUIRE(back.layers.size() == 1);
  check_equal(back.layers[0].second, data.layers[0].second);
  REQUIRE(back.obsm.size() == 1);
  CHECK(back.obsm[0].second.values == data.obsm[0].second.values);
  CHECK(context.inputs.sorted().size() == 1);
}

TEST_CASE("arrays beyond one chunk are compressed and read back") {
  const test::TemporaryFolder folder;
  std::vector<std::int32_t> values(3 * io::kHdf5ChunkElements + 17);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * 2654435761U >> 12);
  for (const unsigned threads : {1U, 4U}) {
    io::Hdf5Writer out(folder.path() / ("big" + std::to_string(threads)), 0, threads);
    out.array<std::int32_t>("/v", values);
    out.close();
  }
  CHECK(read_file(folder.path() / "big1") == read_file(folder.path() / "big4"));
  core::RunContext context("test", "0", "test");
  CHECK(io::Hdf5Reader(folder.path() / "big4", context).array<std::int32_t>("/v") == values);
  CHECK(std::filesystem::file_size(folder.path() / "big1") < values.size() * 4);
}

TEST_CASE("an array given in parts is the array given at once") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, io::kHdf5ChunkElements, 3 * io::kHdf5ChunkElements + 7}) {
    std::vector<std::uint32_t> values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<std::uint32_t>(i * i % 1000003);
    std::array<std::string, 2> files;
    for (const bool parts : {false, true}) {
      const auto path =
          std::filesystem::temp_directory_path() / ("immucan-parts-" + std::to_string(::getpid()) + ".h5");
      io::Hdf5Writer out(path, 0, 2);
      if (parts) {
        std::size_t at = 0;
        out.array_in_parts<std::uint32_t>("/values", size, [&](std::span<std::uint32_t> part) {
          for (std::uint32_t& value : part) value = values[at++];
        });
        CHECK(at == size);
      } else {
        out.array<std::uint32_t>("/values", values);
      }
      out.close();
      std::ifstream in(path, std::ios::binary);
      files[parts ? 1 : 0].assign(std::istreambuf_iterator<char>(in), {});
      std::filesystem::remove(path);
    }
    CHECK(!files[0].empty());
    CHECK(files[0] == files[1]);
  }
}

TEST_CASE("index pointers beyond 2^31 are kept in 64 bits") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "large.h5ad";
  constexpr std::int64_t kFirstRow = (std::int64_t{1} << 31) + 5;
  io::AnnData data;
  data.obs.index = {"a", "b"};
  data.var.index = {"g"};
  data.x = io::CsrMatrix{2, 1, {0, kFirstRow, kFirstRow + 1}, {}, {}};  // its 16 GB of values left out
  io::write_anndata(path, data);
  core::RunContext context("test", "0", "test");
  const io::Hdf5Reader in(path, context);
  CHECK(in.array<std::int64_t>("/X/indptr") == data.x->row_start);
  CHECK_THROWS_AS(in.array<std::int32_t>("/X/indptr"), core::Error);
  CHECK_THROWS_AS(io::read_anndata(path, context), core::Error);
}

TEST_CASE("a CSC matrix and unsorted rows are read as sorted CSR") {
  const test::TemporaryFolder folder;
  Parts parts;
  parts.x_encoding = "csc_matrix";
  parts.data = {1, 2, 3};
  parts.indices = {1, 0, 0};
  parts.indptr = {0, 2, 3};
  write_parts(folder.path() / "f.h5ad", parts);
  core::RunContext context("test", "0", "test");
  const io::AnnData data = io::read_anndata(folder.path() / "f.h5ad", context);
  check_equal(*data.x, io::CsrMatrix{2, 2, {0, 2, 3}, {0, 1, 0}, {2, 3, 1}});
}

TEST_CASE("broken AnnData files are refused with the object") {
  const auto files = damaged_files();
  files.spoiled([](Parts& p) { p.obs = false; }, "/obs: group is missing");
  files.spoiled([](Parts& p) { p.index_attribute = false; }, "/obs: attribute _index is missing");
  files.spoiled([](Parts& p) { p.var_order = false; }, "/var: attribute column-order is missing");
  files.spoiled([](Parts& p) { p.obs_index = {"c1", "c1"}; }, "/obs/_index: \"c1\" appears twice");
  files.spoiled([](Parts& p) { p.obs_columns = {"absent"}; }, "/obs/absent: is named in column-order but missing");
  files.spoiled([](Parts& p) { p.x_encoding = "coo_matrix"; }, "/X: encoding \"coo_matrix\"");
  files.spoiled([](Parts& p) { p.shape = {2, 3}; }, "/X: attribute shape is not [2, 2]");
  files.spoiled([](Parts& p) { p.indptr = {0, 1}; }, "/X/indptr: has 2 values where 3");
  files.spoiled([](Parts& p) { p.indptr = {0, 2, 1}; }, "/X/indptr: does not ascend");
  files.spoiled([](Parts& p) { p.indptr = {0, 1, 4294967296}; }, "/X/indptr: does not ascend");
  files.spoiled([](Parts& p) { p.indices = {0, 2}; }, "/X/indices: index 2 is outside 0..1");
  files.spoiled([](Parts& p) { p.indices = {0, -1}; }, "/X/indices: index -1");
  files.spoiled(
      [](Parts& p) {
        p.indptr = {0, 2, 2};
        p.indices = {1, 1};
      },
      "/X/indices: column 1 appears twice in row 0");
  files.spoiled([](Parts& p) { p.data = {1}; }, "/X/data: has 1 values where 2");
  files.spoiled(
      [](Parts& p) {
        p.obs_columns = {"a"};
        p.more = [](io::Hdf5Writer& out) { out.array<double>("/obs/a", std::vector<double>{1}); };
      },
      "/obs/a: has 1 values where 2");
  files.spoiled(
      [](Parts& p) {
        p.obs_columns = {"a"};
        p.more = [](io::Hdf5Writer& out) {
          out.group("/obs/a");
          out.attribute("/obs/a", "encoding-type", "categorical");
          out.array<std::int8_t>("/obs/a/codes", std::vector<std::int8_t>{0, 1});
          out.strings("/obs/a/categories", std::vector<std::string>{"x"});
        };
      },
      "/obs/a/codes: code 1 names no category");
}

TEST_CASE("files that are no HDF5, cut off or flipped are refused") {
  const auto files = damaged_files();
  files.replaced("", "not a whole HDF5 file");
  files.replaced("PK\x03\x04 not this", "not a whole HDF5 file");
  files.replaced(files.good().substr(0, files.good().size() / 2), "not a whole HDF5 file");
  files.replaced("\x88" + files.good().substr(1), "not a whole HDF5 file");
  core::RunContext context("test", "0", "test");
  try {
    (void)io::read_anndata(files.path().parent_path() / "absent.h5ad", context);
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kNoInput);
  }
}

TEST_CASE("10x folders and .h5 come back as written") {
  const test::TemporaryFolder folder;
  io::TenxMatrix matrix{
      {"AAAC", "AAAG", "TTTT"}, {{"ENSG1", "A"}, {"ENSG2", "B"}}, {3, 2, {0, 1, 1, 3}, {1, 0, 1}, {2, 3, 4}}};
  io::write_tenx_h5(folder.path() / "m.h5", matrix, "g", "Single Cell 3' v3", 1);
  core::RunContext context("test", "0", "test");
  core::OutputSet outputs = core::OutputSet::folder(context, folder.path() / "out");
  io::write_tenx_folder(outputs, "raw", matrix, 2);
  outputs.commit();
  for (const io::TenxMatrix& back : {io::read_tenx_h5(folder.path() / "m.h5", context),
                                     io::read_tenx_folder(folder.path() / "out" / "raw", context)}) {
    CHECK(back.barcodes == matrix.barcodes);
    REQUIRE(back.features.size() == 2);
    CHECK(back.features[1].id == "ENSG2");
    CHECK(back.features[1].name == "B");
    CHECK(back.features[1].type == "Gene Expression");
    check_equal(back.counts, matrix.counts);
  }
}

TEST_CASE("10x folders whose files disagree are refused") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const auto refused = [&](const std::string& mtx, const std::string& barcodes, const std::string& features,
                           const std::string& part) {
    folder.write("matrix.mtx", mtx);
    folder.write("barcodes.tsv", barcodes);
    folder.write("features.tsv", features);
    try {
      (void)io::read_tenx_folder(folder.path(), context);
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::Contains(part));
    }
  };
  const std::string mtx = "%%MatrixMarket matrix coordinate integer general\n2 1 1\n1 1 3\n";
  refused(mtx, "AA\nAC\n", "g1\ta\n g2\tb\n", "2 x 1 entries for 2 features and 2 barcodes");
  refused(mtx, "AA\nAA\n", "g1\ta\ng2\tb\n", "barcodes.tsv:2: barcode appears twice");
  refused(mtx, "AA\n", "g1\ta\ng1\tb\n", "features.tsv:2: feature id appears twice");
  refused(mtx, "AA\n", "g1\n", "features.tsv:1: 1 columns");
  refused(mtx, "\n", "g1\ta\n", "barcodes.tsv:1: empty barcode");
}
