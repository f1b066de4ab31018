#pragma once
// Canonical k-mers in two bits per base (A 0, C 1, G 2, T 3) and their hash. Header-only: these are inner loops.
#include <array>
#include <cstdint>
#include <string_view>

namespace immucan::sequence {

inline constexpr unsigned kMaxKmerLength = 31;

namespace detail {
constexpr std::array<std::uint8_t, 256> make_base_codes() {
  std::array<std::uint8_t, 256> codes{};
  for (auto& code : codes) code = 4;
  codes['A'] = codes['a'] = 0;
  codes['C'] = codes['c'] = 1;
  codes['G'] = codes['g'] = 2;
  codes['T'] = codes['t'] = codes['U'] = codes['u'] = 3;
  return codes;
}
}  // namespace detail

/// 0..3 for ACGT (either case, U as T), 4 for everything else, which breaks k-mers.
inline constexpr std::array<std::uint8_t, 256> kBaseCodes = detail::make_base_codes();

/// A bijection of 64-bit words: variant 13 of Stafford's mixers, as used by SplitMix64.
[[nodiscard]] constexpr std::uint64_t hash_kmer(std::uint64_t kmer) {
  kmer ^= kmer >> 30;
  kmer *= 0xbf58476d1ce4e5b9ULL;
  kmer ^= kmer >> 27;
  kmer *= 0x94d049bb133111ebULL;
  return kmer ^ (kmer >> 31);
}

/// Calls visit(canonical, end) for every k-mer of `sequence` without an ambiguous base, from left to right: `canonical`
/// is the smaller of the packed k-mer and its packed reverse complement, `end` the 0-based position of its last base.
/// 1 ≤ k ≤ 31.
template <class Visit>
inline void for_each_canonical_kmer(std::string_view sequence, unsigned k, Visit&& visit) {
  const std::uint64_t mask = (std::uint64_t{1} << (2 * k)) - 1;
  const unsigned top = 2 * (k - 1);
  std::uint64_t forward = 0, reverse = 0;
  unsigned length = 0;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const std::uint64_t code = kBaseCodes[static_cast<unsigned char>(sequence[i])];
    if (code > 3) [[unlikely]] {
      length = 0;
      continue;
    }
    forward = ((forward << 2) | code) & mask;
    reverse = (reverse >> 2) | ((code ^ 3) << top);
    if (++length >= k) visit(forward < reverse ? forward : reverse, i);
  }
}

}  // namespace immucan::sequence
