#include "io/hdf5_heaps.h"

#include <fmt/format.h>

#include <utility>

namespace immucan::io {
namespace {

using std::literals::operator""sv;

constexpr std::string_view kSignature = "GCOL\x01\0\0\0"sv;  // with its version and three reserved bytes
constexpr std::size_t kHeader = 16;  // of a collection and of each entry, for lengths of 4 and 8
constexpr std::uint64_t kLargestCollection = std::uint64_t{1} << 30;
constexpr std::size_t kKeptBytes = std::size_t{32} << 20;

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

std::expected<HeapEntries, std::string> heap_entries(std::string_view bytes, std::size_t length_bytes) {
  if (bytes.size() < kHeader || !bytes.starts_with(kSignature)) return std::unexpected("is not a heap");
  const std::uint64_t size = little_endian(bytes, 8, length_bytes);
  if (size < kHeader || size > bytes.size()) return std::unexpected(fmt::format("cannot be of {} bytes", size));
  HeapEntries entries;
  std::uint64_t at = kHeader;
  while (size - at >= kHeader) {  // a shorter rest is free space without a header
    const auto index = static_cast<std::size_t>(little_endian(bytes, at, 2));
    const std::uint64_t length = little_endian(bytes, at + 8, length_bytes);
    const auto damaged = [&] {
      return std::unexpected(fmt::format("is damaged at its byte {} (entry {} of {} bytes)", at, index, length));
    };
    if (length > size) return damaged();
    // The free entry, index 0, counts its own header.
    const std::uint64_t need = index == 0 ? length : kHeader + (length + 7) / 8 * 8;
    if (need < kHeader || need > size - at) return damaged();
    if (index != 0) {
      if (entries.by_index.size() <= index) entries.by_index.resize(index + 1);
      if (entries.by_index[index].place != 0) return damaged();
      entries.by_index[index] = {at + kHeader, length};
    }
    at += need;
  }
  return entries;
}

std::expected<const HeapReader::Collection*, std::string> HeapReader::collection(std::uint64_t address) {
  if (const auto known = kept_.find(address); known != kept_.end()) return &known->second;
  const auto fault = [&](std::string_view what) {
    return std::unexpected(fmt::format("the heap of texts at byte {} {}", address + file_.base, what));
  };
  if (address >= file_.size || file_.base >= file_.size - address) return fault("lies behind the end of the file");
  const std::uint64_t place = address + file_.base;
  Collection collection;
  read_at_(place, kHeader, collection.bytes);
  if (collection.bytes.size() < kHeader || !collection.bytes.starts_with(kSignature)) return fault("is not a heap");
  const std::uint64_t size = little_endian(collection.bytes, 8, file_.length_bytes);
  if (size > file_.size - place || size > kLargestCollection) return fault(fmt::format("cannot be of {} bytes", size));
  read_at_(place, static_cast<std::size_t>(size), collection.bytes);
  auto entries = heap_entries(collection.bytes, file_.length_bytes);
  if (!entries) return fault(entries.error());
  collection.entries = std::move(*entries);
  if (kept_bytes_ > kKeptBytes) {
    kept_.clear();
    kept_bytes_ = 0;
  }
  kept_bytes_ += collection.bytes.size();
  return &kept_.emplace(address, std::move(collection)).first->second;
}

std::expected<std::string, std::string> HeapReader::text(std::string_view reference) {
  const std::uint64_t length = little_endian(reference, 0, 4);
  const std::uint64_t address = little_endian(reference, 4, file_.address_bytes);
  const std::uint64_t index = little_endian(reference, 4 + file_.address_bytes, 4);
  if (length == 0 || address == 0) return std::string();
  const auto heap = collection(address);
  if (!heap) return std::unexpected(heap.error());
  const auto& by_index = (*heap)->entries.by_index;
  if (index >= by_index.size() || by_index[index].place == 0) {
    return std::unexpected(
        fmt::format("a text is entry {} of the heap at byte {}, which has no such entry", index, address + file_.base));
  }
  const HeapEntries::Entry& entry = by_index[index];
  if (length > entry.length) {
    return std::unexpected(fmt::format("a text of {} bytes is entry {} of {} bytes in the heap at byte {}", length,
                                       index, entry.length, address + file_.base));
  }
  const std::string_view text = std::string_view((*heap)->bytes).substr(entry.place, length);
  return std::string(text.substr(0, text.find('\0')));
}

}  // namespace immucan::io
