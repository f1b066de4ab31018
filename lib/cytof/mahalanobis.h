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

  /// The same from points that are not held: all once for the mean, then all once more for the covariance.
  class Builder {
   public:
    explicit Builder(std::size_t dimensions);
    void add_to_mean(std::span<const double> point);
    void add_to_covariance(std::span<const double> point);
    [[nodiscard]] std::optional<Mahalanobis> finish();

   private:
    std::vector<double> mean_, square_;
    std::size_t count_ = 0;
    bool divided_ = false;
  };

  /// Squared distance of a point of `dimensions` values.
  [[nodiscard]] double squared(std::span<const double> point) const;
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }

 private:
  std::vector<double> mean_;
  std::vector<double> factor_;  ///< lower triangle of L with L·Lᵀ = covariance, row-major
};

}  // namespace immucan::cytof
