#pragma once
// Rank tests between groups.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace immucan::stats {

/// Exact null distribution of the Mann–Whitney count W, shared by all features of one scan. Thread-safe.
class RankSumDistribution {
 public:
  /// P(W <= w) of `n1` against `n2` values without ties.
  [[nodiscard]] double cdf(std::size_t n1, std::size_t n2, double w);

 private:
  std::mutex mutex_;
  std::map<std::pair<std::size_t, std::size_t>, std::shared_ptr<const std::vector<double>>> cumulative_;
};

struct RankSumTest {
  double w = 0;  ///< pairs in which the first group is greater, ties count one half (R's W)
  double p = 1;  ///< two-sided; NaN when a group is empty or all values are equal
  bool exact = false;
};

/// Wilcoxon rank-sum test with R's rule: exact when both groups have fewer than 50 values and nothing is tied, else
/// normal with tie-corrected variance and continuity correction.
[[nodiscard]] RankSumTest rank_sum_test(std::span<const double> first, std::span<const double> second,
                                        RankSumDistribution& distribution);

struct ChiSquaredTest {
  double statistic = 0;
  double df = 0;
  double p = 1;  ///< NaN when the statistic has no variance
};

/// van Elteren's stratified rank-sum test (1960): strata weighted by 1/(N+1), tie-corrected variances, no continuity
/// correction. Strata in which one group is absent carry no information. `group` is 0 or 1.
[[nodiscard]] ChiSquaredTest van_elteren_test(std::span<const double> values, std::span<const std::uint8_t> group,
                                              std::span<const std::uint32_t> stratum);

/// Kruskal–Wallis with tie correction; df = non-empty groups - 1.
[[nodiscard]] ChiSquaredTest kruskal_wallis_test(std::span<const double> values, std::span<const std::uint32_t> group);

/// Pearson's chi-squared of an r × c table of counts (row-major), without continuity correction; empty rows and columns
/// are left out.
[[nodiscard]] ChiSquaredTest chi_squared_test(std::span<const double> counts, std::size_t rows, std::size_t columns);

}  // namespace immucan::stats
