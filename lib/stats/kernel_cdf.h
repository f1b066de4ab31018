#pragma once
// Kernel estimate of a cumulative distribution function at its own data points.
#include <cstddef>
#include <span>
#include <vector>

namespace immucan::stats {

/// F(x_j) = mean over i of Phi((x_j - x_i) / bandwidth), for all j. Sources and targets are gathered in cells of one
/// bandwidth, between which the normal CDF is a Taylor series in both arguments (as in the fast Gauss transform): the
/// cost grows with the points, not with their square. Within 1e-12 of the direct sum; equal values give equal results.
/// Reuses its buffers; one object per thread.
class GaussianKernelCdf {
 public:
  GaussianKernelCdf();
  void evaluate(std::span<const double> values, double bandwidth, std::span<double> result);
  /// The direct sum, which is cheaper for few points.
  static void direct(std::span<const double> values, double bandwidth, std::span<double> result);

 private:
  std::vector<double> translation_;  ///< per cell distance: target order × source order
  std::vector<double> moments_, local_;
  std::vector<double> count_;
  std::vector<std::size_t> cell_;
};

}  // namespace immucan::stats
