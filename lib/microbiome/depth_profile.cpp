#include "microbiome/depth_profile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace immucan::microbiome {

namespace {

/// Beyond so many standard deviations nothing is added up.
constexpr double kReach = 5;
constexpr double kLeastDensity = 1e-12;

template <class Visit>
void near(double log_depth, double deviation, double first, double step, std::size_t steps, Visit&& visit) {
  const double low = (log_depth - kReach * deviation - first) / step,
               high = (log_depth + kReach * deviation - first) / step;
  const auto last = static_cast<double>(steps - 1);
  for (auto i = static_cast<std::size_t>(std::clamp(low, 0.0, last));
       i <= static_cast<std::size_t>(std::clamp(high, 0.0, last)); ++i) {
    const double distance = (first + step * static_cast<double>(i) - log_depth) / deviation;
    visit(i, std::exp(-0.5 * distance * distance));
  }
}

}  // namespace

void DepthProfile::add(double log_depth, double deviation, double weight) {
  double sum = 0;
  near(log_depth, deviation, kFirst, kStep, kSteps, [&](std::size_t, double height) { sum += height; });
  if (sum <= 0) return;
  near(log_depth, deviation, kFirst, kStep, kSteps,
       [&](std::size_t i, double height) { density_[i] += weight * height / sum; });
}

void DepthProfile::normalise() {
  const double sum = std::accumulate(density_.begin(), density_.end(), 0.0);
  if (sum > 0)
    for (double& value : density_) value /= sum;
}

double DepthProfile::support(double log_depth, double variance) const {
  double sum = 0;
  near(log_depth, std::sqrt(variance), kFirst, kStep, kSteps,
       [&](std::size_t i, double height) { sum += density_[i] * height; });
  return sum;
}

double DepthProfile::log_density(double log_depth, double variance) const {
  return std::log(support(log_depth, variance) + kLeastDensity) - 0.5 * std::log(variance);
}

}  // namespace immucan::microbiome
