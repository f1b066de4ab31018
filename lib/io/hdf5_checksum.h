#pragma once
// Inside the room: the two checksums of HDF5.
#include <cstdint>
#include <string_view>

namespace immucan::io::detail {

/// Of metadata: Bob Jenkins' lookup3 (burtleburtle.net/bob/c/lookup3.c, hashlittle, public domain), start value 0.
[[nodiscard]] std::uint32_t metadata_checksum(std::string_view bytes);

/// Of chunks: the filter Fletcher32, over big-endian pairs of bytes.
[[nodiscard]] std::uint32_t fletcher32(std::string_view bytes);

}  // namespace immucan::io::detail
