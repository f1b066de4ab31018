#include "io/hdf5_heaps.h"

#include <algorithm>

namespace immucan::io {
namespace {

using std::literals::operator""sv;

constexpr std::string_view kSignature = "GCOL\x01\0\0\0"sv;  // with its version and three reserved bytes
constexpr std::size_t kHeader = 16;  // of a collection and of each entry, for lengths of 4 and 8
constexpr std::size_t kPiece = std::size_t{1} << 20;

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Whether the address occurs anywhere in the file.
bool is_referred_to(std::uint64_t address, std::uint64_t file_size, std::size_t length_bytes, const ReadAt& read_at) {
  std::string needle;
  for (std::size_t i = 0; i < length_bytes; ++i) needle += static_cast<char>(address >> (8 * i) & 0xff);
  std::string bytes;
  for (std::uint64_t place = 0; place < file_size; place += kPiece) {
    read_at(place, kPiece + length_bytes - 1, bytes);
    if (bytes.find(needle) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

void HeapFinder::update(std::string_view bytes) {
  constexpr std::size_t kOverlap = kSignature.size() - 1;
  // What straddles two pieces is looked for where the end of one meets the beginning of the other.
  const std::size_t kept = tail_.size();
  tail_ += bytes.substr(0, kOverlap);
  for (std::size_t at = tail_.find(kSignature); at < kept; at = tail_.find(kSignature, at + 1)) {
    places_.push_back(passed_ - kept + at);
  }
  for (std::size_t at = bytes.find(kSignature); at != std::string_view::npos; at = bytes.find(kSignature, at + 1)) {
    places_.push_back(passed_ + at);
  }
  passed_ += bytes.size();
  if (bytes.size() >= kOverlap) tail_ = bytes.substr(bytes.size() - kOverlap);
  if (tail_.size() > kOverlap) tail_.erase(0, tail_.size() - kOverlap);
}

bool heap_is_sound(std::string_view bytes, std::size_t length_bytes) {
  if (bytes.size() < kHeader || !bytes.starts_with(kSignature)) return false;
  const std::uint64_t size = little_endian(bytes, 8, length_bytes);
  if (size < kHeader || size > bytes.size()) return false;
  std::uint64_t at = kHeader;
  while (size - at >= kHeader) {  // a shorter rest is free space without a header
    const bool is_free = little_endian(bytes, at, 2) == 0;
    const std::uint64_t length = little_endian(bytes, at + 8, length_bytes);
    if (length > size) return false;
    const std::uint64_t need = is_free ? length : kHeader + (length + 7) / 8 * 8;
    if (need == 0 || need > size - at) return false;
    at += need;
  }
  return true;
}

std::optional<std::uint64_t> damaged_heap(std::span<const std::uint64_t> places, std::uint64_t file_size,
                                          std::uint64_t base, std::size_t length_bytes, const ReadAt& read_at) {
  std::string bytes;
  for (const std::uint64_t place : places) {
    if (place < base) continue;
    read_at(place, kHeader, bytes);
    if (bytes.size() == kHeader) {
      const std::uint64_t size = little_endian(bytes, 8, length_bytes);
      // A size beyond the end of the file is found out by libhdf5 itself.
      if (size > file_size - place) continue;
      read_at(place, size, bytes);
    }
    if (!heap_is_sound(bytes, length_bytes) && is_referred_to(place - base, file_size, length_bytes, read_at)) {
      return place;
    }
  }
  return std::nullopt;
}

}  // namespace immucan::io
