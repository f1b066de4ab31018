#pragma once
// Inside the room: a look at the object headers of an HDF5 file before libhdf5 decodes them (HDF5 File Format
// Specification 3.0, III.A–C, IV.A). libhdf5 1.10 does not hold the lengths in the messages of a version 1 header, nor
// the names of an old group, against the bytes that are there, and reads on behind them. Version 2 headers carry
// checksums, which are verified here; they are searched for the chunks they lead to and for what libhdf5 1.10 does not
// know (types and layouts of HDF5 1.12 to 2.0), of which it is shown the older form.
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "io/hdf5_heaps.h"
#include "io/hdf5_messages.h"

namespace immucan::io {

/// What a superblock says, and the extension of a newer one.
struct Hdf5Superblock {
  HeapReader::File file;
  std::uint64_t root = 0;                                             ///< address of the root group's header
  unsigned leaf_entries = 8, inner_entries = 32, chunk_entries = 64;  ///< most entries of a node of each tree
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

/// From now on libhdf5 sees these bytes at this place of the file.
using ShowInstead = std::function<void(std::uint64_t place, const std::string& bytes)>;

class ObjectHeaders {
 public:
  ObjectHeaders(Hdf5Superblock superblock, ReadAt read_at, ShowInstead show)
      : file_(superblock), read_at_(std::move(read_at)), show_(std::move(show)) {}

  /// What is wrong with the header at the address (or with the group it describes); each address is looked at once.
  [[nodiscard]] std::expected<void, std::string> check(std::uint64_t address);
  [[nodiscard]] std::uint64_t root() const { return file_.root; }
  /// How the data set whose (checked) header is at the address is cut, when in a way that libhdf5 does not follow;
  /// nullptr for all others.
  [[nodiscard]] const detail::ChunkIndex* new_chunk_index(std::uint64_t address) const;
  [[nodiscard]] const Hdf5Superblock& superblock() const { return file_; }
  [[nodiscard]] const ReadAt& read_at() const { return read_at_; }

 private:
  Hdf5Superblock file_;
  ReadAt read_at_;
  ShowInstead show_;
  std::unordered_map<std::uint64_t, detail::ChunkIndex> new_chunks_;
  std::unordered_set<std::uint64_t> sound_;
};

}  // namespace immucan::io
