#pragma once
// Cleveland's robust locally weighted regression (1979) and a bracketing root finder.
#include <functional>
#include <span>
#include <vector>

namespace immucan::stats {

/// Fitted values at `x`, which must be ascending. `span` is the share of points of each local line, `iterations` the
/// number of robust reweightings; between points closer than `delta` the fit is interpolated.
[[nodiscard]] std::vector<double> lowess(std::span<const double> x, std::span<const double> y, double span,
                                         int iterations, double delta);

/// Root of `function` between two points where its signs (`at_low`, `at_high`) differ, within `tolerance` (Brent 1973).
[[nodiscard]] double brent_root(const std::function<double(double)>& function, double low, double high, double at_low,
                                double at_high, double tolerance);

}  // namespace immucan::stats
