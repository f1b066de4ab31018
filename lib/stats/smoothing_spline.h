#pragma once
// Cubic smoothing spline with a given number of degrees of freedom.
#include <span>
#include <vector>

namespace immucan::stats {

/// Fitted values at `x` (ascending, distinct, at least 4). The penalty is searched as R's smooth.spline does, down to
/// its tolerance: the degrees of freedom are met within about 1e-4 and the fit is the one R reports.
[[nodiscard]] std::vector<double> smoothing_spline(std::span<const double> x, std::span<const double> y, double df);

}  // namespace immucan::stats
