#include "stats/kernel_cdf.h"

#include <algorithm>
#include <array>
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

void GaussianKernelCdf::direct(std::span<const double> sources, double bandwidth, std::span<const double> targets,
                               std::span<double> result) {
  const auto n = static_cast<double>(sources.size());
  for (std::size_t j = 0; j < targets.size(); ++j) {
    double sum = 0;
    for (const double source : sources) sum += normal_cdf((targets[j] - source) / bandwidth);
    result[j] = sum / n;
  }
}

/// Moments of the sources of each cell about its centre, each with 1/k!.
void GaussianKernelCdf::gather_sources(std::span<const double> sources, double least, double bandwidth) {
  const std::size_t cells = count_.size();
  for (const double source : sources) {
    const double place = (source - least) / bandwidth;
    const std::size_t cell = std::min(cells - 1, static_cast<std::size_t>(place));
    count_[cell] += 1;
    double* moment = &moments_[cell * kOrder];
    const double s = place - (static_cast<double>(cell) + 0.5);
    double term = 1;
    for (std::size_t k = 0; k < kOrder; ++k) {
      moment[k] += term;
      term *= s / static_cast<double>(k + 1);
    }
  }
}

/// The series of a target cell from the moments of the cells within reach; `below` sources lie below those.
void GaussianKernelCdf::expand(std::size_t cell, double below) {
  const auto cells = static_cast<std::ptrdiff_t>(count_.size()), here = static_cast<std::ptrdiff_t>(cell);
  // A local array aliases nothing, so that the inner loop runs in vector registers.
  std::array<double, kOrder> series{};
  series[0] = below;
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, here - kReach), last = std::min(cells - 1, here + kReach);
  for (std::ptrdiff_t source = first; source <= last; ++source) {
    const auto from = static_cast<std::size_t>(source);
    if (count_[from] == 0) continue;
    const double* table = &translation_[static_cast<std::size_t>(here - source + kReach) * kOrder * kOrder];
    for (std::size_t k = 0; k < kOrder; ++k) {
      const double moment = moments_[from * kOrder + k];
      for (std::size_t j = 0; j < kOrder; ++j) series[j] += moment * table[k * kOrder + j];
    }
  }
  std::ranges::copy(series, local_.begin() + static_cast<std::ptrdiff_t>(cell * kOrder));
}

void GaussianKernelCdf::evaluate(std::span<const double> sources, double bandwidth, std::span<const double> targets,
                                 std::span<double> result) {
  const std::size_t n = sources.size();
  if (n <= kDirectLimit) return direct(sources, bandwidth, targets, result);
  const double least = *std::ranges::min_element(sources);
  const double width = (*std::ranges::max_element(sources) - least) / bandwidth;
  // The range of n values is at most sqrt(2 n) standard deviations; anything wider is not a sensible bandwidth.
  if (!(width < 1e5)) return direct(sources, bandwidth, targets, result);
  const auto cells = static_cast<std::size_t>(width) + 1;
  moments_.assign(cells * kOrder, 0.0);
  local_.assign(cells * kOrder, 0.0);
  count_.assign(cells, 0.0);
  wanted_.assign(cells, 0);
  gather_sources(sources, least, bandwidth);
  place_.resize(targets.size());
  const auto outside = [&](double place) { return !(place >= 0 && place <= width); };
  const auto cell_of = [&](double place) { return std::min(cells - 1, static_cast<std::size_t>(place)); };
  for (std::size_t i = 0; i < targets.size(); ++i) {
    place_[i] = (targets[i] - least) / bandwidth;
    if (!outside(place_[i])) wanted_[cell_of(place_[i])] = 1;
  }
  double below = 0;  // sources in cells far below the target cell
  for (std::size_t cell = 0; cell < cells; ++cell) {
    if (cell > static_cast<std::size_t>(kReach)) below += count_[cell - static_cast<std::size_t>(kReach) - 1];
    if (wanted_[cell] != 0) expand(cell, below);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (outside(place_[i])) {
      direct(sources, bandwidth, targets.subspan(i, 1), result.subspan(i, 1));
      continue;
    }
    const std::size_t cell = cell_of(place_[i]);
    const double* series = &local_[cell * kOrder];
    const double t = place_[i] - (static_cast<double>(cell) + 0.5);
    double sum = series[kOrder - 1];
    for (std::size_t j = kOrder - 1; j-- > 0;) sum = sum * t + series[j];
    result[i] = sum / static_cast<double>(n);
  }
}

}  // namespace immucan::stats
