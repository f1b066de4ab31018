#pragma once
#include <span>
#include <vector>

namespace immucan::stats {

/// Adjusted p-values in the order of `p`. NaN stays NaN and does not count as a test. Never above 1.
[[nodiscard]] std::vector<double> benjamini_hochberg(std::span<const double> p);   ///< 1995, false discovery rate
[[nodiscard]] std::vector<double> benjamini_yekutieli(std::span<const double> p);  ///< 2001, any dependence
[[nodiscard]] std::vector<double> holm(std::span<const double> p);                 ///< 1979, family-wise

/// Storey's q-values (2003): BH times the share of true nulls, from a smoothing spline with 3 degrees of freedom over
/// lambda = 0.05, 0.10, …, 0.95. The share is 1 where it cannot be had (no p beyond 0.95, or an estimate at or below
/// 0).
[[nodiscard]] std::vector<double> q_values(std::span<const double> p);
[[nodiscard]] double share_of_nulls(std::span<const double> p);

}  // namespace immucan::stats
