#pragma once
// Inside the room: a look at the object headers of an HDF5 file before libhdf5 decodes them (HDF5 File Format
// Specification 3.0, III.A–C, IV.A). libhdf5 1.10 does not hold the lengths in the messages of a version 1 header, nor
// the names of an old group, against the bytes that are there, and reads on behind them. Version 2 headers carry
// checksums and are left to the library, except for the trees of chunks they lead to.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <unordered_set>

#include "io/hdf5_heaps.h"

namespace immucan::io {

/// What a version 0 or 1 superblock says; newer ones have checksums too.
struct Hdf5Superblock {
  HeapReader::File file;
  std::uint64_t root = 0;                                             ///< address of the root group's header
  unsigned leaf_entries = 8, inner_entries = 32, chunk_entries = 64;  ///< most entries of a node of each tree
  bool other_entries = false;  ///< newer superblocks: the entries may be said in an extension, which is not read
};

/// nullopt-like: an error text where there is no superblock that could be read.
[[nodiscard]] std::expected<Hdf5Superblock, std::string> read_superblock(std::uint64_t file_size,
                                                                         const ReadAt& read_at);

/// What stands where there is no address.
[[nodiscard]] constexpr std::uint64_t no_address(const HeapReader::File& file) {
  return file.address_bytes == 8 ? ~std::uint64_t{0} : 0xffffffff;
}

/// A piece of the file by its address, whole or not at all.
[[nodiscard]] std::optional<std::string> read_piece(const ReadAt& read_at, const HeapReader::File& file,
                                                    std::uint64_t address, std::uint64_t size);

class ObjectHeaders {
 public:
  ObjectHeaders(Hdf5Superblock superblock, ReadAt read_at) : file_(superblock), read_at_(std::move(read_at)) {}

  /// What is wrong with the header at the address (or with the group it describes); each address is looked at once.
  [[nodiscard]] std::expected<void, std::string> check(std::uint64_t address);
  [[nodiscard]] std::uint64_t root() const { return file_.root; }

 private:
  Hdf5Superblock file_;
  ReadAt read_at_;
  std::unordered_set<std::uint64_t> sound_;
};

}  // namespace immucan::io
