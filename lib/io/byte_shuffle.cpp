#include "io/byte_shuffle.h"

#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace immucan::io::detail {

namespace {

template <std::size_t Size>
void shuffle_fixed(const char* in, std::size_t elements, char* out) {
  for (std::size_t i = 0; i < elements; ++i) {
    char element[Size];
    std::memcpy(element, in + i * Size, Size);
    for (std::size_t byte = 0; byte < Size; ++byte) out[byte * elements + i] = element[byte];
  }
}

template <std::size_t Size>
void unshuffle_fixed(const char* planes, std::size_t stride, std::size_t first, std::size_t count, char* out) {
  for (std::size_t i = first; i < count; ++i) {
    char element[Size];
    for (std::size_t byte = 0; byte < Size; ++byte) element[byte] = planes[byte * stride + i];
    std::memcpy(out + i * Size, element, Size);
  }
}

#if defined(__SSE2__)

__m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
void store(char* at, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), value);
}

/// Sixteen elements of four bytes at a time; returns how many were done.
std::size_t unshuffle_four(const char* planes, std::size_t stride, std::size_t count, char* out) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i a = load(planes + i), b = load(planes + stride + i);
    const __m128i c = load(planes + 2 * stride + i), d = load(planes + 3 * stride + i);
    const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
    const __m128i cd_low = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
    store(out + i * 4, _mm_unpacklo_epi16(ab_low, cd_low));
    store(out + i * 4 + 16, _mm_unpackhi_epi16(ab_low, cd_low));
    store(out + i * 4 + 32, _mm_unpacklo_epi16(ab_high, cd_high));
    store(out + i * 4 + 48, _mm_unpackhi_epi16(ab_high, cd_high));
  }
  return i;
}

/// Sixteen elements of four bytes at a time into planes; returns how many were done.
std::size_t shuffle_four(const char* in, std::size_t elements, char* out) {
  std::size_t i = 0;
  const __m128i low = _mm_set1_epi32(0xff);
  for (; i + 16 <= elements; i += 16) {
    __m128i rows[4];
    for (std::size_t k = 0; k < 4; ++k) rows[k] = load(in + i * 4 + k * 16);
    for (std::size_t byte = 0; byte < 4; ++byte) {
      const int shift = static_cast<int>(8 * byte);
      __m128i lanes[4];
      for (std::size_t k = 0; k < 4; ++k) lanes[k] = _mm_and_si128(_mm_srli_epi32(rows[k], shift), low);
      store(out + byte * elements + i,
            _mm_packus_epi16(_mm_packs_epi32(lanes[0], lanes[1]), _mm_packs_epi32(lanes[2], lanes[3])));
    }
  }
  return i;
}

#endif

}  // namespace

void unshuffle_bytes_plain(const char* planes, std::size_t stride, std::size_t size, std::size_t count, char* out) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t byte = 0; byte < size; ++byte) out[i * size + byte] = planes[byte * stride + i];
  }
}

void shuffle_bytes(const char* in, std::size_t elements, std::size_t size, char* out) {
  if (size == 1) {
    std::memcpy(out, in, elements);
  } else if (size == 4) {
    std::size_t done = 0;
#if defined(__SSE2__)
    done = shuffle_four(in, elements, out);
#endif
    for (std::size_t i = done; i < elements; ++i) {
      for (std::size_t byte = 0; byte < 4; ++byte) out[byte * elements + i] = in[i * 4 + byte];
    }
  } else if (size == 8) {
    shuffle_fixed<8>(in, elements, out);
  } else {
    for (std::size_t byte = 0; byte < size; ++byte) {
      for (std::size_t i = 0; i < elements; ++i) out[byte * elements + i] = in[i * size + byte];
    }
  }
}

void unshuffle_bytes(const char* planes, std::size_t stride, std::size_t size, std::size_t count, char* out) {
  if (size == 1) {
    std::memcpy(out, planes, count);
  } else if (size == 4) {
    std::size_t done = 0;
#if defined(__SSE2__)
    done = unshuffle_four(planes, stride, count, out);
#endif
    unshuffle_fixed<4>(planes, stride, done, count, out);
  } else if (size == 8) {
    unshuffle_fixed<8>(planes, stride, 0, count, out);
  } else {
    unshuffle_bytes_plain(planes, stride, size, count, out);
  }
}

}  // namespace immucan::io::detail
