#pragma once
// Two measurements of the same patients.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

struct SignedRankTest {
  double v = 0;  ///< sum of the ranks of the positive differences (R's V)
  double p = 1;  ///< two-sided; NaN without differences
  bool exact = false;
};
/// Wilcoxon's signed-rank test by R's rule: exact with fewer than 50 differences, none of them 0 and no ties; else
/// normal with tie-corrected variance and continuity correction, zeros left out.
[[nodiscard]] SignedRankTest signed_rank_test(std::span<const double> differences);

struct PairedTTest {
  double mean = 0, se = 0, t = 0, df = 0, p = 1;
};
[[nodiscard]] PairedTTest paired_t_test(std::span<const double> differences);

struct MixedModel {
  std::vector<double> coefficients, errors;
  double residual_variance = 0, group_variance = 0;
};
/// Linear model with a random intercept per group by restricted maximum likelihood. `design` is row-major rows ×
/// columns and of full rank (the constant included); `group` numbers the groups 0, 1, …
[[nodiscard]] MixedModel random_intercept_model(std::span<const double> design, std::size_t columns,
                                                std::span<const double> outcome, std::span<const std::uint32_t> group);

}  // namespace immucan::stats
