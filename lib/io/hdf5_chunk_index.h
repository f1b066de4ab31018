#pragma once
// Inside the room: the index of the chunks of a data set (HDF5 File Format Specification 3.0, III.A.1) before libhdf5
// follows it. The library takes the number of entries of a node for what the node has room for, the level of a node for
// the depth below it, and the size of a chunk that is not compressed for the size of its values. These trees have no
// checksums in any version of the format.
#include <expected>
#include <string>

#include "io/hdf5_messages.h"
#include "io/hdf5_metadata.h"

namespace immucan::io::detail {

/// What is wrong with the tree. Reads every node once.
[[nodiscard]] std::expected<void, std::string> check_chunk_index(const Hdf5Superblock& file, const ReadAt& read_at,
                                                                 const ChunkIndex& index);

}  // namespace immucan::io::detail
