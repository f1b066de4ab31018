#include "io/tenx.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "io/byte_shuffle.h"
#include "io/hdf5.h"
#include "io_helpers.h"
#include "refused.h"

using namespace immucan;
using test::read_file;

namespace {

/// What a good file has, for single tests to spoil before it is written.
struct Parts {
  std::vector<std::string> barcodes = {"AAAC-1", "AAAG-1"}, ids = {"E1", "E2", "E3"}, names = {"A", "B", "C"};
  std::vector<std::int32_t> data = {1, 2, 3}, shape = {3, 2};
  std::vector<std::int64_t> indices = {0, 2, 1}, indptr = {0, 2, 3};
  bool matrix = true;
  std::string absent;
};

void write_parts(const std::filesystem::path& path, const Parts& parts) {
  io::Hdf5Writer out(path);
  if (parts.matrix) {
    out.group("/matrix");
    out.fixed_strings("/matrix/barcodes", parts.barcodes);
    out.array<std::int32_t>("/matrix/data", parts.data);
    if (parts.absent != "indices") out.array<std::int64_t>("/matrix/indices", parts.indices);
    if (parts.absent != "indptr") out.array<std::int64_t>("/matrix/indptr", parts.indptr);
    out.array<std::int32_t>("/matrix/shape", parts.shape);
    out.group("/matrix/features");
    out.fixed_strings("/matrix/features/id", parts.ids);
    out.fixed_strings("/matrix/features/name", parts.names);
    out.fixed_strings("/matrix/features/feature_type", std::vector<std::string>(parts.ids.size(), "Gene Expression"));
  }
  out.close();
}

test::DamagedFiles<Parts> damaged_files() {
  return {"f.h5", write_parts, [](const auto& file, auto& context) { (void)io::read_tenx_h5(file, context); }};
}

}  // namespace

TEST_CASE("broken 10x .h5 files are refused with the object") {
  const auto files = damaged_files();
  core::RunContext context("test", "0", "test");
  REQUIRE(io::read_tenx_h5(files.path(), context).counts.value == std::vector<float>{1, 2, 3});
  files.spoiled([](Parts& p) { p.matrix = false; }, "/matrix: group is missing");
  files.spoiled([](Parts& p) { p.absent = "indptr"; }, "/matrix/indptr: data set is missing");
  files.spoiled([](Parts& p) { p.absent = "indices"; }, "/matrix/indices: data set is missing");
  files.spoiled([](Parts& p) { p.barcodes = {"A", "A"}; }, "/matrix/barcodes: \"A\" appears twice");
  files.spoiled([](Parts& p) { p.ids = {"E1", "E1", "E3"}; }, "/matrix/features/id: \"E1\" appears twice");
  files.spoiled([](Parts& p) { p.names = {"A"}; }, "/matrix/features: columns differ in length");
  files.spoiled([](Parts& p) { p.shape = {2, 3}; }, "/matrix/shape: is not [3, 2]");
  files.spoiled([](Parts& p) { p.shape = {3}; }, "/matrix/shape: is not [3, 2]");
  files.spoiled([](Parts& p) { p.indptr = {0, 3}; }, "/matrix/indptr: does not ascend from 0 to 3");
  files.spoiled([](Parts& p) { p.indptr = {0, 4, 3}; }, "/matrix/indptr: does not ascend");
  files.spoiled([](Parts& p) { p.indices = {0, 7, 1}; }, "/matrix/indices: index 7 is outside 0..2");
  files.spoiled([](Parts& p) { p.indices = {0, std::int64_t{1} << 32, 1}; }, "/matrix/indices: holds a value beyond");
  files.spoiled([](Parts& p) { p.indices = {2, 2, 1}; }, "names a feature twice");
  files.spoiled([](Parts& p) { p.data = {1}; }, "/matrix/indptr");
  files.replaced(files.good().substr(0, files.good().size() / 2), "not a whole HDF5 file");
  files.replaced("", "not a whole HDF5 file");
}

TEST_CASE("features of a barcode in any order come back sorted") {
  const test::TemporaryFolder folder;
  Parts parts;
  parts.indices = {2, 0, 1};
  write_parts(folder.path() / "f.h5", parts);
  core::RunContext context("test", "0", "test");
  const io::TenxMatrix matrix = io::read_tenx_h5(folder.path() / "f.h5", context);
  CHECK(matrix.counts.column == std::vector<std::int32_t>{0, 2, 1});
  CHECK(matrix.counts.value == std::vector<float>{2, 1, 3});
}

TEST_CASE("fast shuffling is what the plain one says, for every size and remainder") {
  core::Random random(1);
  for (const std::size_t size : {1U, 2U, 4U, 8U, 12U}) {
    for (const std::size_t elements : {0U, 1U, 15U, 16U, 17U, 63U, 100U}) {
      std::string bytes(elements * size, '\0'), planes(elements * size, '\0'), plain(elements * size, '\0');
      for (char& c : bytes) c = static_cast<char>(random.below(256));
      io::detail::shuffle_bytes(bytes.data(), elements, size, planes.data());
      for (std::size_t i = 0; i < elements; ++i) {
        for (std::size_t k = 0; k < size; ++k) plain[k * elements + i] = bytes[i * size + k];
      }
      CHECK(planes == plain);
      for (const std::size_t count : {elements, elements / 2}) {
        std::string back(count * size, '\0');
        io::detail::unshuffle_bytes(planes.data(), elements, size, count, back.data());
        CHECK(back == bytes.substr(0, count * size));
      }
    }
  }
}

TEST_CASE("chunks of several dimensions and types come back, whatever the threads") {
  const test::TemporaryFolder folder;
  const std::uint64_t shape[] = {1000, 301};
  std::vector<double> values(1000 * 301);
  std::vector<std::int16_t> narrow(1000 * 301);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<double>(i) * 0.1;
    narrow[i] = static_cast<std::int16_t>(i * 7919);
  }
  for (const unsigned threads : {1U, 4U}) {
    io::Hdf5Writer out(folder.path() / std::to_string(threads), 0, threads);
    out.array<double>("/d", values, shape);
    out.array<std::int16_t>("/n", narrow, shape);
    out.close();
  }
  CHECK(read_file(folder.path() / "1") == read_file(folder.path() / "4"));
  core::RunContext context("test", "0", "test");
  context.threads = 3;
  const io::Hdf5Reader in(folder.path() / "4", context);
  CHECK(in.shape("/d") == std::vector<std::uint64_t>{1000, 301});
  CHECK(in.array<double>("/d") == values);
  CHECK(in.array<std::int64_t>("/n") == std::vector<std::int64_t>(narrow.begin(), narrow.end()));
  CHECK_THROWS_AS(in.array<std::uint64_t>("/n"), core::Error);  // negative values
  CHECK_THROWS_AS(in.array<std::int32_t>("/d"), core::Error);   // real numbers
}

TEST_CASE("a chunk with a flipped byte is refused") {
  const test::TemporaryFolder folder;
  core::Random random(3);
  std::vector<float> values(std::size_t{3} << 17);
  for (float& value : values) value = static_cast<float>(random.below(1000));
  io::Hdf5Writer out(folder.path() / "f", 0, 1);
  out.array<float>("/v", values);
  out.close();
  std::string bytes = read_file(folder.path() / "f");
  CHECK(io::Hdf5Reader(bytes, "f.h5").array<float>("/v") == values);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);  // nearly all of the file is chunks
  try {
    (void)io::Hdf5Reader(bytes, "f.h5").array<float>("/v");
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains("object /v: holds a damaged chunk"));
  }
}
