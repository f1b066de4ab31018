#include "cytof/mahalanobis.h"

#include <array>
#include <cmath>

namespace immucan::cytof {
namespace {

/// In place, lower triangle. False when a pivot is not clearly positive.
bool cholesky(std::vector<double>& a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    double pivot = a[j * n + j];
    const double scale = pivot;
    for (std::size_t k = 0; k < j; ++k) pivot -= a[j * n + k] * a[j * n + k];
    if (!(pivot > 1e-13 * scale) || !std::isfinite(pivot)) return false;
    const double root = std::sqrt(pivot);
    a[j * n + j] = root;
    for (std::size_t i = j + 1; i < n; ++i) {
      double value = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) value -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = value / root;
    }
  }
  return true;
}

}  // namespace

Mahalanobis::Builder::Builder(std::size_t dimensions) : mean_(dimensions), square_(dimensions * dimensions) {}

void Mahalanobis::Builder::add_to_mean(std::span<const double> point) {
  for (std::size_t d = 0; d < mean_.size(); ++d) mean_[d] += point[d];
  ++count_;
}

void Mahalanobis::Builder::add_to_covariance(std::span<const double> point) {
  const std::size_t n = mean_.size();
  if (!divided_) {
    for (double& mean : mean_) mean /= static_cast<double>(count_);
    divided_ = true;
  }
  for (std::size_t a = 0; a < n; ++a) {
    const double da = point[a] - mean_[a];
    for (std::size_t b = 0; b <= a; ++b) square_[a * n + b] += da * (point[b] - mean_[b]);
  }
}

std::optional<Mahalanobis> Mahalanobis::Builder::finish() {
  if (count_ <= mean_.size() || mean_.empty()) return std::nullopt;
  Mahalanobis result;
  result.mean_ = mean_;
  result.factor_ = square_;
  for (double& value : result.factor_) value /= static_cast<double>(count_ - 1);
  if (!cholesky(result.factor_, mean_.size())) return std::nullopt;
  return result;
}

std::optional<Mahalanobis> Mahalanobis::fit(std::span<const double> points, std::size_t dimensions) {
  const std::size_t n = dimensions == 0 ? 0 : points.size() / dimensions;
  Builder builder(dimensions);
  for (std::size_t i = 0; i < n; ++i) builder.add_to_mean(points.subspan(i * dimensions, dimensions));
  for (std::size_t i = 0; i < n; ++i) builder.add_to_covariance(points.subspan(i * dimensions, dimensions));
  return builder.finish();
}

double Mahalanobis::squared(std::span<const double> point) const {
  // Solves L·z = x − mean; the distance is |z|².
  constexpr std::size_t kInline = 16;
  std::array<double, kInline> small{};
  std::vector<double> large;
  const std::size_t n = mean_.size();
  double* z = small.data();
  if (n > kInline) {
    large.resize(n);
    z = large.data();
  }
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double value = point[i] - mean_[i];
    for (std::size_t k = 0; k < i; ++k) value -= factor_[i * n + k] * z[k];
    z[i] = value / factor_[i * n + i];
    sum += z[i] * z[i];
  }
  return sum;
}

}  // namespace immucan::cytof
