#include "io/biom.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "io_helpers.h"
#include "refused.h"

using namespace immucan;
using test::read_file;

namespace {

io::BiomTable small_table() {
  io::BiomTable table;
  table.type = "Taxon table";
  table.observation_ids = {"O1", "O2"};
  table.sample_ids = {"S1", "S2", "Ä3"};
  table.values = {2, 3, {0, 2, 3}, {0, 2, 1}, {0.1, 2, 1e-300}};
  table.observation_metadata = {{"taxonomy", std::vector<std::vector<std::string>>{{"k__B", "p__F"}, {"k__A"}}}};
  table.sample_metadata = {{"reads", std::vector<double>{1, 2, 3}}, {"site", std::vector<std::string>{"a", "", "c"}}};
  return table;
}

/// What a good file has, for single tests to spoil before it is written.
struct Parts {
  std::vector<std::string> observations = {"O1", "O2"}, samples = {"S1", "S2", "S3"};
  std::vector<std::int64_t> version = {2, 1}, shape = {2, 3}, nnz = {3};
  std::string type = "OTU table", absent;
  std::vector<double> data = {1, 2, 3}, turned_data = {1, 3, 2};
  std::vector<std::int32_t> indices = {0, 2, 1}, turned_indices = {0, 1, 0};
  std::vector<std::int64_t> indptr = {0, 2, 3}, turned_indptr = {0, 1, 2, 3};
  std::function<void(io::Hdf5Writer&)> more;
};

void write_parts(const std::filesystem::path& path, const Parts& parts) {
  io::Hdf5Writer out(path);
  const auto text = [&](const char* name, const std::string& value) {
    if (parts.absent != name) out.attribute("/", name, value);
  };
  text("id", "x");
  text("type", parts.type);
  text("format-url", "http://biom-format.org");
  text("generated-by", "test");
  text("creation-date", "1970-01-01T00:00:00");
  const auto numbers = [&](const char* name, const std::vector<std::int64_t>& values) {
    if (parts.absent != name) out.attribute("/", name, std::span<const std::int64_t>(values));
  };
  numbers("format-version", parts.version);
  numbers("shape", parts.shape);
  numbers("nnz", parts.nnz);
  const auto axis = [&](const std::string& name, const auto& ids, const auto& data, const auto& indices,
                        const auto& indptr) {
    out.group(name);
    if (parts.absent != name + "/ids") out.strings(name + "/ids", ids);
    out.group(name + "/matrix");
    out.array<double>(name + "/matrix/data", data);
    out.array<std::int32_t>(name + "/matrix/indices", indices);
    out.array<std::int64_t>(name + "/matrix/indptr", indptr);
    if (parts.absent != name + "/metadata") out.group(name + "/metadata");
  };
  axis("/observation", parts.observations, parts.data, parts.indices, parts.indptr);
  axis("/sample", parts.samples, parts.turned_data, parts.turned_indices, parts.turned_indptr);
  if (parts.more) parts.more(out);
  out.close();
}

test::DamagedFiles<Parts> damaged_files() {
  return {"f.biom", write_parts, [](const auto& file, auto& context) { (void)io::read_biom(file, context); }};
}

}  // namespace

TEST_CASE("a BIOM table comes back as it was written, and its copy has the same bytes") {
  const test::TemporaryFolder folder;
  const io::BiomTable table = small_table();
  io::write_biom(folder.path() / "a.biom", table);
  core::RunContext context("test", "0", "test");
  const io::BiomTable back = io::read_biom(folder.path() / "a.biom", context);
  CHECK(back.type == "Taxon table");
  CHECK(back.observation_ids == table.observation_ids);
  CHECK(back.sample_ids == table.sample_ids);
  CHECK(back.values.row_start == table.values.row_start);
  CHECK(back.values.column == table.values.column);
  CHECK(back.values.value == table.values.value);
  using Lists = std::vector<std::vector<std::string>>;
  CHECK(std::get<Lists>(back.observation_metadata.at(0).values) == Lists{{"k__B", "p__F"}, {"k__A"}});
  CHECK(std::get<std::vector<double>>(back.sample_metadata.at(0).values) == std::vector<double>{1, 2, 3});
  CHECK(std::get<std::vector<std::string>>(back.sample_metadata.at(1).values) ==
        std::vector<std::string>{"a", "", "c"});
  io::write_biom(folder.path() / "b.biom", back, 3);
  CHECK(read_file(folder.path() / "a.biom") == read_file(folder.path() / "b.biom"));
}

