#include "io/hdf5_metadata.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "io/anndata.h"
#include "io/biom.h"
#include "io/hdf5_chunk_index.h"
#include "io/hdf5_messages.h"
#include "io_helpers.h"

using namespace immucan;
using test::little_endian;

namespace {

constexpr unsigned kSpace = 1, kDatatype = 3, kFill = 5, kLayout = 8, kAttribute = 12;

bool sound(unsigned type, const std::string& message) {
  return io::detail::MessageChecker(8, 8).check(type, 0, message);
}

std::string number_type(unsigned size = 4, unsigned precision = 32) {
  return "\x10" + std::string(3, '\0') + little_endian(size, 4) + little_endian(0, 2) + little_endian(precision, 2);
}

std::string text_type() {  // of variable length
  return "\x19\x01" + std::string(2, '\0') + little_endian(16, 4) + number_type(1, 8);
}

std::string space(std::uint64_t elements) {
  return std::string("\x01\x01\0\0\0\0\0\0", 8) + little_endian(elements, 8);
}

std::string attribute(const std::string& type, const std::string& dimensions, std::size_t bytes) {
  const auto padded = [](std::string part) {
    part.resize((part.size() + 7) / 8 * 8);
    return part;
  };
  const std::string name("name\0", 5);
  return std::string("\x01\0", 2) + little_endian(name.size(), 2) + little_endian(type.size(), 2) +
         little_endian(dimensions.size(), 2) + padded(name) + padded(type) + padded(dimensions) +
         std::string(bytes, 'x');
}

}  // namespace

TEST_CASE("messages of an object header must hold what they say") {
  CHECK(sound(kDatatype, number_type()));
  CHECK(sound(kDatatype, number_type() + "behind"));
  CHECK_FALSE(sound(kDatatype, number_type(4, 33)));
  CHECK_FALSE(sound(kDatatype, number_type(0, 0)));
  CHECK(sound(kDatatype, text_type()));
  CHECK(sound(kSpace, space(3)));
  const std::string list = attribute(text_type(), space(2), 32);
  CHECK(sound(kAttribute, list));
  CHECK_FALSE(sound(kAttribute, attribute(text_type(), space(3), 32)));  // libhdf5 reads on behind the message
  for (std::size_t size = 0; size < list.size(); ++size) {
    INFO(size);
    CHECK_FALSE(sound(kAttribute, list.substr(0, size)));
  }
  std::string unnamed = list;
  unnamed.replace(8, 8, 8, 'x');
  CHECK_FALSE(sound(kAttribute, unnamed));

  // An enumeration is as wide as its base.
  const auto boolean = [](unsigned size) {
    return "\x18\x02" + std::string(2, '\0') + little_endian(size, 4) + number_type(1, 8) +
           std::string("FALSE\0\0\0TRUE\0\0\0\0\0\1", 18);
  };
  CHECK(sound(kDatatype, boolean(1)));
  CHECK_FALSE(sound(kDatatype, boolean(20)));
}

TEST_CASE("space, type and layout of a data set belong together") {
  const auto together = [](unsigned element, std::uint64_t elements) {
    io::detail::MessageChecker checker(8, 8);
    const std::string chunks =
        std::string("\x03\x02\x02", 3) + little_endian(64, 8) + little_endian(100, 4) + little_endian(element, 4);
    REQUIRE(checker.check(kSpace, 0, space(elements)));
    REQUIRE(checker.check(kDatatype, 0, number_type()));
    REQUIRE(checker.check(kLayout, 0, chunks));
    return checker.fits_together();
  };
  CHECK(together(4, 1000));
  CHECK_FALSE(together(8, 1000));
  CHECK_FALSE(sound(kLayout, std::string("\x03\x02\x02", 3) + little_endian(64, 8)));
}

TEST_CASE("layouts that libhdf5 would read past are refused") {
  const auto chunks = [](std::uint64_t first, std::uint64_t second) {
    return std::string("\x03\x02\x03", 3) + little_endian(64, 8) + little_endian(first, 4) + little_endian(second, 4) +
           little_endian(4, 4);
  };
  CHECK(sound(kLayout, chunks(100, 100)));
  CHECK_FALSE(sound(kLayout, chunks(0, 100)));
  CHECK_FALSE(sound(kLayout, chunks(1U << 16U, 1U << 16U)));  // 0 in the 32 bits of the library

  const auto together = [](std::uint64_t bytes, unsigned fill) {
    io::detail::MessageChecker checker(8, 8);
    REQUIRE(checker.check(kSpace, 0, space(10)));
    REQUIRE(checker.check(kDatatype, 0, number_type()));
    REQUIRE(checker.check(kLayout, 0, "\x03\x01" + little_endian(64, 8) + little_endian(bytes, 8)));
    REQUIRE(
        checker.check(kFill, 0, std::string("\x02\x02\x02\x01", 4) + little_endian(fill, 4) + std::string(fill, 'x')));
    return checker.fits_together();
  };
  CHECK(together(40, 4));
  CHECK(together(40, 0));
  CHECK_FALSE(together(39, 4));
  CHECK_FALSE(together(40, 1));

  io::detail::MessageChecker elsewhere(8, 8);
  CHECK_FALSE(elsewhere.check(kDatatype, 2, std::string("\x03\x02", 2) + little_endian(64, 8)));
  CHECK(elsewhere.lies_elsewhere());
}

