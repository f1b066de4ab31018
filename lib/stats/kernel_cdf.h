#pragma once
// Kernel estimate of a cumulative distribution function at data points.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

/// F(t_j) = mean over i of Phi((t_j - x_i) / bandwidth), for all j. Sources and targets are gathered in cells of one
/// bandwidth, between which the normal CDF is a Taylor series in both arguments (as in the fast Gauss transform): the
/// cost grows with the points, not with their square. Within 1e-12 of the direct sum; equal values give equal results,
/// and a target's result depends on the sources alone, to the bit. Reuses its buffers; one object per thread.
class GaussianKernelCdf {
 public:
  GaussianKernelCdf();
  void evaluate(std::span<const double> sources, double bandwidth, std::span<const double> targets,
                std::span<double> result);
  /// At the sources themselves.
  void evaluate(std::span<const double> values, double bandwidth, std::span<double> result) {
    evaluate(values, bandwidth, values, result);
  }
  /// The direct sum, which is cheaper for few points.
  static void direct(std::span<const double> sources, double bandwidth, std::span<const double> targets,
                     std::span<double> result);
  static void direct(std::span<const double> values, double bandwidth, std::span<double> result) {
    direct(values, bandwidth, values, result);
  }

 private:
  std::vector<double> translation_;  ///< per cell distance: target order × source order
  std::vector<double> moments_, local_;
  std::vector<double> count_;
  std::vector<double> place_;         ///< of each target, in bandwidths above the least source
  std::vector<std::uint8_t> wanted_;  ///< cells with targets

  void gather_sources(std::span<const double> sources, double least, double bandwidth);
  void expand(std::size_t cell, double below);
};

}  // namespace immucan::stats
