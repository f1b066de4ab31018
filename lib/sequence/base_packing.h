#pragma once
// Reads as 2-bit words: the first step of every inner loop over bases, sixteen of them at a time.
#include <cstdint>
#include <string_view>

namespace immucan::sequence {

/// Writes words_for(bases.size()) words of 2-bit bases, and of those that are not ACGTU in either case (the lower bit
/// of the pair set; the base itself is then 0). True when any is.
bool pack_bases(std::string_view bases, std::uint64_t* words, std::uint64_t* unknown);

/// The same base by base: what the other is held against.
bool pack_bases_plainly(std::string_view bases, std::uint64_t* words, std::uint64_t* unknown);

}  // namespace immucan::sequence
