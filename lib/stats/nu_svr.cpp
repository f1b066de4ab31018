#include "stats/nu_svr.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace immucan::stats {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLeastCurvature = 1e-12;
// Inner products of all pairs of points (32 MB at most) make a step cost the points, not points times features.
constexpr std::size_t kPointsWithProducts = 2048;

/// The two groups of multipliers: of residuals above (sign 1) and below (sign -1) the tube.
class Optimiser {
 public:
  Optimiser(std::span<const double> x, std::span<const double> y, const NuSvrOptions& options)
      : x_(x),
        y_(y),
        options_(options),
        points_(y.size()),
        features_(x.size() / y.size()),
        w_(features_, 0.0),
        fitted_(points_, 0.0) {
    double left = options.cost * options.nu * static_cast<double>(points_) / 2;
    for (std::vector<double>* group : {&alpha_[0], &alpha_[1]}) group->assign(points_, 0.0);
    for (std::size_t i = 0; i < points_ && left > 0; ++i) {
      const double share = std::min(left, options.cost);
      alpha_[0][i] = alpha_[1][i] = share;
      left -= share;
    }
    if (points_ > kPointsWithProducts) return;
    products_.resize(points_ * points_);
    for (std::size_t i = 0; i < points_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) products_[i * points_ + j] = products_[j * points_ + i] = product(i, j);
    }
  }

  void run() {
    for (std::size_t step = 0; step < options_.steps; ++step) {
      const Pair first = worst_pair(0), second = worst_pair(1);
      const std::size_t group = first.violation >= second.violation ? 0 : 1;
      Pair pair = group == 0 ? first : second;
      if (!(pair.violation > options_.tolerance)) return;
      choose_partner(group, pair);
      move(group, pair);
    }
  }

  [[nodiscard]] NuSvr result() const {
    NuSvr svr{w_, 0, 0, 0};
    // A point on the upper edge of the tube has y - w x - b = epsilon, on the lower edge -epsilon.
    const double above = edge(0), below = edge(1);
    svr.b = (above - below) / 2;
    svr.epsilon = std::max(0.0, (above + below) / 2);
    for (const double v : w_) svr.dual_bound -= v * v / 2;
    for (std::size_t i = 0; i < points_; ++i) svr.dual_bound += y_[i] * (alpha_[0][i] - alpha_[1][i]);
    return svr;
  }

 private:
  struct Pair {
    std::size_t up = 0, down = 0;
    double violation = 0;
  };

  [[nodiscard]] double product(std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t k = 0; k < features_; ++k) sum += x_[i * features_ + k] * x_[j * features_ + k];
    return sum;
  }

  [[nodiscard]] double curvature(std::size_t i, std::size_t j) const {
    if (!products_.empty()) {
      return products_[i * points_ + i] + products_[j * points_ + j] - 2 * products_[i * points_ + j];
    }
    double sum = 0;
    for (std::size_t k = 0; k < features_; ++k) {
      const double gap = x_[i * features_ + k] - x_[j * features_ + k];
      sum += gap * gap;
    }
    return sum;
  }

  [[nodiscard]] double gradient(std::size_t group, std::size_t i) const {
    return group == 0 ? fitted_[i] - y_[i] : y_[i] - fitted_[i];
  }

  [[nodiscard]] Pair worst_pair(std::size_t group) const {
    Pair pair;
    double least = kInfinity, greatest = -kInfinity;
    for (std::size_t i = 0; i < points_; ++i) {
      const double g = gradient(group, i);
      if (alpha_[group][i] < options_.cost && g < least) {
        least = g;
        pair.up = i;
      }
      if (alpha_[group][i] > 0 && g > greatest) {
        greatest = g;
        pair.down = i;
      }
    }
    pair.violation = greatest - least;
    return pair;
  }

  /// The partner that lowers the objective most (Fan, Chen and Lin 2005), where products are at hand.
  void choose_partner(std::size_t group, Pair& pair) const {
    if (products_.empty()) return;
    const double least = gradient(group, pair.up);
    double best = 0;
    for (std::size_t i = 0; i < points_; ++i) {
      const double gap = gradient(group, i) - least;
      if (!(alpha_[group][i] > 0) || !(gap > 0)) continue;
      const double gain = gap * gap / std::max(curvature(pair.up, i), kLeastCurvature);
      if (gain <= best) continue;
      best = gain;
      pair.down = i;
    }
    pair.violation = gradient(group, pair.down) - least;
  }

  void move(std::size_t group, const Pair& pair) {
    const double room = std::min(options_.cost - alpha_[group][pair.up], alpha_[group][pair.down]);
    const double step = std::min(room, pair.violation / std::max(curvature(pair.up, pair.down), kLeastCurvature));
    // Bounds are reached exactly, so that a pair at its bound is not chosen again.
    alpha_[group][pair.up] =
        step == options_.cost - alpha_[group][pair.up] ? options_.cost : alpha_[group][pair.up] + step;
    alpha_[group][pair.down] = step == alpha_[group][pair.down] ? 0 : alpha_[group][pair.down] - step;
    const double sign = group == 0 ? step : -step;
    std::vector<double> change(features_);
    for (std::size_t k = 0; k < features_; ++k) {
      change[k] = sign * (x_[pair.up * features_ + k] - x_[pair.down * features_ + k]);
      w_[k] += change[k];
    }
    if (!products_.empty()) {
      const double* up = &products_[pair.up * points_];
      const double* down = &products_[pair.down * points_];
      for (std::size_t i = 0; i < points_; ++i) fitted_[i] += sign * (up[i] - down[i]);
      return;
    }
    for (std::size_t i = 0; i < points_; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < features_; ++k) sum += change[k] * x_[i * features_ + k];
      fitted_[i] += sum;
    }
  }

  /// Distance of the edge from the fit: the mean over free multipliers, else the middle of what bounds allow.
  [[nodiscard]] double edge(std::size_t group) const {
    double sum = 0, count = 0, at_cost = kInfinity, at_zero = -kInfinity;
    for (std::size_t i = 0; i < points_; ++i) {
      const double distance = -gradient(group, i);
      if (alpha_[group][i] >= options_.cost) {
        at_cost = std::min(at_cost, distance);
      } else if (alpha_[group][i] <= 0) {
        at_zero = std::max(at_zero, distance);
      } else {
        sum += distance;
        count += 1;
      }
    }
    if (count > 0) return sum / count;
    if (std::isinf(at_cost)) return at_zero;
    return std::isinf(at_zero) ? at_cost : (at_cost + at_zero) / 2;
  }

  std::span<const double> x_, y_;
  const NuSvrOptions& options_;
  std::size_t points_, features_;
  std::vector<double> w_, fitted_, products_;
  std::array<std::vector<double>, 2> alpha_;
};

}  // namespace

NuSvr nu_svr(std::span<const double> x, std::span<const double> y, const NuSvrOptions& options) {
  Optimiser optimiser(x, y, options);
  optimiser.run();
  return optimiser.result();
}

}  // namespace immucan::stats
