#include "stats/ranks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <numeric>

namespace immucan::stats {

namespace {

constexpr unsigned kDigitBits = 11;  // six passes; 2048 counters stay in the first-level cache
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kDigits = 6;
constexpr std::size_t kSmall = 512;  // below, clearing the counters costs more than comparing

/// Unsigned order of the result is the numeric order of the value.
std::uint64_t ordered_key(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);  // -0.0 + 0.0 is 0.0
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

std::size_t digit_of(std::uint64_t key, std::size_t digit) {
  return (key >> (digit * kDigitBits)) & (kBuckets - 1);
}

}  // namespace

std::span<const std::uint32_t> RadixArgsort::sort(std::span<const double> values) {
  const std::size_t n = values.size();
  order_.resize(n);
  if (n <= kSmall) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::stable_sort(order_, [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
    return order_;
  }
  items_.resize(n);
  other_.resize(n);
  std::array<std::array<std::uint32_t, kBuckets>, kDigits> counts{};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t key = ordered_key(values[i]);
    items_[i] = {key, static_cast<std::uint32_t>(i)};
    for (std::size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(key, digit)];
  }
  for (std::size_t digit = 0; digit < kDigits && n > 1; ++digit) {
    auto& count = counts[digit];
    if (count[digit_of(items_[0].key, digit)] == n) continue;
    std::uint32_t start = 0;
    for (std::uint32_t& bucket : count) {
      const std::uint32_t size = bucket;
      bucket = start;
      start += size;
    }
    for (const Item& item : items_) other_[count[digit_of(item.key, digit)]++] = item;
    items_.swap(other_);
  }
  for (std::size_t i = 0; i < n; ++i) order_[i] = items_[i].index;
  return order_;
}

std::vector<double> mid_ranks(std::span<const double> values) {
  RadixArgsort sorter;
  const auto order = sorter.sort(values);
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

double tie_sum(std::span<const double> values) {
  RadixArgsort sorter;
  const auto order = sorter.sort(values);
  double sum = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const auto t = static_cast<double>(end - begin);
    sum += t * t * t - t;
    begin = end;
  }
  return sum;
}

}  // namespace immucan::stats
