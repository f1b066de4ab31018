#pragma once
// At which depths pieces of a species are expected: the depth of the species, and where several strains of it are
// there, the depths of each.
#include <array>
#include <cstddef>

namespace immucan::microbiome {

/// A density over the logarithm of depth, from 0.3 x to 400 x.
class DepthProfile {
 public:
  /// Adds a normal bump.
  void add(double log_depth, double deviation, double weight);
  /// Makes the sum 1. Call once, after the last add().
  void normalise();
  /// Mean of exp(-d² / 2 variance) over the density, d the distance from `log_depth`: near 1 where all of it lies
  /// there.
  [[nodiscard]] double support(double log_depth, double variance) const;
  /// Logarithm of the density convolved with a normal error, up to a constant.
  [[nodiscard]] double log_density(double log_depth, double variance) const;

 private:
  static constexpr std::size_t kSteps = 144;
  static constexpr double kFirst = -1.2039728043259361, kStep = 0.05;  // ln 0.3
  std::array<double, kSteps> density_{};
};

}  // namespace immucan::microbiome
