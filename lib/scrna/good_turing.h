#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::scrna {

/// Probability of each item from its count by Simple Good–Turing (Gale and Sampson, J. Quantitative Linguistics 2:217,
/// 1995): counts r are replaced by r* from a line through log Z_r against log r, from the first r where the Turing
/// estimate does not differ by 1.96 standard errors; items never seen share N1/N equally. Fewer than five distinct
/// positive counts allow no line: then (count + 1) / (N + items). Sums to 1; every probability is positive unless N1 =
/// 0 gives the unseen nothing. Empty where no count is positive.
[[nodiscard]] std::vector<double> good_turing(std::span<const std::uint64_t> counts);

}  // namespace immucan::scrna
