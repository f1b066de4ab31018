#pragma once
// How often each entry of an index was seen.
#include <cstdint>
#include <vector>

namespace immucan::microbiome {

/// Counts up to 255. One byte per entry; of a large index only the entries seen are kept, until they are many.
class EntryCounts {
 public:
  static constexpr std::uint64_t kLargeIndex = std::uint64_t{1} << 26;  ///< entries
  explicit EntryCounts(std::uint64_t entries, std::uint64_t large = kLargeIndex);
  void add(std::uint64_t entry);
  /// visit(entry, count) for every entry seen, in no order that means anything.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint64_t entry = 0; entry < counts_.size(); ++entry)
      if (counts_[entry] != 0) visit(entry, counts_[entry]);
    for (const std::uint64_t slot : slots_)
      if (slot != 0) visit((slot >> 8) - 1, static_cast<std::uint8_t>(slot));
  }

 private:
  void grow();
  [[nodiscard]] std::uint64_t& slot_of(std::uint64_t entry);
  std::uint64_t entries_;
  std::vector<std::uint8_t> counts_;  ///< by entry, or empty
  std::vector<std::uint64_t> slots_;  ///< open addressing: entry + 1 and count; 0 = free
  std::uint64_t used_ = 0;
};

}  // namespace immucan::microbiome
