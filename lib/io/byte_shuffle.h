#pragma once
// The shuffle filter of HDF5: byte k of every element together. Kept apart so that the fast form has its plain oracle.
#include <cstddef>

namespace immucan::io::detail {

/// `elements` × `size` bytes from rows to planes; `out` has as many bytes as `in`.
void shuffle_bytes(const char* in, std::size_t elements, std::size_t size, char* out);

/// The first `count` elements back out of planes that are `stride` bytes long each.
void unshuffle_bytes(const char* planes, std::size_t stride, std::size_t size, std::size_t count, char* out);

/// The same, element by element: what the fast one is tested against.
void unshuffle_bytes_plain(const char* planes, std::size_t stride, std::size_t size, std::size_t count, char* out);

}  // namespace immucan::io::detail
