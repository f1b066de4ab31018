#include "stats/wilcoxon.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/distributions.h"
#include "stats/ranks.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kExactLimit = 50;

/// Cumulative probabilities of W = 0 … n1·n2. The number of ways to choose n1 of the ranks 1 … n1+n2 with a given sum,
/// one rank at a time; all terms are positive, so nothing cancels.
std::vector<double> cumulative_rank_sum(std::size_t n1, std::size_t n2) {
  const std::size_t top = n1 * n2;
  std::vector<std::vector<double>> ways(n1 + 1, std::vector<double>(top + 1, 0.0));
  ways[0][0] = 1;
  for (std::size_t rank = 1; rank <= n1 + n2; ++rank) {
    for (std::size_t chosen = std::min(rank, n1); chosen >= 1; --chosen) {
      // The i-th smallest of the chosen ranks adds rank - i to W, so W stays within n1·n2.
      const std::size_t shift = rank - chosen;
      if (shift > n2) continue;
      for (std::size_t w = shift; w <= top; ++w) ways[chosen][w] += ways[chosen - 1][w - shift];
    }
  }
  std::vector<double>& counts = ways[n1];
  double total = 0;
  for (const double count : counts) total += count;
  double running = 0;
  for (double& count : counts) {
    running += count;
    count = running / total;
  }
  return counts;
}

}  // namespace

double RankSumDistribution::cdf(std::size_t n1, std::size_t n2, double w) {
  if (w < 0) return 0;
  if (w >= static_cast<double>(n1 * n2)) return 1;
  std::shared_ptr<const std::vector<double>> table;
  {
    const std::scoped_lock lock(mutex_);
    auto& entry = cumulative_[{n1, n2}];
    if (!entry) entry = std::make_shared<const std::vector<double>>(cumulative_rank_sum(n1, n2));
    table = entry;
  }
  return (*table)[static_cast<std::size_t>(w)];
}

RankSumTest rank_sum_test(std::span<const double> first, std::span<const double> second,
                          RankSumDistribution& distribution) {
  const std::size_t n1 = first.size(), n2 = second.size();
  if (n1 == 0 || n2 == 0) return {kNan, kNan, false};
  std::vector<double> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  const std::vector<double> ranks = mid_ranks(all);
  double w = 0;
  for (std::size_t i = 0; i < n1; ++i) w += ranks[i];
  w -= static_cast<double>(n1) * static_cast<double>(n1 + 1) / 2;
  const double pairs = static_cast<double>(n1) * static_cast<double>(n2);
  const double ties = tie_sum(all);
  if (ties == 0 && n1 < kExactLimit && n2 < kExactLimit) {
    // The distribution is symmetric: the upper tail P(W >= w) is the lower tail at pairs - w.
    const double tail = distribution.cdf(n1, n2, std::min(w, pairs - w));
    return {w, std::min(1.0, 2 * tail), true};
  }
  const auto n = static_cast<double>(n1 + n2);
  const double sigma = std::sqrt(pairs / 12 * (n + 1 - ties / (n * (n - 1))));
  if (!(sigma > 0)) return {w, kNan, false};
  const double shift = w - pairs / 2;
  const double continuity = shift > 0 ? 0.5 : shift < 0 ? -0.5 : 0.0;
  return {w, std::min(1.0, normal_two_sided((shift - continuity) / sigma)), false};
}

ChiSquaredTest van_elteren_test(std::span<const double> values, std::span<const std::uint8_t> group,
                                std::span<const std::uint32_t> stratum) {
  std::uint32_t strata = 0;
  for (const std::uint32_t s : stratum) strata = std::max(strata, s + 1);
  double sum = 0, variance = 0;
  std::vector<double> members;
  std::vector<std::uint8_t> labels;
  for (std::uint32_t s = 0; s < strata; ++s) {
    members.clear();
    labels.clear();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (stratum[i] != s) continue;
      members.push_back(values[i]);
      labels.push_back(group[i]);
    }
    const auto n1 = static_cast<double>(std::ranges::count(labels, std::uint8_t{1}));
    const auto n = static_cast<double>(members.size());
    if (n1 == 0 || n1 == n) continue;
    const std::vector<double> ranks = mid_ranks(members);
    double rank_sum = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) rank_sum += labels[i] != 0 ? ranks[i] : 0;
    sum += (rank_sum - n1 * (n + 1) / 2) / (n + 1);
    variance += n1 * (n - n1) / 12 * (n + 1 - tie_sum(members) / (n * (n - 1))) / ((n + 1) * (n + 1));
  }
  if (!(variance > 0)) return {kNan, 1, kNan};
  const double z = sum / std::sqrt(variance);
  return {z * z, 1, normal_two_sided(z)};
}

ChiSquaredTest kruskal_wallis_test(std::span<const double> values, std::span<const std::uint32_t> group) {
  const auto n = static_cast<double>(values.size());
  const std::vector<double> ranks = mid_ranks(values);
  std::map<std::uint32_t, std::pair<double, double>> sums;  // rank sum, size
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& [sum, size] = sums[group[i]];
    sum += ranks[i];
    size += 1;
  }
  const double correction = 1 - tie_sum(values) / (n * n * n - n);
  if (sums.size() < 2 || !(correction > 0)) return {kNan, 0, kNan};
  double statistic = 0;
  for (const auto& [label, entry] : sums) statistic += entry.first * entry.first / entry.second;
  statistic = (12 * statistic / (n * (n + 1)) - 3 * (n + 1)) / correction;
  const auto df = static_cast<double>(sums.size() - 1);
  return {statistic, df, chi_squared_upper(statistic, df)};
}

ChiSquaredTest chi_squared_test(std::span<const double> counts, std::size_t rows, std::size_t columns) {
  std::vector<double> row_sum(rows, 0.0), column_sum(columns, 0.0);
  double total = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      row_sum[i] += counts[i * columns + j];
      column_sum[j] += counts[i * columns + j];
      total += counts[i * columns + j];
    }
  }
  const auto filled_rows = std::ranges::count_if(row_sum, [](double s) { return s > 0; });
  const auto filled_columns = std::ranges::count_if(column_sum, [](double s) { return s > 0; });
  if (filled_rows < 2 || filled_columns < 2) return {kNan, 0, kNan};
  double statistic = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      const double expected = row_sum[i] * column_sum[j] / total;
      if (expected > 0)
        statistic += (counts[i * columns + j] - expected) * (counts[i * columns + j] - expected) / expected;
    }
  }
  const auto df = static_cast<double>((filled_rows - 1) * (filled_columns - 1));
  return {statistic, df, chi_squared_upper(statistic, df)};
}

}  // namespace immucan::stats
