#pragma once
// Inside the room: deflate for lines of numbers that resemble the line before, such as the entries of a sparse matrix.
// Repeats are only looked for where the line before has its newline or its first blank, so that nothing need be
// searched: two to three times the speed of libdeflate's level 1 on such text, and no larger. Any inflater reads it
// (RFC 1951).
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace immucan::io::detail {

class LineDeflate {
 public:
  /// Bytes written to `out`, one final block with its own codes; 0 when they would be more than `capacity`. `text`: at
  /// most 65,535 bytes.
  std::size_t compress(std::string_view text, char* out, std::size_t capacity);

 private:
  static constexpr std::size_t kLiterals = 286, kDistances = 30;
  void find_repeats(std::string_view text);
  [[nodiscard]] std::uint64_t extra_bits() const;

  std::vector<std::uint32_t> tokens_;  ///< a byte, or length << 16 | distance; as many as were ever needed
  std::size_t token_count_ = 0;
  std::array<std::uint32_t, kLiterals> literal_counts_{};
  std::array<std::uint32_t, kDistances> distance_counts_{};
};

}  // namespace immucan::io::detail
