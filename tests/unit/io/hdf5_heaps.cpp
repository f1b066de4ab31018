#include "io/hdf5_heaps.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "io/anndata.h"
#include "io/hdf5.h"
#include "io_helpers.h"

using namespace immucan;
using test::little_endian;

namespace {

/// A collection of 128 bytes: "hello", a free entry that fills the rest.
std::string collection() {
  std::string bytes = "GCOL\x01" + std::string(3, '\0') + little_endian(128, 8);
  bytes += little_endian(1, 2) + little_endian(1, 2) + std::string(4, '\0') + little_endian(5, 8) + "hello";
  bytes.resize(40);
  bytes += std::string(8, '\0') + little_endian(128 - 40, 8);
  bytes.resize(128);
  return bytes;
}

}  // namespace

TEST_CASE("entries of a heap collection fill it") {
  const std::string good = collection();
  CHECK(io::heap_is_sound(good, 8));
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(io::heap_is_sound(good.substr(0, size), 8));
  std::string endless = good;
  endless[48] = 0;  // the free entry's size
  CHECK_FALSE(io::heap_is_sound(endless, 8));
  std::string over = good;
  over[24] = 120;  // the string's length
  CHECK_FALSE(io::heap_is_sound(over, 8));
  over[31] = '\x7f';
  CHECK_FALSE(io::heap_is_sound(over, 8));
  std::string other = good;
  other[4] = 2;
  CHECK_FALSE(io::heap_is_sound(other, 8));
}

TEST_CASE("collections are found wherever a file is cut") {
  const std::string file = std::string(11, 'G') + collection() + "GCOL" + collection();
  for (std::size_t piece = 1; piece <= file.size(); ++piece) {
    io::HeapFinder finder;
    for (std::size_t at = 0; at < file.size(); at += piece) finder.update(std::string_view(file).substr(at, piece));
    CHECK(finder.places() == std::vector<std::uint64_t>{11, 143});
  }
}

TEST_CASE("a damaged collection counts when something refers to it") {
  std::string file = std::string(16, '\0') + collection();
  file[16 + 48] = 0;
  const auto read_at = [&](std::uint64_t place, std::size_t size, std::string& bytes) {
    bytes = place < file.size() ? file.substr(place, size) : std::string();
  };
  const std::vector<std::uint64_t> places{16};
  CHECK(io::damaged_heap(places, file.size(), 0, 8, read_at) == std::nullopt);
  file += "x" + little_endian(16, 8);
  CHECK(io::damaged_heap(places, file.size(), 0, 8, read_at) == 16U);
  CHECK(io::damaged_heap(places, file.size(), 8, 8, read_at) == std::nullopt);  // addresses count from elsewhere
}

TEST_CASE("a heap that would keep libhdf5 busy for ever is malformed input") {
  test::TemporaryFolder folder;
  io::AnnData data;
  data.obs.index = {"a", "b"};
  data.var.index = {"g"};
  data.x = io::CsrMatrix{2, 1, {0, 1, 1}, {0}, {1}};
  const auto path = folder.path() / "a.h5ad";
  io::write_anndata(path, data);
  std::ifstream in(path, std::ios::binary);
  std::string file(std::istreambuf_iterator<char>(in), {});
  CHECK_NOTHROW(io::read_anndata(io::Hdf5Reader(file, "a.h5ad")));

  const std::size_t heap = file.find("GCOL");
  REQUIRE(heap != std::string::npos);
  std::size_t entry = heap + 16;
  while (file[entry] != 0 || file[entry + 1] != 0) {
    const std::size_t length =
        static_cast<unsigned char>(file[entry + 8]) + 256U * static_cast<unsigned char>(file[entry + 9]);
    entry += 16 + (length + 7) / 8 * 8;
  }
  file.replace(entry + 8, 8, 8, '\0');
  const auto refused = Catch::Matchers::Predicate<core::Error>(
      [&](const core::Error& error) {
        return error.status() == core::Status::kBadInput &&
               std::string(error.what()).find("a.h5ad: byte " + std::to_string(heap)) != std::string::npos;
      },
      "names the file and the place");
  CHECK_THROWS_MATCHES(io::Hdf5Reader(file, "a.h5ad"), core::Error, refused);
  folder.write("a.h5ad", file);
  core::RunContext context("test", "0", "test");
  CHECK_THROWS_MATCHES(io::read_anndata(folder.path() / "a.h5ad", context), core::Error, refused);
}
