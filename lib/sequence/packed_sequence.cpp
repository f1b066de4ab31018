#include "sequence/packed_sequence.h"

#include <algorithm>
#include <array>

#include "sequence/base_packing.h"

namespace immucan::sequence {

void PackedSequence::append_code(std::uint8_t code) {
  words_[size_ / kBasesPerWord] |= std::uint64_t{code} << (size_ % kBasesPerWord * 2);
  if (++size_ % kBasesPerWord == 0) words_.push_back(0);
}

void PackedSequence::append(std::span<const std::uint64_t> words, std::uint64_t count) {
  std::size_t at = size_ / kBasesPerWord;
  const unsigned shift = static_cast<unsigned>(size_ % kBasesPerWord) * 2;
  size_ += count;
  words_.resize(size_ / kBasesPerWord + 2);
  for (std::size_t i = 0; i < words_for(count); ++i, ++at) {
    words_[at] |= words[i] << shift;
    // Two shifts, because shifting by 64 is undefined.
    if (at + 1 < words_.size()) words_[at + 1] |= (words[i] >> 1) >> (63 - shift);
  }
}

void PackedSequence::append(std::string_view bases) {
  constexpr std::size_t kAtOnce = 512;
  std::array<std::uint64_t, words_for(kAtOnce)> words, unknown;
  for (std::size_t begin = 0; begin < bases.size(); begin += kAtOnce) {
    const std::string_view some = bases.substr(begin, kAtOnce);
    pack_bases(some, words.data(), unknown.data());
    append(std::span(words), some.size());
  }
}

void PackedSequence::append(const PackedSequence& other, std::uint64_t begin, std::uint64_t count) {
  for (std::uint64_t done = 0; done < count; done += kBasesPerWord) {
    const std::uint64_t some = std::min<std::uint64_t>(kBasesPerWord, count - done);
    std::uint64_t word = load_bases(other.words_.data(), begin + done);
    if (some < kBasesPerWord) word &= (std::uint64_t{1} << (2 * some)) - 1;
    append(std::span(&word, 1), some);
  }
}

}  // namespace immucan::sequence
