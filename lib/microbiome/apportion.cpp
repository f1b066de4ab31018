#include "microbiome/apportion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace immucan::microbiome {

std::vector<std::uint64_t> apportion(std::uint64_t total, const std::vector<double>& shares) {
  std::vector<std::uint64_t> parts(shares.size());
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (sum <= 0) return parts;
  std::vector<std::pair<double, std::size_t>> remainders;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = static_cast<double>(total) * (shares[i] / sum);
    parts[i] = std::min(static_cast<std::uint64_t>(exact), total - given);
    given += parts[i];
    remainders.emplace_back(exact - static_cast<double>(parts[i]), i);
  }
  std::ranges::stable_sort(remainders, [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; given < total; i = (i + 1) % remainders.size(), ++given) ++parts[remainders[i].second];
  return parts;
}

std::vector<std::uint64_t> apportion_in_order(std::uint64_t total, const std::vector<double>& shares) {
  std::vector<std::uint64_t> parts(shares.size());
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (sum <= 0) return parts;
  double running = 0;
  std::uint64_t given = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) continue;
    last = i;
    running += shares[i];
    const auto until = static_cast<std::uint64_t>(std::floor(static_cast<double>(total) * (running / sum) + 0.5));
    parts[i] = std::clamp(until, given, total) - given;
    given += parts[i];
  }
  parts[last] += total - given;
  return parts;
}

}  // namespace immucan::microbiome
