#include "sequence/base_packing.h"

#include <algorithm>
#include <cstring>

#include "sequence/packed_sequence.h"
#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

namespace immucan::sequence {

bool pack_bases_plainly(std::string_view bases, std::uint64_t* words, std::uint64_t* unknown) {
  std::uint64_t any = 0;
  for (std::size_t begin = 0; begin < bases.size(); begin += kBasesPerWord) {
    const std::size_t count = std::min(kBasesPerWord, bases.size() - begin);
    std::uint64_t packed = 0, bad = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t code = base_code(bases[begin + i]);
      packed |= (code & 3) << (2 * i);
      bad |= (code >> 2) << (2 * i);
    }
    *words++ = packed;
    *unknown++ = bad;
    any |= bad;
  }
  return any != 0;
}

#if defined(__SSSE3__)

namespace {

struct Sixteen {
  std::uint32_t packed, unknown;
};

/// Two bits of each of sixteen bytes, the first lowest.
std::uint32_t squeeze(__m128i values) {
  const __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(0x0401));  // a + 4 b
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00100001));  // and + 16 of the next pair
  const __m128i gathered =
      _mm_shuffle_epi8(fours, _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(gathered));
}

Sixteen pack_sixteen(const char* bases) {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bases));
  const __m128i upper = _mm_and_si128(text, _mm_set1_epi8(static_cast<char>(0xdf)));
  // Bits 1 and 2 of the letters are 0 of A, 1 of C, 3 of G, 2 of T and U: a Gray code of what is wanted.
  const __m128i gray = _mm_and_si128(_mm_srli_epi16(text, 1), _mm_set1_epi8(3));
  const __m128i code = _mm_xor_si128(gray, _mm_and_si128(_mm_srli_epi16(gray, 1), _mm_set1_epi8(1)));
  const __m128i letters = _mm_setr_epi8('A', 'C', 'G', 'T', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i known =
      _mm_or_si128(_mm_cmpeq_epi8(upper, _mm_shuffle_epi8(letters, code)), _mm_cmpeq_epi8(upper, _mm_set1_epi8('U')));
  const __m128i base = _mm_and_si128(code, known);
  const __m128i bad = _mm_andnot_si128(known, _mm_set1_epi8(1));
  const bool all_known = _mm_movemask_epi8(known) == 0xffff;
  return {squeeze(base), all_known ? 0 : squeeze(bad)};
}

}  // namespace

bool pack_bases(std::string_view bases, std::uint64_t* words, std::uint64_t* unknown) {
  constexpr std::size_t kAtOnce = 16;
  std::uint64_t any = 0;
  std::size_t at = 0;
  const auto put = [&](const Sixteen& sixteen) {
    const std::size_t word = at / kBasesPerWord;
    if (at % kBasesPerWord == 0) {
      words[word] = sixteen.packed;
      unknown[word] = sixteen.unknown;
    } else {
      words[word] |= std::uint64_t{sixteen.packed} << 32;
      unknown[word] |= std::uint64_t{sixteen.unknown} << 32;
    }
    any |= sixteen.unknown;
  };
  for (; at + kAtOnce <= bases.size(); at += kAtOnce) put(pack_sixteen(bases.data() + at));
  if (at < bases.size()) {
    char rest[kAtOnce];
    std::memset(rest, 'A', kAtOnce);
    std::memcpy(rest, bases.data() + at, bases.size() - at);
    put(pack_sixteen(rest));
  }
  return any != 0;
}

#else

bool pack_bases(std::string_view bases, std::uint64_t* words, std::uint64_t* unknown) {
  return pack_bases_plainly(bases, words, unknown);
}

#endif

}  // namespace immucan::sequence
