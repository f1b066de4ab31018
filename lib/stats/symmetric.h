#pragma once
// Small symmetric positive-definite systems (a handful of coefficients), row-major p × p.
#include <cstddef>
#include <span>
#include <vector>

namespace immucan::stats {

/// Cholesky factor of a symmetric matrix; columns that depend on earlier ones are marked instead of failing.
class Cholesky {
 public:
  /// A pivot under `tolerance` × its diagonal element makes that column redundant.
  Cholesky(std::span<const double> matrix, std::size_t size, double tolerance = 1e-11);
  [[nodiscard]] bool full_rank() const { return rank_ == size_; }
  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] double log_determinant() const;
  /// Solution of A x = b in place; redundant entries become 0.
  void solve(std::span<double> b) const;
  [[nodiscard]] std::vector<double> inverse() const;
  /// b' A^-1 b.
  [[nodiscard]] double quadratic_form(std::span<const double> b) const;

 private:
  std::size_t size_, rank_ = 0;
  std::vector<double> lower_;
  std::vector<bool> redundant_;
};

}  // namespace immucan::stats