namespace {

/// A file of one tree, with nodes of two entries of chunks of 10 × 4 bytes.
class TreeFile {
 public:
  std::uint64_t node(unsigned level, unsigned used, std::uint64_t child, std::uint64_t stored = 40,
                     std::uint64_t place = 10) {
    const std::uint64_t address = bytes_.size();
    std::string node = "TREE\x01" + little_endian(level, 1) + little_endian(used, 2) + std::string(16, '\xff');
    for (unsigned i = 0; i < used; ++i) {
      node += little_endian(stored, 4) + little_endian(0, 4) + little_endian(i * place, 8) + little_endian(0, 8) +
              little_endian(child, 8);
    }
    node.resize(kNode);
    bytes_ += node;
    return address;
  }

  [[nodiscard]] bool sound(std::uint64_t root, bool filtered = false) const {
    io::Hdf5Superblock file{.chunk_entries = 2};
    file.file.size = bytes_.size();
    const io::ReadAt read = [this](std::uint64_t place, std::size_t size, std::string& out) {
      out = bytes_.substr(std::min<std::uint64_t>(place, bytes_.size()), size);
    };
    return io::detail::check_chunk_index(file, read, {.root = root, .dimensions = {10, 4}, .filtered = filtered})
        .has_value();
  }

 private:
  static constexpr std::size_t kNode = 24 + 2 * 32 + 24;
  std::string bytes_ = std::string(64, '\0');  // where the chunks lie
};

}  // namespace

TEST_CASE("trees of chunks are held against their nodes, their levels and the file") {
  TreeFile file;
  const auto leaf = file.node(0, 2, 0);
  CHECK(file.sound(leaf));
  CHECK(file.sound(~std::uint64_t{0}));  // nothing written
  CHECK(file.sound(file.node(1, 2, leaf)));
  CHECK_FALSE(file.sound(file.node(2, 1, leaf)));                // a level is left out
  CHECK_FALSE(file.sound(file.node(0, 3, 0)));                   // more than a node has room for
  CHECK_FALSE(file.sound(file.node(0, 1, 0, 39)));               // the library would take the chunk for 40 bytes
  CHECK(file.sound(file.node(0, 1, 0, 39), true));               // compressed it may be of any size
  CHECK_FALSE(file.sound(file.node(0, 1, 0, 1U << 20U), true));  // but not behind the end
  CHECK_FALSE(file.sound(file.node(0, 2, 0, 40, 7)));            // no multiple of the chunk
  CHECK_FALSE(file.sound(8));
  CHECK_FALSE(file.sound(1 << 20));
  auto top = file.node(1, 2, leaf);
  for (unsigned level = 2; level < 40; ++level) top = file.node(level, 2, top);
  CHECK_FALSE(file.sound(top));  // 2^39 ways through 40 nodes
}

TEST_CASE("chunks of another size than their values are refused") {
  // One byte each; libhdf5 read or wrote behind its buffers.
  const std::filesystem::path corpus = std::filesystem::path(IMMUCAN_SOURCE_DIR) / "tests" / "fuzz" / "io" / "corpus";
  const auto biom = [&](const char* name) {
    return io::read_biom(io::Hdf5Reader(test::read_file(corpus / "biom" / name), "x"));
  };
  CHECK_THROWS_WITH(biom("short_chunk.biom"), Catch::Matchers::Contains("taxonomy: holds a damaged chunk"));
  CHECK_THROWS_WITH(biom("chunk_size.biom"), Catch::Matchers::Contains("has a damaged index of chunks"));
  const std::string file = test::read_file(corpus / "h5ad" / "chunk_size.h5ad");
  CHECK_THROWS_WITH(io::read_anndata(io::Hdf5Reader(file, "x")), Catch::Matchers::Contains("has a damaged index of"));
}

TEST_CASE("any damaged byte of a file by h5py is refused or without effect") {
  const std::filesystem::path corpus =
      std::filesystem::path(IMMUCAN_SOURCE_DIR) / "tests" / "fuzz" / "io" / "corpus" / "h5ad";
  const std::string whole = test::read_file(corpus / "by_anndata.h5ad");
  REQUIRE(io::read_anndata(io::Hdf5Reader(whole, "by_anndata.h5ad")).obs.index.size() == 3);
  std::size_t refused = 0;
  constexpr std::size_t kStep = 41;
  for (std::size_t at = 0; at < whole.size(); at += kStep) {
    std::string file = whole;
    file[at] = static_cast<char>(file[at] == '\xff' ? 0 : 0xff);
    try {
      (void)io::read_anndata(io::Hdf5Reader(file, "damaged"));
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      ++refused;
    }
  }
  CHECK(refused > 50);
}
