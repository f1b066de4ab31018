#include "microbiome/entry_counts.h"

#include <utility>

#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace {

constexpr std::size_t kFirstSlots = std::size_t{1} << 16;
/// Slots of eight bytes for so many bytes of counts are no gain.
constexpr std::uint64_t kBytesPerEntrySeen = 32;

}  // namespace

EntryCounts::EntryCounts(std::uint64_t entries, std::uint64_t large) : entries_(entries) {
  if (entries < large)
    counts_.resize(entries);
  else
    slots_.resize(kFirstSlots);
}

std::uint64_t& EntryCounts::slot_of(std::uint64_t entry) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = sequence::hash_kmer(entry) & mask;
  while (slots_[i] != 0 && (slots_[i] >> 8) != entry + 1) i = (i + 1) & mask;
  return slots_[i];
}

void EntryCounts::add(std::uint64_t entry) {
  if (slots_.empty()) {
    if (counts_[entry] != 255) ++counts_[entry];
    return;
  }
  std::uint64_t& slot = slot_of(entry);
  if (slot == 0) {
    slot = ((entry + 1) << 8) | 1;
    if (++used_ * 2 > slots_.size()) grow();
  } else if ((slot & 255) != 255) {
    ++slot;
  }
}

void EntryCounts::grow() {
  const auto before = std::exchange(slots_, {});
  if (used_ * kBytesPerEntrySeen > entries_) {
    counts_.resize(entries_);
    for (const std::uint64_t slot : before)
      if (slot != 0) counts_[(slot >> 8) - 1] = static_cast<std::uint8_t>(slot);
    return;
  }
  slots_.resize(before.size() * 2);
  for (const std::uint64_t slot : before)
    if (slot != 0) slot_of((slot >> 8) - 1) = slot;
}

}  // namespace immucan::microbiome
