#pragma once
// Tetranucleotide composition: what share of the four-letter words of a sequence is which, both strands taken together.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sequence/packed_sequence.h"

namespace immucan::microbiome {

/// A word and its reverse complement count as one: 120 pairs and 16 words that are their own.
inline constexpr std::size_t kTetranucleotides = 136;

/// How often each word was seen, by its two-bit code (the first base in the highest bits).
using WordCounts = std::array<std::uint32_t, 256>;
using Composition = std::array<float, kTetranucleotides>;  ///< shares, Σ = 1

/// Words without an ambiguous base.
void count_words(std::string_view sequence, WordCounts& counts);
void count_words(const sequence::PackedSequence& text, std::uint64_t begin, std::uint64_t length, WordCounts& counts);

/// Even shares where nothing was counted.
[[nodiscard]] Composition composition_of(const WordCounts& counts);

}  // namespace immucan::microbiome
