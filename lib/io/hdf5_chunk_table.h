#pragma once
// Inside the room: where the chunks of a data set lie, for the indexes that format bounds of 1.10 and later write (HDF5
// File Format Specification 3.0, IV.A.2.i, VII; layout message version 4, and 5 of HDF5 2.0): one chunk, implicit,
// fixed array, extensible array, B-tree of version 2. They are followed here and never by libhdf5: 1.10 does not know
// version 5, and every address, checksum and size is held against the file before a chunk is read.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5_messages.h"
#include "io/hdf5_metadata.h"

namespace immucan::io::detail {

struct LocatedChunk {
  std::uint64_t place = 0;    ///< byte of the file
  std::uint64_t bytes = 0;    ///< as stored; 0: never written
  std::uint32_t skipped = 0;  ///< filters not applied, a bit each
};

class ChunkTable {
 public:
  /// What is wrong with the index is the error.
  [[nodiscard]] static std::expected<ChunkTable, std::string> read(const Hdf5Superblock& file, const ReadAt& read_at,
                                                                   const ChunkIndex& index);

  /// The chunk that begins at these values; nullptr when none does.
  [[nodiscard]] const LocatedChunk* find(std::span<const std::uint64_t> offset) const;
  [[nodiscard]] std::uint64_t stored_bytes() const;

 private:
  class IndexReader;
  bool fill(const IndexReader& reader, const ChunkIndex& index, std::uint64_t most_entries);
  /// Chunks that reach over the end of a dimension are not filtered when the layout says so.
  void leave_edges_plain(const ChunkIndex& index);

  std::vector<std::uint64_t> chunk_, grid_;  ///< values of a chunk, chunks of the data set, along each dimension
  std::vector<LocatedChunk> chunks_;         ///< row-major
};

}  // namespace immucan::io::detail
