#include "scrna/barcode_ranks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace immucan::scrna {

std::optional<BarcodeRanks> barcode_ranks(std::span<const std::uint64_t> molecules, std::uint64_t lower,
                                          std::uint64_t skipped_ranks) {
  std::vector<std::uint64_t> sorted(molecules.begin(), molecules.end());
  std::ranges::sort(sorted, std::greater{});
  std::vector<double> x, y;
  std::vector<std::uint64_t> totals;
  for (std::size_t begin = 0; begin < sorted.size() && sorted[begin] > lower;) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    x.push_back(std::log10(static_cast<double>(begin + 1 + end) / 2));  // mean rank of the block, from 1
    y.push_back(std::log10(static_cast<double>(sorted[begin])));
    totals.push_back(sorted[begin]);
    begin = end;
  }
  if (totals.size() < 3) return std::nullopt;
  std::vector<double> slope;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) slope.push_back((y[i + 1] - y[i]) / (x[i + 1] - x[i]));
  const double limit = std::log10(static_cast<double>(std::max<std::uint64_t>(1, skipped_ranks)));
  const auto passed = static_cast<std::size_t>(std::ranges::count_if(x, [&](double v) { return v <= limit; }));
  const std::size_t skip = std::min(slope.size() - 1, passed);
  const auto right = static_cast<std::size_t>(
      std::min_element(slope.begin() + static_cast<std::ptrdiff_t>(skip), slope.end()) - slope.begin());
  const auto left = static_cast<std::size_t>(std::max_element(slope.begin() + static_cast<std::ptrdiff_t>(skip),
                                                              slope.begin() + static_cast<std::ptrdiff_t>(right) + 1) -
                                             slope.begin());
  const double rise = right > left ? (y[right] - y[left]) / (x[right] - x[left]) : 0;
  std::size_t knee = left;
  double highest = 0;
  for (std::size_t i = left; i <= right; ++i) {
    const double above = y[i] - y[left] - rise * (x[i] - x[left]);
    if (above > highest) {
      highest = above;
      knee = i;
    }
  }
  return BarcodeRanks{totals[knee], totals[right]};
}

}  // namespace immucan::scrna
