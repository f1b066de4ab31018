#include "cytof/exact_medians.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace immucan::cytof {
namespace {

constexpr std::array<int, ExactMedians::kReadings> kShift{21, 10, 0};
constexpr std::array<std::uint32_t, ExactMedians::kReadings> kMask{0x7FF, 0x7FF, 0x3FF};
constexpr std::size_t kBins = 2048;

}  // namespace

ExactMedians::ExactMedians(std::size_t groups, std::optional<double> share)
    : share_(share), targets_(2 * groups), totals_(groups), counts_(2 * groups * kBins) {}

std::uint32_t ExactMedians::ordered_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

float ExactMedians::value_of(std::uint32_t bits) {
  return std::bit_cast<float>((bits & 0x80000000U) != 0 ? bits & 0x7FFFFFFFU : ~bits);
}

std::uint32_t* ExactMedians::histogram(std::size_t group, std::size_t which) {
  return counts_.data() + (2 * group + which) * kBins;
}

void ExactMedians::count(std::size_t group, std::uint32_t bits) {
  const std::uint32_t bin =
      bits >> kShift[static_cast<std::size_t>(reading_)] & kMask[static_cast<std::size_t>(reading_)];
  if (reading_ == 0) {
    ++totals_[group];
    ++histogram(group, 0)[bin];
    return;
  }
  const std::uint32_t prefix = bits >> kShift[static_cast<std::size_t>(reading_ - 1)];
  const Target& lower = targets_[2 * group];
  const Target& upper = targets_[2 * group + 1];
  if (prefix == lower.prefix) ++histogram(group, 0)[bin];
  if (prefix == upper.prefix && upper.prefix != lower.prefix) ++histogram(group, 1)[bin];
}

void ExactMedians::end_reading() {
  const auto width = static_cast<unsigned>(std::popcount(kMask[static_cast<std::size_t>(reading_)]));
  for (std::size_t group = 0; group < totals_.size(); ++group) {
    if (totals_[group] == 0) continue;
    Target& lower = targets_[2 * group];
    Target& upper = targets_[2 * group + 1];
    if (reading_ == 0) {
      const std::uint64_t last = totals_[group] - 1;
      lower.rank = share_ ? static_cast<std::uint64_t>(*share_ * static_cast<double>(last)) : last / 2;
      upper.rank = share_ ? std::min(lower.rank + 1, last) : totals_[group] / 2;
    }
    const bool shared = reading_ == 0 || lower.prefix == upper.prefix;
    for (std::size_t which = 0; which < 2; ++which) {
      Target& target = targets_[2 * group + which];
      const std::uint32_t* bins = histogram(group, shared ? 0 : which);
      std::uint32_t bin = 0;
      while (target.rank >= bins[bin]) target.rank -= bins[bin++];
      target.prefix = target.prefix << width | bin;
    }
  }
  std::ranges::fill(counts_, 0U);
  ++reading_;
}

double ExactMedians::part(std::size_t group) const {
  if (!share_ || totals_[group] == 0) return 0.5;
  const double at = *share_ * static_cast<double>(totals_[group] - 1);
  return at - std::floor(at);
}

bool ExactMedians::middle(std::size_t group, float& lower, float& upper) const {
  if (totals_[group] == 0) return false;
  lower = value_of(targets_[2 * group].prefix);
  upper = value_of(targets_[2 * group + 1].prefix);
  return true;
}

}  // namespace immucan::cytof
