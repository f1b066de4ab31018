#pragma once
// Inside the room: damage of an HDF5 file that libhdf5 does not see. A global heap collection (where strings of
// variable length lie) with a free entry of size 0 makes libhdf5 1.10 go round for ever; an entry longer than the
// collection is read past its end.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace immucan::io {

/// Finds what looks like the beginning of a collection in a file that passes by in pieces.
class HeapFinder {
 public:
  void update(std::string_view bytes);
  [[nodiscard]] const std::vector<std::uint64_t>& places() const { return places_; }

 private:
  std::vector<std::uint64_t> places_;
  std::string tail_;  ///< end of the last piece, where a signature may begin
  std::uint64_t passed_ = 0;
};

/// Whether the entries of a collection fill it as they should. `bytes`: from its signature on, at least as long as it
/// says (shorter is a fault); `length_bytes`: the file's size of lengths, 4 or 8.
[[nodiscard]] bool heap_is_sound(std::string_view bytes, std::size_t length_bytes);

/// Reads up to `size` bytes at `place` into `bytes`, fewer at the end of the file.
using ReadAt = std::function<void(std::uint64_t place, std::size_t size, std::string& bytes)>;

/// The place of a collection that is damaged and that something in the file refers to; what lies in freed space is left
/// alone. `base`: where the file's addresses count from (the size of its user block).
[[nodiscard]] std::optional<std::uint64_t> damaged_heap(std::span<const std::uint64_t> places, std::uint64_t file_size,
                                                        std::uint64_t base, std::size_t length_bytes,
                                                        const ReadAt& read_at);

}  // namespace immucan::io
