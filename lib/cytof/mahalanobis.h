#pragma once
// Mahalanobis distance in a few dimensions (bead or barcode channels).
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace immucan::cytof {

/// Mean and covariance (divisor n − 1) of points, kept as a Cholesky factor.
class Mahalanobis {
 public:
  /// `points`: row-major, `dimensions` values per point. nullopt when there are not more points than dimensions or the
  /// covariance is not positive definite.
  static std::optional<Mahalanobis> fit(std::span<const double> points, std::size_t dimensions);
  /// Squared distance of a point of `dimensions` values.
  [[nodiscard]] double squared(std::span<const double> point) const;
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }

 private:
  std::vector<double> mean_;
  std::vector<double> factor_;  ///< lower triangle of L with L·Lᵀ = covariance, row-major
};

}  // namespace immucan::cytof
