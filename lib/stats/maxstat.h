#pragma once
// Maximally selected rank statistics: the price of an optimal cut-point (Lausen and Schumacher 1992; Hothorn and Lausen
// 2003).
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

/// Log-rank scores: event minus the cumulative hazard at the time (Nelson–Aalen).
[[nodiscard]] std::vector<double> log_rank_scores(std::span<const double> time, std::span<const std::uint8_t> event);

struct MaximalCut {
  double cut = 0;                   ///< low group: values <= cut
  double statistic = 0;             ///< largest standardised statistic; NaN when there is no cut
  double p_lau92 = 1, p_lau94 = 1;  ///< never above 1
  std::size_t low = 0, high = 0;
};

/// All cuts between distinct values that leave at least floor(n · min_share) and at most floor(n · max_share) below.
class MaximallySelected {
 public:
  MaximallySelected(std::span<const double> values, double min_share = 0.1, double max_share = 0.9);
  /// `scores` in the order of `values`.
  [[nodiscard]] MaximalCut test(std::span<const double> scores) const;
  /// The statistic alone, for scores already in the order of the sorted values (permutations).
  [[nodiscard]] double statistic(std::span<const double> sorted_scores) const;
  [[nodiscard]] bool has_cut() const { return !below_.empty(); }

 private:
  std::vector<std::uint32_t> order_;
  std::vector<double> sorted_;
  std::vector<std::size_t> below_;  ///< numbers of values below the candidate cuts
  double min_share_, max_share_;
};

}  // namespace immucan::stats
