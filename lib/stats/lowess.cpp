#include "stats/lowess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace immucan::stats {

namespace {

/// Local line through the points from `left` on that lie within reach, evaluated at `at`.
std::optional<double> local_line(std::span<const double> x, std::span<const double> y, double at, std::size_t left,
                                 std::size_t right, std::span<const double> robustness, std::vector<double>& weight) {
  const double reach = std::max(at - x[left], x[right] - at);
  double total = 0;
  std::size_t end = left;
  for (; end < x.size(); ++end) {
    weight[end] = 0;
    const double distance = std::fabs(x[end] - at);
    if (distance <= 0.999 * reach) {
      const double share = distance / reach;
      const double inner = 1 - share * share * share;
      weight[end] = distance <= 0.001 * reach ? 1.0 : inner * inner * inner;
      if (!robustness.empty()) weight[end] *= robustness[end];
      total += weight[end];
    } else if (x[end] > at) {
      break;
    }
  }
  if (!(total > 0)) return std::nullopt;
  double centre = 0, spread = 0, result = 0;
  for (std::size_t j = left; j < end; ++j) {
    weight[j] /= total;
    centre += weight[j] * x[j];
  }
  if (reach > 0) {
    for (std::size_t j = left; j < end; ++j) spread += weight[j] * (x[j] - centre) * (x[j] - centre);
    if (std::sqrt(spread) > 0.001 * (x.back() - x.front())) {
      const double slope = (at - centre) / spread;
      for (std::size_t j = left; j < end; ++j) weight[j] *= slope * (x[j] - centre) + 1;
    }
  }
  for (std::size_t j = left; j < end; ++j) result += weight[j] * y[j];
  return result;
}

void one_pass(std::span<const double> x, std::span<const double> y, std::size_t window, double delta,
              std::span<const double> robustness, std::vector<double>& weight, std::vector<double>& fitted) {
  const std::size_t n = x.size();
  std::size_t left = 0, right = window - 1, i = 0;
  std::optional<std::size_t> last;
  while (true) {
    while (right + 1 < n && x[i] - x[left] > x[right + 1] - x[i]) {
      ++left;
      ++right;
    }
    fitted[i] = local_line(x, y, x[i], left, right, robustness, weight).value_or(y[i]);
    if (last && *last + 1 < i) {
      const double width = x[i] - x[*last];
      for (std::size_t j = *last + 1; j < i; ++j) {
        const double share = (x[j] - x[*last]) / width;
        fitted[j] = share * fitted[i] + (1 - share) * fitted[*last];
      }
    }
    last = i;
    const double cut = x[i] + delta;
    for (i = *last + 1; i < n && x[i] <= cut; ++i) {
      if (x[i] == x[*last]) {
        fitted[i] = fitted[*last];
        last = i;
      }
    }
    if (*last + 1 >= n) return;
    i = std::max(*last + 1, i - 1);
  }
}

}  // namespace

std::vector<double> lowess(std::span<const double> x, std::span<const double> y, double span, int iterations,
                           double delta) {
  const std::size_t n = x.size();
  std::vector<double> fitted(y.begin(), y.end());
  if (n < 2) return fitted;
  const std::size_t window =
      std::max<std::size_t>(2, std::min(n, static_cast<std::size_t>(span * static_cast<double>(n) + 1e-7)));
  std::vector<double> robustness, weight(n), absolute(n);
  for (int iteration = 0;; ++iteration) {
    one_pass(x, y, window, delta, robustness, weight, fitted);
    if (iteration >= iterations) return fitted;
    double scale = 0;
    for (std::size_t i = 0; i < n; ++i) {
      absolute[i] = std::fabs(y[i] - fitted[i]);
      scale += absolute[i];
    }
    scale /= static_cast<double>(n);
    std::vector<double> sorted = absolute;
    std::ranges::sort(sorted);
    const double limit = 3 * (sorted[n / 2] + sorted[(n - 1) / 2]);  // six median absolute residuals
    if (limit < 1e-7 * scale) return fitted;
    robustness.assign(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double share = absolute[i] / limit;
      if (share <= 0.001) {
        robustness[i] = 1;
      } else if (share <= 0.999) {
        robustness[i] = (1 - share * share) * (1 - share * share);
      }
    }
  }
}

double brent_root(const std::function<double(double)>& function, double low, double high, double at_low, double at_high,
                  double tolerance) {
  constexpr int kMaxIterations = 1000;
  double a = low, b = high, fa = at_low, fb = at_high, c = a, fc = fa;
  if (fa == 0) return a;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const double previous = b - a;
    if (std::fabs(fc) < std::fabs(fb)) {  // b is the best so far
      a = b;
      b = c;
      c = a;
      fa = fb;
      fb = fc;
      fc = fa;
    }
    const double least = 2 * std::numeric_limits<double>::epsilon() * std::fabs(b) + tolerance / 2;
    double step = (c - b) / 2;
    if (std::fabs(step) <= least || fb == 0) return b;
    if (std::fabs(previous) >= least && std::fabs(fa) > std::fabs(fb)) {
      const double width = c - b;
      double p = 0, q = 0;
      if (a == c) {
        const double ratio = fb / fa;
        p = width * ratio;
        q = 1 - ratio;
      } else {
        const double first = fb / fc, second = fb / fa;
        q = fa / fc;
        p = second * (width * q * (q - first) - (b - a) * (first - 1));
        q = (q - 1) * (first - 1) * (second - 1);
      }
      if (p > 0) {
        q = -q;
      } else {
        p = -p;
      }
      if (p < 0.75 * width * q - std::fabs(least * q) / 2 && p < std::fabs(previous * q / 2)) step = p / q;
    }
    if (std::fabs(step) < least) step = std::copysign(least, step);
    a = b;
    fa = fb;
    b += step;
    fb = function(b);
    if ((fb > 0) == (fc > 0)) {
      c = a;
      fc = fa;
    }
  }
  return b;
}

}  // namespace immucan::stats
