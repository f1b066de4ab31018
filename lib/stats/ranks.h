#pragma once
// Ranks: exact argsort of doubles by radix, mid-ranks, tie sums.
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

/// Argsort of doubles by least-significant-digit radix sort on order-preserving 64-bit keys: stable, exact, linear.
/// Digits that are equal in all keys cost no pass. -0.0 equals 0.0; NaN must not occur. Keeps its buffers between
/// calls.
class RadixArgsort {
 public:
  /// Positions of `values` in ascending order, ties in order of position. Valid until the next call.
  std::span<const std::uint32_t> sort(std::span<const double> values);

 private:
  struct Item {
    std::uint64_t key;
    std::uint32_t index;
  };
  std::vector<Item> items_, other_;
  std::vector<std::uint32_t> order_;
};

/// Ranks from 1, ties get the mean of their ranks (R's rank()). NaN must not occur.
[[nodiscard]] std::vector<double> mid_ranks(std::span<const double> values);

/// Sum over tie blocks of t^3 - t; 0 without ties.
[[nodiscard]] double tie_sum(std::span<const double> values);

}  // namespace immucan::stats
