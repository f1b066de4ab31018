#pragma once
// Least squares under x >= 0 and bounds on the sum of x: exact, by active sets on the normal equations.
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace immucan::stats {

/// The x >= 0 with lower <= sum(x) <= upper that minimises x' G x / 2 - c' x, where G = A'WA and c = A'Wb of a weighted
/// least-squares problem (`gram`, row-major size × size, positive definite). Lawson and Hanson's (1974) active sets in
/// the form of Bro and de Jong (1997); the multiplier of the sum is found by Newton steps on a piecewise linear
/// function, so the result is that of the final active set and not of a penalty. Empty when the columns depend on each
/// other.
[[nodiscard]] std::vector<double> bounded_sum_least_squares(std::span<const double> gram, std::span<const double> c,
                                                            double lower = 0,
                                                            double upper = std::numeric_limits<double>::infinity());

}  // namespace immucan::stats
