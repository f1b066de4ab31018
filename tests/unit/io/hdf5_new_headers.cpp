// Files with the newest format bounds (h5py, libver="latest", HDF5 2.0): headers of version 2 with checksums, types of
// version 5, chunks found through every newer index.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/anndata.h"
#include "io/hdf5.h"
#include "io/hdf5_checksum.h"
#include "io_helpers.h"
#include "libhdf5_losses.h"

using namespace immucan;

namespace {

std::string whole_file() {
  const auto path =
      std::filesystem::path(IMMUCAN_SOURCE_DIR) / "tests" / "fuzz" / "io" / "corpus" / "h5ad" / "latest_bounds.h5ad";
  return test::read_file(path);
}

/// Whether the file is refused, as it must be refused.
bool refused(const std::string& file) {
  try {
    (void)io::read_anndata(io::Hdf5Reader(file, "damaged"));
    return false;
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK(std::string_view(error.what()).starts_with("damaged: "));
    CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    return true;
  }
}

/// Structures that end with the checksum of their bytes before: where each begins, and where its checksum.
std::vector<std::pair<std::size_t, std::size_t>> sealed(const std::string& file) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (const std::string_view signature :
       {"OHDR", "OCHK", "FAHD", "FADB", "EAHD", "EAIB", "EADB", "BTHD", "BTLF", "BTIN", "FRHP", "FHDB"}) {
    for (std::size_t at = file.find(signature); at != std::string::npos; at = file.find(signature, at + 1)) {
      for (std::size_t end = at + 8; end + 4 <= std::min(file.size(), at + 4096); ++end) {
        const std::string_view body = std::string_view(file).substr(at, end - at);
        if (test::little_endian(io::detail::metadata_checksum(body), 4) != file.substr(end, 4)) continue;
        found.emplace_back(at, end);
        break;
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("checksums are those of the format") {
  CHECK(io::detail::metadata_checksum("") == 0xdeadbeef);
  CHECK(io::detail::metadata_checksum("Four score and seven years ago") == 0x17770551);  // of lookup3.c
  // The usual 0xf04fc729 and 0x56502d2a are of little-endian pairs.
  CHECK(io::detail::fletcher32("abcde") == 0x4ff029c7);
  CHECK(io::detail::fletcher32("abcdef") == 0x50562a2d);
}

TEST_CASE("every index of chunks of the newest bounds is read") {
  const io::Hdf5Reader in(whole_file(), "latest_bounds.h5ad");
  CHECK(io::read_anndata(in).obs.columns.size() == 1);
  CHECK(in.shape("/uns/tree") == std::vector<std::uint64_t>{3, 4});
  const auto sum = [&](const std::string& path) {
    std::int64_t total = 0;
    for (const std::int32_t value : in.array<std::int32_t>("/uns/" + path)) total += value;
    return total;
  };
  // As h5py reads them.
  CHECK(sum("single") == 40);
  CHECK(sum("implicit") == 35);
  CHECK(sum("fixed") == 37);
  CHECK(sum("ext") == 112);
  CHECK(sum("ext2") == 1668);
  CHECK(sum("tree") == 45);
  CHECK(sum("tree2") == 706);
}

TEST_CASE("any damaged byte of a file with the newest bounds is refused or without effect") {
  const std::string whole = whole_file();
  std::size_t count = 0;
  constexpr std::size_t kStep = 97;
  for (std::size_t at = 0; at < whole.size(); at += kStep) {
    std::string file = whole;
    file[at] = static_cast<char>(file[at] == '\xff' ? 0 : 0xff);
    count += refused(file) ? 1 : 0;
  }
  CHECK(count > 100);
}

TEST_CASE("damage under a checksum that fits is refused or without effect") {
  const std::string whole = whole_file();
  const auto structures = sealed(whole);
  CHECK(structures.size() > 60);
  std::size_t count = 0;
  constexpr std::size_t kStep = 9;
  for (const auto& [begin, end] : structures) {
    for (std::size_t at = begin + 4; at < end; at += kStep) {
      std::string file = whole;
      file[at] = at % 2 == 0 ? '\xff' : '\x01';
      const std::string_view body = std::string_view(file).substr(begin, end - begin);
      file.replace(end, 4, test::little_endian(io::detail::metadata_checksum(body), 4));
      INFO(at);
      count += refused(file) ? 1 : 0;
    }
  }
  CHECK(count > 150);
}

TEST_CASE("a cut file with the newest bounds is refused") {
  const std::string whole = whole_file();
  for (std::size_t size = 0; size < whole.size(); size += 997) CHECK(refused(whole.substr(0, size)));
}
