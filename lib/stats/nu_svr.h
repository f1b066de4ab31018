#pragma once
// Support-vector regression with a linear kernel in its nu form (Schölkopf et al. 2000).
#include <cstddef>
#include <span>
#include <vector>

namespace immucan::stats {

/// Minimises |w|² / 2 + C (nu l epsilon + Σ max(0, |y - w x - b| - epsilon)) over l points, epsilon >= 0.
struct NuSvr {
  std::vector<double> w;
  double b = 0, epsilon = 0;
  double dual_bound = 0;  ///< no solution has a lower objective than this
};
struct NuSvrOptions {
  double nu = 0.5, cost = 1, tolerance = 1e-6;
  std::size_t steps = 200'000;
};
/// `x` is row-major points × features. Sequential minimal optimisation on pairs of one sign (Chang and Lin 2002), which
/// is deterministic; ends when no pair violates its condition by more than the tolerance. The second of a pair is
/// chosen by what it gains (Fan, Chen and Lin 2005), up to 2,048 points.
[[nodiscard]] NuSvr nu_svr(std::span<const double> x, std::span<const double> y, const NuSvrOptions& options);

}  // namespace immucan::stats
