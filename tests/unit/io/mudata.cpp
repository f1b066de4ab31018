#include "io/mudata.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "core/error.h"
#include "io_helpers.h"
#include "refused.h"

using namespace immucan;
using test::read_file;

namespace {

io::AnnData modality(std::vector<std::string> obs, std::vector<std::string> var) {
  io::AnnData data;
  data.obs.index = std::move(obs);
  data.var.index = std::move(var);
  const std::uint64_t rows = data.obs.index.size(), columns = data.var.index.size();
  data.dense_x = io::DenseMatrix{rows, columns, std::vector<double>(rows * columns, 2.5)};
  return data;
}

io::MuData small_data() {
  io::MuData data =
      io::join_modalities({{"rna", modality({"c1", "c2"}, {"g1"})}, {"prot", modality({"c3", "c2"}, {"p"})}});
  data.obs.columns = {{"n", io::NullableIntegers{{1, 2, 3}, {0, 1, 0}}},
                      {"b", io::NullableBooleans{{{1, 0, 1}, {0, 0, 1}}}},
                      {"t", io::NullableStrings{{"x", "", "y"}, {0, 1, 0}}}};
  data.obsm = {{"X_umap", {3, 2, {1, 2, 3, 4, 5, 6}}}};
  data.obsp = {{"near", {3, 3, {0, 1, 1, 1}, {2}, {1.5F}}}};
  data.uns.add("title", {std::string("β")});
  return data;
}

/// What a good file has, for single tests to spoil before it is written.
struct Parts {
  std::vector<std::uint32_t> obs_map = {1, 2, 0}, var_map = {1};
  std::vector<std::uint8_t> mask = {1, 1, 0};
  std::vector<std::string> order = {"rna"};
  std::vector<std::string> obs = {"c1", "c2", "c3"}, var = {"g1"};
  std::int64_t axis = 0;
  std::string type = "MuData", version = "0.1.0", user_block = "MuData (format-version=0.1.0;creator=test)";
  bool mod = true, maps = true, nullable_index = false;
  std::vector<std::uint8_t> index_mask = {0, 0, 0};
  std::function<void(io::Hdf5Writer&)> more;
};

void write_frame(io::Hdf5Writer& out, const std::string& path, const std::vector<std::string>& index) {
  out.group(path);
  out.attribute(path, "_index", "_index");
  out.attribute(path, "column-order", std::span<const std::string>());
  out.strings(path + "/_index", index);
}

void write_parts(const std::filesystem::path& path, const Parts& parts) {
  io::Hdf5Writer out(path, parts.user_block.empty() ? 0 : 512);
  out.attribute("/", "encoding-type", parts.type);
  out.attribute("/", "encoding-version", parts.version);
  out.attribute("/", "axis", parts.axis);
  if (parts.nullable_index) {
    out.group("/obs");
    out.attribute("/obs", "_index", "_index");
    out.attribute("/obs", "column-order", std::span<const std::string>());
    out.group("/obs/_index");
    out.attribute("/obs/_index", "encoding-type", "nullable-string-array");
    out.attribute("/obs/_index", "encoding-version", "0.1.0");
    out.strings("/obs/_index/values", parts.obs);
    out.booleans("/obs/_index/mask", parts.index_mask);
  } else {
    write_frame(out, "/obs", parts.obs);
  }
  write_frame(out, "/var", parts.var);
  if (parts.mod) {
    out.group("/mod");
    out.attribute("/mod", "mod-order", std::span<const std::string>(parts.order));
    out.group("/mod/rna");
    write_frame(out, "/mod/rna/obs", {"c1", "c2"});
    write_frame(out, "/mod/rna/var", {"g1"});
  }
  for (const char* group : {"/obsm", "/varm", "/obsmap", "/varmap"}) out.group(group);
  if (parts.maps) {
    out.array<std::uint32_t>("/obsmap/rna", parts.obs_map);
    out.array<std::uint32_t>("/varmap/rna", parts.var_map);
    out.booleans("/obsm/rna", parts.mask);
  }
  if (parts.more) parts.more(out);
  out.close();
  if (parts.user_block.empty()) return;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file << parts.user_block;
}

test::DamagedFiles<Parts> damaged_files() {
  return {"f.h5mu", write_parts, [](const auto& file, auto& context) { (void)io::read_mudata(file, context); }};
}

}  // namespace

