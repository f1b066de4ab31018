#pragma once
// Monotone cubic interpolation (Fritsch and Carlson, SIAM J. Numer. Anal. 17:238, 1980), as R's
// splinefun(method = "monoH.FC") evaluates it.
#include <span>
#include <vector>

namespace immucan::stats {

/// Cubic Hermite interpolation of monotone points. As in R, slopes are shortened piece by piece from the left without
/// looking back at the piece before, which then can dip by up to 1/27 of its height.
class MonotoneSpline {
 public:
  /// `x` ascending, `y` monotone, both finite and of equal length. Knots of equal x are joined at the mean of their y.
  /// At least two distinct x (kInternal otherwise).
  MonotoneSpline(std::span<const double> x, std::span<const double> y);
  /// Beyond the knots the line through the end knot with the slope there, as R.
  [[nodiscard]] double operator()(double at) const;
  [[nodiscard]] double first_x() const { return x_.front(); }
  [[nodiscard]] double last_x() const { return x_.back(); }
  [[nodiscard]] double first_y() const { return y_.front(); }
  [[nodiscard]] double last_y() const { return y_.back(); }

 private:
  std::vector<double> x_, y_, slope_;
};

/// R's default quantile (type 7, linear between order statistics) of ascending values; at least one.
[[nodiscard]] double sorted_quantile(std::span<const double> ascending, double probability);

}  // namespace immucan::stats
