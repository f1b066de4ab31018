#include "microbiome/composition.h"

namespace immucan::microbiome {

namespace {

constexpr unsigned kLetters = 4;

constexpr unsigned reverse_complement(unsigned word) {
  unsigned result = 0;
  for (unsigned i = 0; i < kLetters; ++i) result |= (3 - ((word >> (2 * i)) & 3)) << (2 * (kLetters - 1 - i));
  return result;
}

/// Number of the word or of its reverse complement, whichever is smaller, among all such words.
constexpr std::array<std::uint8_t, 256> make_numbers() {
  std::array<std::uint8_t, 256> numbers{};
  std::uint8_t next = 0;
  for (unsigned word = 0; word < 256; ++word)
    if (word <= reverse_complement(word)) numbers[word] = numbers[reverse_complement(word)] = next++;
  return numbers;
}
constexpr std::array<std::uint8_t, 256> kNumbers = make_numbers();
static_assert(kNumbers[255] == 0 && kNumbers[0b11100100] < kTetranucleotides);

}  // namespace

void count_words(std::string_view sequence, WordCounts& counts) {
  unsigned word = 0, length = 0;
  for (const char base : sequence) {
    const unsigned code = sequence::base_code(base);
    if (code > 3) {
      length = 0;
      continue;
    }
    word = ((word << 2) | code) & 255;
    if (++length >= kLetters) ++counts[word];
  }
}

void count_words(const sequence::PackedSequence& text, std::uint64_t begin, std::uint64_t length, WordCounts& counts) {
  unsigned word = 0;
  for (std::uint64_t i = 0; i < length; ++i) {
    word = ((word << 2) | text.at(begin + i)) & 255;
    if (i + 1 >= kLetters) ++counts[word];
  }
}

Composition composition_of(const WordCounts& counts) {
  Composition composition{};
  double total = 0;
  for (std::size_t word = 0; word < counts.size(); ++word) {
    composition[kNumbers[word]] += static_cast<float>(counts[word]);
    total += counts[word];
  }
  for (float& share : composition)
    share = total > 0 ? static_cast<float>(share / total) : 1.0F / static_cast<float>(kTetranucleotides);
  return composition;
}

}  // namespace immucan::microbiome
