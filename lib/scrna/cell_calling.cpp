#include "scrna/cell_calling.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace immucan::scrna {

namespace {

constexpr double kPercentile = 0.99;
constexpr double kRatio = 10;
constexpr std::uint64_t kMaximalExpected = 45000;
constexpr int kGridSteps = 2000;

/// `sorted` descends.
std::uint64_t threshold_for(std::span<const std::uint64_t> sorted, std::uint64_t expected) {
  const auto rank = static_cast<std::size_t>(std::round(static_cast<double>(expected) * (1 - kPercentile)));
  const std::uint64_t high = sorted[std::min(rank, sorted.size() - 1)];
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::round(static_cast<double>(high) / kRatio)));
}

std::uint64_t called(std::span<const std::uint64_t> sorted, std::uint64_t threshold) {
  const auto end = std::ranges::partition_point(sorted, [&](std::uint64_t value) { return value >= threshold; });
  return static_cast<std::uint64_t>(end - sorted.begin());
}

std::uint64_t estimate_expected(std::span<const std::uint64_t> sorted) {
  const double highest = static_cast<double>(std::min<std::uint64_t>(kMaximalExpected, sorted.size()));
  double least = -1;
  std::uint64_t best = 1;
  std::uint64_t previous = 0;
  for (int step = 0; step <= kGridSteps; ++step) {
    const auto expected = static_cast<std::uint64_t>(std::round(std::exp(std::log(highest) * step / kGridSteps)));
    if (expected == previous || expected == 0) continue;
    previous = expected;
    const double found = static_cast<double>(called(sorted, threshold_for(sorted, expected)));
    const double loss = (found - static_cast<double>(expected)) * (found - static_cast<double>(expected)) /
                        static_cast<double>(expected);
    if (least < 0 || loss < least) {
      least = loss;
      best = expected;
    }
  }
  return best;
}

}  // namespace

CellCall call_cells(std::span<const std::uint64_t> molecules, std::optional<std::uint64_t> expected_cells) {
  CellCall call;
  if (molecules.empty()) return call;
  std::vector<std::uint64_t> sorted(molecules.begin(), molecules.end());
  std::ranges::sort(sorted, std::greater{});
  call.expected_cells = expected_cells ? *expected_cells : estimate_expected(sorted);
  call.threshold = threshold_for(sorted, call.expected_cells);
  for (std::size_t i = 0; i < molecules.size(); ++i) {
    if (molecules[i] >= call.threshold) call.cells.push_back(i);
  }
  return call;
}

}  // namespace immucan::scrna
