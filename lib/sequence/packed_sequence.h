#pragma once
// 2-bit sequences: A 0, C 1, G 2, T 3, base i in bits 2(i mod 32) of word i / 32. Whatever is not ACGT is stored as A;
// who must tell it apart keeps the places (seeds are never taken across them).
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sequence/kmer.h"

namespace immucan::sequence {

/// 0..3, or 4 for anything but a base.
[[nodiscard]] constexpr std::uint8_t base_code(char base) {
  return kBaseCodes[static_cast<unsigned char>(base)];
}

inline constexpr std::size_t kBasesPerWord = 32;
[[nodiscard]] constexpr std::size_t words_for(std::size_t bases) {
  return (bases + kBasesPerWord - 1) / kBasesPerWord;
}

/// 32 bases beginning at `position`; the text must be padded by one word.
[[nodiscard]] inline std::uint64_t load_bases(const std::uint64_t* text, std::uint64_t position) {
  const std::uint64_t word = position / kBasesPerWord;
  const unsigned shift = static_cast<unsigned>(position % kBasesPerWord) * 2;
  // Two shifts, because shifting by 64 is undefined.
  return (text[word] >> shift) | ((text[word + 1] << 1) << (63 - shift));
}

/// One set bit, the lower of the pair, for every base that differs.
[[nodiscard]] inline std::uint64_t differing_bases(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t difference = a ^ b;
  return (difference | (difference >> 1)) & 0x5555555555555555ULL;
}

/// Reverse complement of the 32 bases of a word.
[[nodiscard]] constexpr std::uint64_t reverse_complement(std::uint64_t word) {
  word = ~word;
  word = ((word >> 2) & 0x3333333333333333ULL) | ((word & 0x3333333333333333ULL) << 2);
  word = ((word >> 4) & 0x0f0f0f0f0f0f0f0fULL) | ((word & 0x0f0f0f0f0f0f0f0fULL) << 4);
  word = ((word >> 8) & 0x00ff00ff00ff00ffULL) | ((word & 0x00ff00ff00ff00ffULL) << 8);
  word = ((word >> 16) & 0x0000ffff0000ffffULL) | ((word & 0x0000ffff0000ffffULL) << 16);
  return (word >> 32) | (word << 32);
}

/// An owned, growing 2-bit text, always padded by one word.
class PackedSequence {
 public:
  void append(std::string_view bases);
  /// `count` bases of `words`, the first in the lowest bits; what lies above them in the last word is 0.
  void append(std::span<const std::uint64_t> words, std::uint64_t count);
  void append_code(std::uint8_t code);
  /// `count` bases of another packed text.
  void append(const PackedSequence& other, std::uint64_t begin, std::uint64_t count);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint8_t at(std::uint64_t position) const {
    return static_cast<std::uint8_t>((words_[position / kBasesPerWord] >> (position % kBasesPerWord * 2)) & 3);
  }
  /// Including the padding word.
  [[nodiscard]] std::span<const std::uint64_t> words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_{0, 0};
  std::uint64_t size_ = 0;
};

}  // namespace immucan::sequence
