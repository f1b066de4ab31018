#include "stats/multiple_testing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "stats/smoothing_spline.h"

namespace immucan::stats {

namespace {

/// Positions of the tests (not NaN) by ascending p.
std::vector<std::size_t> ascending(std::span<const double> p) {
  std::vector<std::size_t> order;
  order.reserve(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!std::isnan(p[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  return order;
}

/// Step-up: min over k >= i of factor * p_k * m / k.
std::vector<double> step_up(std::span<const double> p, bool any_dependence) {
  std::vector<double> adjusted(p.size(), std::numeric_limits<double>::quiet_NaN());
  const auto order = ascending(p);
  const auto tests = static_cast<double>(order.size());
  double factor = 1;
  if (any_dependence) {
    factor = 0;
    for (std::size_t i = 1; i <= order.size(); ++i) factor += 1 / static_cast<double>(i);
  }
  double least = 1;
  for (std::size_t k = order.size(); k-- > 0;) {
    least = std::min(least, factor * tests / static_cast<double>(k + 1) * p[order[k]]);
    adjusted[order[k]] = least;
  }
  return adjusted;
}

}  // namespace

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  return step_up(p, false);
}
std::vector<double> benjamini_yekutieli(std::span<const double> p) {
  return step_up(p, true);
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<double> adjusted(p.size(), std::numeric_limits<double>::quiet_NaN());
  const auto order = ascending(p);
  double greatest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    greatest = std::max(greatest, static_cast<double>(order.size() - k) * p[order[k]]);
    adjusted[order[k]] = std::min(1.0, greatest);
  }
  return adjusted;
}

double share_of_nulls(std::span<const double> p) {
  constexpr int kSteps = 19;
  std::vector<double> lambda, share;
  double tests = 0;
  for (const double value : p) tests += std::isnan(value) ? 0 : 1;
  for (int step = 1; step <= kSteps; ++step) {
    // Rounded as R's seq() rounds, which decides where a p lies on the grid.
    lambda.push_back(0.05 + 0.05 * (step - 1));
    double beyond = 0;
    for (const double value : p) beyond += value >= lambda.back() ? 1 : 0;
    if (beyond == 0) return 1;
    share.push_back(beyond / (tests * (1 - lambda.back())));
  }
  const double last = smoothing_spline(lambda, share, 3).back();
  return last > 0 ? std::min(last, 1.0) : 1;
}

std::vector<double> q_values(std::span<const double> p) {
  std::vector<double> q = benjamini_hochberg(p);
  const double share = share_of_nulls(p);
  for (double& value : q) value *= share;
  return q;
}

}  // namespace immucan::stats