TEST_CASE("the creation date comes from SOURCE_DATE_EPOCH, else it is the first moment") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const char* const before = std::getenv("SOURCE_DATE_EPOCH");
  const std::string kept = before != nullptr ? before : "";
  ::unsetenv("SOURCE_DATE_EPOCH");
  io::write_biom(folder.path() / "a.biom", small_table());
  CHECK(io::read_biom(folder.path() / "a.biom", context).creation_date == "1970-01-01T00:00:00");
  ::setenv("SOURCE_DATE_EPOCH", "1709210096", 1);
  io::write_biom(folder.path() / "b.biom", small_table());
  CHECK(io::read_biom(folder.path() / "b.biom", context).creation_date == "2024-02-29T12:34:56");
  ::setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
  CHECK_THROWS_AS(io::write_biom(folder.path() / "c.biom", small_table()), core::Error);
  ::unsetenv("SOURCE_DATE_EPOCH");
  if (before != nullptr) ::setenv("SOURCE_DATE_EPOCH", kept.c_str(), 1);
}

TEST_CASE("tables that no BIOM file can hold are not written") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::function<void(io::BiomTable&)>& spoil) {
    io::BiomTable table = small_table();
    spoil(table);
    CHECK_THROWS_AS(io::write_biom(folder.path() / "x.biom", table), core::Error);
  };
  refused([](io::BiomTable& t) { t.type = "cells"; });
  refused([](io::BiomTable& t) { t.sample_ids = {"a", "a", "b"}; });
  refused([](io::BiomTable& t) { t.observation_ids.pop_back(); });
  refused([](io::BiomTable& t) { t.sample_metadata[0].values = std::vector<double>{1}; });
  refused([](io::BiomTable& t) { t.sample_metadata[0].name = "a/b"; });
}

TEST_CASE("broken BIOM files are refused with the object") {
  const auto files = damaged_files();
  core::RunContext context("test", "0", "test");
  REQUIRE(io::read_biom(files.path(), context).values.value == std::vector<double>{1, 2, 3});
  for (const char* name :
       {"id", "type", "format-url", "generated-by", "creation-date", "format-version", "shape", "nnz"}) {
    files.spoiled([&](Parts& p) { p.absent = name; }, std::string("attribute ") + name);
  }
  files.spoiled([](Parts& p) { p.version = {3, 0}; }, "format-version is neither");
  files.spoiled([](Parts& p) { p.type = "cells"; }, "type \"cells\" is not of the list");
  files.spoiled([](Parts& p) { p.shape = {2, -1}; }, "attribute shape");
  files.spoiled([](Parts& p) { p.shape = {2, 4294967296}; }, "/sample/ids: has 3 ids where shape says 4294967296");
  files.spoiled([](Parts& p) { p.nnz = {99}; }, "has 3 values where attribute nnz says 99");
  files.spoiled([](Parts& p) { p.absent = "/sample/ids"; }, "/sample/ids: data set is missing");
  files.spoiled([](Parts& p) { p.absent = "/sample/metadata"; }, "/sample/metadata: group is missing");
  files.spoiled([](Parts& p) { p.samples = {"S1", "S1", "S3"}; }, "/sample/ids: \"S1\" appears twice");
  files.spoiled([](Parts& p) { p.indptr = {0, 3}; }, "/observation/matrix/indptr: does not ascend from 0 to 3");
  files.spoiled([](Parts& p) { p.indptr = {0, 4, 3}; }, "/observation/matrix/indptr: does not ascend");
  files.spoiled([](Parts& p) { p.indices = {0, 3, 1}; }, "/observation/matrix/indices: index 3 is outside 0..2");
  files.spoiled([](Parts& p) { p.turned_indices = {0, -1, 0}; }, "/sample/matrix/indices: index -1");
  files.spoiled([](Parts& p) { p.turned_data = {1, 3, 7}; }, "/sample/matrix: differs from /observation/matrix");
  files.spoiled([](Parts& p) { p.data[0] = std::numeric_limits<double>::quiet_NaN(); }, "differs from");
  files.spoiled(
      [](Parts& p) {
        p.indptr = {0, 3, 3};
        p.indices = {0, 0, 1};
      },
      "/observation/matrix: holds (0, 0) twice");
  files.spoiled(
      [](Parts& p) {
        p.more = [](io::Hdf5Writer& out) { out.array<double>("/sample/metadata/n", std::vector<double>{1}); };
      },
      "/sample/metadata/n: has 1 values for 3 ids");
  files.replaced(files.good().substr(0, files.good().size() / 2), "not a whole HDF5 file");
  files.replaced("{\"id\": null, \"format\": \"Biological Observation Matrix 1.0.0\"}", "not a whole HDF5 file");
  files.replaced("", "not a whole HDF5 file");
}
