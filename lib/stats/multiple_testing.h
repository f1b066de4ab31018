#pragma once
#include <span>
#include <vector>

namespace immucan::stats {

/// Adjusted p-values in the order of `p`. NaN stays NaN and does not count as a test. Never above 1.
[[nodiscard]] std::vector<double> benjamini_hochberg(std::span<const double> p);   ///< 1995, false discovery rate
[[nodiscard]] std::vector<double> benjamini_yekutieli(std::span<const double> p);  ///< 2001, any dependence
[[nodiscard]] std::vector<double> holm(std::span<const double> p);                 ///< 1979, family-wise

}  // namespace immucan::stats