TEST_CASE("modalities join along the shared axis by name, along the other one after the other") {
  const io::MuData data = small_data();
  CHECK(data.obs.index == std::vector<std::string>{"c1", "c2", "c3"});
  CHECK(data.var.index == std::vector<std::string>{"g1", "p"});
  CHECK(data.modalities[1].obs_map == std::vector<std::uint32_t>{0, 2, 1});
  CHECK(data.modalities[1].var_map == std::vector<std::uint32_t>{0, 1});
  const io::MuData turned = io::join_modalities(
      {{"a", modality({"c1"}, {"g1", "g2"})}, {"b", modality({"c1"}, {"g2"})}}, io::SharedAxis::kVariables);
  CHECK(turned.obs.index.size() == 2);
  CHECK(turned.modalities[1].var_map == std::vector<std::uint32_t>{0, 1});
  CHECK(turned.modalities[1].obs_map == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a MuData file comes back as it was written, and its copy has the same bytes") {
  const test::TemporaryFolder folder;
  io::write_mudata(folder.path() / "a.h5mu", small_data());
  core::RunContext context("test", "0", "test");
  const io::MuData back = io::read_mudata(folder.path() / "a.h5mu", context);
  CHECK(back.passed_over.empty());
  REQUIRE(back.modalities.size() == 2);
  CHECK(back.modalities[0].name == "rna");
  CHECK(back.modalities[1].obs_map == std::vector<std::uint32_t>{0, 2, 1});
  CHECK(back.modalities[1].data.dense_x->values == std::vector<double>{2.5, 2.5});
  const auto& integers = std::get<io::NullableIntegers>(back.obs.columns[0].values);
  CHECK(integers.values == std::vector<std::int64_t>{1, 2, 3});
  CHECK(integers.missing == std::vector<std::uint8_t>{0, 1, 0});
  CHECK(std::get<io::NullableBooleans>(back.obs.columns[1].values).missing == std::vector<std::uint8_t>{0, 0, 1});
  CHECK(std::get<io::NullableStrings>(back.obs.columns[2].values).values[2] == "y");
  CHECK(back.obsm.at(0).second.values == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(back.obsp.at(0).second.value == std::vector<float>{1.5F});
  REQUIRE(back.uns.find("title") != nullptr);
  CHECK(std::get<std::string>(back.uns.find("title")->value) == "β");
  io::write_mudata(folder.path() / "b.h5mu", back, 3);
  const std::string bytes = read_file(folder.path() / "a.h5mu");
  CHECK(bytes == read_file(folder.path() / "b.h5mu"));
  CHECK(bytes.starts_with("MuData (format-version=0.1.0;creator=immucan;creator-version="));
  CHECK(bytes.substr(512, 4) == "\x89HDF");
  CHECK(bytes.find(')') < bytes.find('\0'));
}

TEST_CASE("older and newer generations: no maps, index of values and mask") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  Parts old;
  old.maps = false;
  write_parts(folder.path() / "old.h5mu", old);
  CHECK(io::read_mudata(folder.path() / "old.h5mu", context).modalities[0].obs_map ==
        std::vector<std::uint32_t>{1, 2, 0});
  Parts recent;
  recent.nullable_index = true;
  write_parts(folder.path() / "new.h5mu", recent);
  CHECK(io::read_mudata(folder.path() / "new.h5mu", context).obs.index == std::vector<std::string>{"c1", "c2", "c3"});
}

TEST_CASE("published files of mudata 0.2 are read") {
  const std::filesystem::path folder = std::filesystem::path(IMMUCAN_SHARED_DATA) / "platform" / "mudata_legacy";
  if (!std::filesystem::exists(folder)) {
    std::cout << "SKIPPED: " << folder.string() << " is not there\n";
    return;
  }
  core::RunContext context("test", "0", "test");
  const io::MuData rows = io::read_mudata(folder / "v0.2.4_mdata_axis0.h5mu", context);
  CHECK(rows.axis == io::SharedAxis::kObservations);
  REQUIRE(rows.modalities.size() == 2);
  CHECK(rows.modalities[0].name == "mod2");  // mod-order, not the order of the alphabet
  CHECK(rows.obs.index.size() == 100);
  CHECK(rows.var.index.size() == 50);
  REQUIRE(rows.modalities[1].data.raw);
  CHECK(rows.modalities[1].data.raw->var.index.size() == 10);
  CHECK(io::read_mudata(folder / "v0.2.4_mdata_axis1.h5mu", context).axis == io::SharedAxis::kVariables);
}

TEST_CASE("broken MuData files are refused with the object") {
  const auto files = damaged_files();
  core::RunContext context("test", "0", "test");
  REQUIRE(io::read_mudata(files.path(), context).modalities.size() == 1);
  files.spoiled([](Parts& p) { p.user_block = ""; }, "byte 0: does not begin with \"MuData (format-version=\"");
  files.spoiled([](Parts& p) { p.user_block = "XuData (format-version=0.1.0)"; }, "byte 0: does not begin with");
  files.spoiled([](Parts& p) { p.type = "anndata"; }, "object /: holds anndata, not MuData");
  files.spoiled([](Parts& p) { p.version = "7.0"; }, "object /: encoding-version \"7.0\" of MuData is not known");
  files.spoiled([](Parts& p) { p.axis = 5; }, "object /: attribute axis");
  files.spoiled([](Parts& p) { p.mod = false; }, "/mod: group is missing");
  files.spoiled([](Parts& p) { p.order = {"rna", "prot"}; }, "/mod: attribute mod-order lists 2 names");
  files.spoiled([](Parts& p) { p.order = {"atac"}; }, "/mod: attribute mod-order lists 1 names");
  files.spoiled([](Parts& p) { p.obs = {"c1", "c1", "c3"}; }, "/obs/_index: \"c1\" appears twice");
  files.spoiled([](Parts& p) { p.obs_map = {1, 2}; }, "/obsmap/rna: has 2 values where 3");
  files.spoiled([](Parts& p) { p.obs_map = {1, 1, 0}; }, "/obsmap/rna: position 1 appears twice");
  files.spoiled([](Parts& p) { p.obs_map = {1, 4000000000, 0}; }, "/obsmap/rna: position 4000000000 is beyond");
  files.spoiled([](Parts& p) { p.obs_map = {2, 1, 0}; }, "/obsmap/rna: joins \"c1\" with \"c2\"");
  files.spoiled([](Parts& p) { p.obs_map = {1, 0, 0}; }, "/obsmap/rna: reaches 1 of the 2 names");
  files.spoiled([](Parts& p) { p.mask = {1, 1, 1}; }, "/obsm/rna: says present of \"c3\"");
  files.spoiled([](Parts& p) { p.mask = {1, 1}; }, "/obsm/rna: has 2 values where 3");
  files.spoiled(
      [](Parts& p) {
        p.maps = false;
        p.obs = {"c1", "x", "c3"};
      },
      "/obsmap/rna: is missing and the names do not join");
  files.spoiled(
      [](Parts& p) {
        p.nullable_index = true;
        p.index_mask = {0, 1, 0};
      },
      "/obs/_index/mask: marks a name");
  files.spoiled(
      [](Parts& p) { p.more = [](io::Hdf5Writer& out) { out.array<double>("/obsm/X", std::vector<double>{1, 2}); }; },
      "/obsm/X: does not have 3 rows");
  files.replaced(files.good().substr(0, files.good().size() / 2), "not a whole HDF5 file");
  files.replaced(files.good().substr(0, 512), "not a whole HDF5 file");
  files.replaced("", "not a whole HDF5 file");
}

TEST_CASE("a map that does not fit is a bug of ours, not a file") {
  const test::TemporaryFolder folder;
  io::MuData data = small_data();
  data.modalities[0].obs_map = {2, 1, 0};
  CHECK_THROWS_AS(io::write_mudata(folder.path() / "x.h5mu", data), core::Error);
}
