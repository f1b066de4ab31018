#include "stats/kernel_cdf.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/distributions.h"

namespace immucan::stats {

namespace {

// With points within half a bandwidth of their cell's centre, the terms left out are below 0.5^20 / sqrt(20!) = 6e-16
// each.
constexpr std::size_t kOrder = 20;
// Phi(-8) = 6e-16: cells further apart than this are below or above each other entirely.
constexpr std::ptrdiff_t kReach = 9;
constexpr std::size_t kDirectLimit = 48;

/// Phi and its derivatives of order 0 … count-1 at x: the m-th is (-1)^(m-1) He_{m-1}(x) phi(x).
std::vector<double> normal_derivatives(double x, std::size_t count) {
  std::vector<double> result(count);
  const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
  result[0] = normal_cdf(x);
  double previous = 0, hermite = 1, sign = 1;
  for (std::size_t m = 1; m < count; ++m) {
    result[m] = sign * hermite * density;
    const double next = x * hermite - static_cast<double>(m - 1) * previous;
    previous = hermite;
    hermite = next;
    sign = -sign;
  }
  return result;
}

}  // namespace

GaussianKernelCdf::GaussianKernelCdf() : translation_((2 * kReach + 1) * kOrder * kOrder) {
  std::vector<double> factorial(kOrder, 1.0);
  for (std::size_t k = 1; k < kOrder; ++k) factorial[k] = factorial[k - 1] * static_cast<double>(k);
  for (std::ptrdiff_t distance = -kReach; distance <= kReach; ++distance) {
    const auto derivative = normal_derivatives(static_cast<double>(distance), 2 * kOrder);
    double* table = &translation_[static_cast<std::size_t>(distance + kReach) * kOrder * kOrder];
    for (std::size_t source = 0; source < kOrder; ++source) {
      for (std::size_t target = 0; target < kOrder; ++target) {
        // Moments carry 1/k!; (t - s)^m expands with alternating signs in s.
        table[source * kOrder + target] =
            (source % 2 == 0 ? 1.0 : -1.0) * derivative[source + target] / factorial[target];
      }
    }
  }
}

void GaussianKernelCdf::direct(std::span<const double> values, double bandwidth, std::span<double> result) {
  const auto n = static_cast<double>(values.size());
  for (std::size_t j = 0; j < values.size(); ++j) {
    double sum = 0;
    for (const double value : values) sum += normal_cdf((values[j] - value) / bandwidth);
    result[j] = sum / n;
  }
}

void GaussianKernelCdf::evaluate(std::span<const double> values, double bandwidth, std::span<double> result) {
  const std::size_t n = values.size();
  if (n <= kDirectLimit) return direct(values, bandwidth, result);
  const double least = *std::ranges::min_element(values);
  const double width = (*std::ranges::max_element(values) - least) / bandwidth;
  // The range of n values is at most sqrt(2 n) standard deviations; anything wider is not a sensible bandwidth.
  if (!(width < 1e5)) return direct(values, bandwidth, result);
  const auto cells = static_cast<std::size_t>(width) + 1;
  moments_.assign(cells * kOrder, 0.0);
  local_.assign(cells * kOrder, 0.0);
  count_.assign(cells, 0.0);
  cell_.resize(n);
  const auto offset = [&](std::size_t i) {
    return (values[i] - least) / bandwidth - (static_cast<double>(cell_[i]) + 0.5);
  };
  for (std::size_t i = 0; i < n; ++i) {
    cell_[i] = std::min(cells - 1, static_cast<std::size_t>((values[i] - least) / bandwidth));
    count_[cell_[i]] += 1;
    double* moment = &moments_[cell_[i] * kOrder];
    const double s = offset(i);
    double term = 1;
    for (std::size_t k = 0; k < kOrder; ++k) {
      moment[k] += term;
      term *= s / static_cast<double>(k + 1);
    }
  }
  double below = 0;  // points in cells far below the target cell
  for (std::size_t target = 0; target < cells; ++target) {
    const auto here = static_cast<std::ptrdiff_t>(target);
    if (here - kReach - 1 >= 0) below += count_[static_cast<std::size_t>(here - kReach - 1)];
    if (count_[target] == 0) continue;
    double* series = &local_[target * kOrder];
    series[0] = below;
    const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, here - kReach);
    const std::ptrdiff_t last = std::min(static_cast<std::ptrdiff_t>(cells) - 1, here + kReach);
    for (std::ptrdiff_t source = first; source <= last; ++source) {
      const auto from = static_cast<std::size_t>(source);
      if (count_[from] == 0) continue;
      const double* table = &translation_[static_cast<std::size_t>(here - source + kReach) * kOrder * kOrder];
      for (std::size_t k = 0; k < kOrder; ++k) {
        const double moment = moments_[from * kOrder + k];
        for (std::size_t j = 0; j < kOrder; ++j) series[j] += moment * table[k * kOrder + j];
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double* series = &local_[cell_[i] * kOrder];
    const double t = offset(i);
    double sum = series[kOrder - 1];
    for (std::size_t j = kOrder - 1; j-- > 0;) sum = sum * t + series[j];
    result[i] = sum / static_cast<double>(n);
  }
}

}  // namespace immucan::stats
