#include "stats/monotone_spline.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/error.h"

namespace immucan::stats {

MonotoneSpline::MonotoneSpline(std::span<const double> x, std::span<const double> y) {
  for (std::size_t i = 0; i < x.size();) {
    std::size_t end = i;
    double sum = 0;
    for (; end < x.size() && x[end] == x[i]; ++end) sum += y[end];
    x_.push_back(x[i]);
    y_.push_back(sum / static_cast<double>(end - i));
    i = end;
  }
  const std::size_t n = x_.size();
  if (n < 2) throw core::Error(core::Status::kInternal, "a spline needs two distinct knots");
  std::vector<double> secant(n - 1);
  for (std::size_t i = 0; i + 1 < n; ++i) secant[i] = (y_[i + 1] - y_[i]) / (x_[i + 1] - x_[i]);
  slope_.resize(n);
  slope_.front() = secant.front();
  slope_.back() = secant.back();
  for (std::size_t i = 1; i + 1 < n; ++i) slope_[i] = (secant[i - 1] + secant[i]) / 2;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (secant[i] == 0) {
      slope_[i] = slope_[i + 1] = 0;
      continue;
    }
    const double alpha = slope_[i] / secant[i], beta = slope_[i + 1] / secant[i];
    const double left = 2 * alpha + beta - 3, right = alpha + 2 * beta - 3;
    // Outside the region where the cubic is monotone: onto the circle of radius 3.
    if (left > 0 && right > 0 && alpha * (left + right) < left * left) {
      const double scale = 3 * secant[i] / std::sqrt(alpha * alpha + beta * beta);
      slope_[i] = scale * alpha;
      slope_[i + 1] = scale * beta;
    }
  }
}

double MonotoneSpline::operator()(double at) const {
  if (at < x_.front()) return y_.front() + slope_.front() * (at - x_.front());
  if (at > x_.back()) return y_.back() + slope_.back() * (at - x_.back());
  const auto above = std::upper_bound(x_.begin() + 1, x_.end() - 1, at);
  const auto i = static_cast<std::size_t>(above - x_.begin()) - 1;
  const double width = x_[i + 1] - x_[i], t = (at - x_[i]) / width, u = t - 1;
  const double right = t * t * (3 - 2 * t);
  return y_[i] * (1 - right) + y_[i + 1] * right + width * t * u * (slope_[i] * u + slope_[i + 1] * t);
}

double sorted_quantile(std::span<const double> ascending, double probability) {
  const double position = static_cast<double>(ascending.size() - 1) * probability;
  const auto below = std::min(static_cast<std::size_t>(position + 4e-16 * position), ascending.size() - 1);
  const double part = position - static_cast<double>(below);
  if (below + 1 == ascending.size() || part <= 0) return ascending[below];
  return ascending[below] + part * (ascending[below + 1] - ascending[below]);
}

}  // namespace immucan::stats
