#include "io/hdf5_heaps.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "io/anndata.h"
#include "io/hdf5.h"
#include "io_helpers.h"
#include "libhdf5_losses.h"

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
  const auto entries = io::heap_entries(good, 8);
  REQUIRE(entries);
  REQUIRE(entries->by_index.size() == 2);
  CHECK(entries->by_index[1].place == 32);
  CHECK(entries->by_index[1].length == 5);
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(io::heap_entries(good.substr(0, size), 8));
  std::string endless = good;
  endless[48] = 0;  // the free entry's size
  CHECK_FALSE(io::heap_entries(endless, 8));
  std::string over = good;
  over[24] = 120;  // the string's length
  CHECK_FALSE(io::heap_entries(over, 8));
  over[31] = '\x7f';
  CHECK_FALSE(io::heap_entries(over, 8));
  std::string other = good;
  other[4] = 2;
  CHECK_FALSE(io::heap_entries(other, 8));
}

TEST_CASE("references are followed within the file only") {
  const std::string file = std::string(16, '\0') + collection();
  io::HeapReader heaps({.size = file.size(), .base = 8},
                       [&](std::uint64_t place, std::size_t size, std::string& bytes) {
                         bytes = place < file.size() ? file.substr(place, size) : std::string();
                       });
  REQUIRE(heaps.reference_bytes() == 16);
  const auto text = [&](std::uint64_t length, std::uint64_t address, std::uint64_t index) {
    return heaps.text(little_endian(length, 4) + little_endian(address, 8) + little_endian(index, 4));
  };
  CHECK(text(5, 8, 1) == "hello");
  CHECK(text(4, 8, 1) == "hell");
  CHECK(text(0, 8, 1) == "");
  CHECK(text(5, 0, 1) == "");  // never written
  CHECK_FALSE(text(6, 8, 1));
  CHECK_FALSE(text(5, 8, 0));
  CHECK_FALSE(text(5, 8, 2));
  CHECK_FALSE(text(5, 8, 0xffffffff));
  CHECK_FALSE(text(5, 7, 1));
  CHECK_FALSE(text(5, file.size() - 8, 1));
  CHECK_FALSE(text(5, ~std::uint64_t{0}, 1));
}

TEST_CASE("damaged heaps and references are malformed input") {
  test::TemporaryFolder folder;
  io::AnnData data;
  data.obs.index = {"a", "b"};
  data.var.index = {"g"};
  data.x = io::CsrMatrix{2, 1, {0, 1, 1}, {0}, {1}};
  const auto path = folder.path() / "a.h5ad";
  io::write_anndata(path, data);
  std::ifstream in(path, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  CHECK_NOTHROW(io::read_anndata(io::Hdf5Reader(whole, "a.h5ad")));
  const std::size_t heap = whole.find("GCOL");
  REQUIRE(heap != std::string::npos);

  const auto check = [&](const std::string& file, const std::string& part) {
    const auto refused = Catch::Matchers::Predicate<core::Error>(
        [&](const core::Error& error) {
          const std::string what = error.what();
          return error.status() == core::Status::kBadInput && what.find("a.h5ad") != std::string::npos &&
                 what.find(part) != std::string::npos;
        },
        "names the file and " + part);
    CHECK_THROWS_MATCHES(io::read_anndata(io::Hdf5Reader(file, "a.h5ad")), core::Error, refused);
    folder.write("a.h5ad", file);
    core::RunContext context("test", "0", "test");
    CHECK_THROWS_MATCHES(io::read_anndata(path, context), core::Error, refused);
  };

  SECTION("a free entry of size 0 kept libhdf5 busy for ever") {
    std::string file = whole;
    std::size_t entry = heap + 16;
    while (file[entry] != 0 || file[entry + 1] != 0) {
      const std::size_t length =
          static_cast<unsigned char>(file[entry + 8]) + 256U * static_cast<unsigned char>(file[entry + 9]);
      entry += 16 + (length + 7) / 8 * 8;
    }
    file.replace(entry + 8, 8, 8, '\0');
    check(file, "heap of texts at byte " + std::to_string(heap));
  }
  SECTION("an entry that the heap does not have crashed libhdf5; so did a text shorter than its entry") {
    // Every reference to the heap: length, address, index.
    std::size_t references = 0;
    const std::string address = little_endian(heap, 8);
    for (std::size_t at = whole.find(address, 4); at != std::string::npos; at = whole.find(address, at + 1)) {
      std::string file = whole;
      file.replace(at + 8, 4, little_endian(60000, 4));
      const bool is_followed = [&] {  // the same bytes may be something else, or an attribute that nobody asks for
        try {
          (void)io::read_anndata(io::Hdf5Reader(file, "a.h5ad"));
          return false;
        } catch (const core::Error& error) {
          return std::string_view(error.what()).find("no such entry") != std::string_view::npos;
        }
      }();
      if (!is_followed) continue;
      ++references;
      check(file, "entry 60000 of the heap");
      file = whole;
      file.replace(at - 4, 4, little_endian(1000, 4));
      check(file, "a text of 1000 bytes");
    }
    CHECK(references >= 3);
  }
}
