#include "io/hdf5_metadata.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "io/anndata.h"
#include "io/hdf5_messages.h"
#include "io_helpers.h"

using namespace immucan;
using test::little_endian;

namespace {

constexpr unsigned kSpace = 1, kDatatype = 3, kLayout = 8, kAttribute = 12;

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

std::string file_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
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

TEST_CASE("any damaged byte of a file by h5py is refused or without effect") {
  const std::filesystem::path corpus =
      std::filesystem::path(IMMUCAN_SOURCE_DIR) / "tests" / "fuzz" / "io" / "corpus" / "h5ad";
  const std::string whole = file_of(corpus / "by_anndata.h5ad");
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
