#pragma once
// Interning of genome sets and units while a database is built.
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::microbiome {

/// An open-addressing map of 64-bit keys to 32-bit numbers that only grows.
class NumberMap {
 public:
  NumberMap();
  /// The number of `key`; `next` when it is new (then it is stored with `next`).
  std::uint32_t find_or_insert(std::uint64_t key, std::uint32_t next);
  [[nodiscard]] std::size_t size() const { return used_; }

 private:
  void grow();
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> numbers_;  ///< number + 1; 0 = free
  std::size_t used_ = 0;
};

/// Every distinct ascending list of genomes gets a number; the lists {0}, {1} … {genomes - 1} are numbers 0 … genomes
/// - 1.
class GenomeSets {
 public:
  explicit GenomeSets(std::uint32_t genomes);
  std::uint32_t intern(std::span<const std::uint32_t> genomes);
  [[nodiscard]] std::span<const std::uint64_t> offsets() const { return offsets_; }
  [[nodiscard]] std::span<const std::uint32_t> members() const { return members_; }

 private:
  [[nodiscard]] bool same(std::uint32_t set, std::span<const std::uint32_t> genomes) const;
  NumberMap by_digest_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> members_;
};

}  // namespace immucan::microbiome
