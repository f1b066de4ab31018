#include "io/hdf5_checksum.h"

#include <bit>
#include <cstddef>

namespace immucan::io::detail {

namespace {

/// Little-endian, missing bytes are 0.
std::uint32_t word(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

}  // namespace

std::uint32_t metadata_checksum(std::string_view bytes) {
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size()), b = a, c = a;
  while (bytes.size() > 12) {
    a += word(bytes, 0);
    b += word(bytes, 4);
    c += word(bytes, 8);
    // x -= z, x ^= z turned, z += the third.
    const auto mix = [](std::uint32_t& x, std::uint32_t& z, std::uint32_t third, int bits) {
      x = (x - z) ^ std::rotl(z, bits);
      z += third;
    };
    mix(a, c, b, 4);
    mix(b, a, c, 6);
    mix(c, b, a, 8);
    mix(a, c, b, 16);
    mix(b, a, c, 19);
    mix(c, b, a, 4);
    bytes.remove_prefix(12);
  }
  if (bytes.empty()) return c;
  a += word(bytes, 0);
  b += word(bytes, 4);
  c += word(bytes, 8);
  const auto finish = [](std::uint32_t& x, std::uint32_t z, int bits) { x = (x ^ z) - std::rotl(z, bits); };
  finish(c, b, 14);
  finish(a, c, 11);
  finish(b, a, 25);
  finish(c, b, 16);
  finish(a, c, 4);
  finish(b, a, 14);
  finish(c, b, 24);
  return c;
}

std::uint32_t fletcher32(std::string_view bytes) {
  constexpr std::size_t kPairs = 360;  // before the sums of 32 bits could run over
  std::uint32_t first = 0, second = 0;
  const auto fold = [](std::uint32_t sum) { return (sum & 0xffffU) + (sum >> 16U); };
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 2 * kPairs);
    for (std::size_t i = 0; i < piece.size(); i += 2) {
      const std::uint32_t high = static_cast<unsigned char>(piece[i]);
      const std::uint32_t low = i + 1 < piece.size() ? static_cast<unsigned char>(piece[i + 1]) : 0;
      first += high << 8U | low;
      second += first;
    }
    first = fold(first);
    second = fold(second);
    bytes.remove_prefix(piece.size());
  }
  return fold(second) << 16U | fold(first);
}

}  // namespace immucan::io::detail
