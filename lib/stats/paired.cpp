#include "stats/paired.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/distributions.h"
#include "stats/ranks.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// P(V <= v) of `n` differences without ties.
double signed_rank_cdf(double v, std::size_t n) {
  std::vector<double> ways(n * (n + 1) / 2 + 1, 0.0);
  ways[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank) {
    for (std::size_t sum = ways.size() - 1; sum >= rank; --sum) ways[sum] = (ways[sum] + ways[sum - rank]) / 2;
    for (std::size_t sum = 0; sum < rank; ++sum) ways[sum] /= 2;
  }
  double total = 0;
  for (std::size_t sum = 0; sum < ways.size() && static_cast<double>(sum) <= v; ++sum) total += ways[sum];
  return total;
}

}  // namespace

SignedRankTest signed_rank_test(std::span<const double> differences) {
  std::vector<double> sizes, signs;
  for (const double d : differences) {
    if (d == 0) continue;
    sizes.push_back(std::fabs(d));
    signs.push_back(d > 0 ? 1 : 0);
  }
  SignedRankTest test{0, kNan, false};
  if (sizes.empty()) return test;
  const std::vector<double> ranks = mid_ranks(sizes);
  for (std::size_t i = 0; i < ranks.size(); ++i) test.v += signs[i] * ranks[i];
  const std::size_t n = sizes.size();
  const double ties = tie_sum(sizes);
  constexpr std::size_t kExactLimit = 50;
  if (n < kExactLimit && n == differences.size() && ties == 0) {
    test.exact = true;
    const double half = static_cast<double>(n * (n + 1)) / 4;
    const double tail = test.v > half ? 1 - signed_rank_cdf(test.v - 1, n) : signed_rank_cdf(test.v, n);
    test.p = std::min(1.0, 2 * tail);
    return test;
  }
  const auto count = static_cast<double>(n);
  const double centred = test.v - count * (count + 1) / 4;
  const double variance = count * (count + 1) * (2 * count + 1) / 24 - ties / 48;
  if (!(variance > 0)) return test;
  const double correction = centred > 0 ? 0.5 : centred < 0 ? -0.5 : 0;
  test.p = std::min(1.0, normal_two_sided((centred - correction) / std::sqrt(variance)));
  return test;
}

PairedTTest paired_t_test(std::span<const double> differences) {
  const auto n = static_cast<double>(differences.size());
  PairedTTest test{kNan, kNan, kNan, n - 1, kNan};
  if (differences.size() < 2) return test;
  double mean = 0, squares = 0;
  for (const double d : differences) mean += d / n;
  for (const double d : differences) squares += (d - mean) * (d - mean);
  test.mean = mean;
  test.se = std::sqrt(squares / (n - 1) / n);
  if (!(test.se > 0)) return test;
  test.t = mean / test.se;
  test.p = student_two_sided(test.t, test.df);
  return test;
}

namespace {

struct Restricted {
  double deviance = 0, residual_variance = 0;
  std::vector<double> coefficients, inverse;
};

/// Generalised least squares at the ratio of the variance of the groups to that of the residuals.
Restricted restricted_fit(std::span<const double> design, std::size_t p, std::span<const double> outcome,
                          std::span<const std::uint32_t> group, std::span<const double> sizes, double ratio) {
  const std::size_t n = outcome.size(), groups = sizes.size();
  std::vector<double> sums(groups * (p + 1), 0.0), gram(p * p, 0.0), right(p, 0.0);
  double square = 0, log_determinant = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = &design[i * p];
    for (std::size_t j = 0; j < p; ++j) {
      sums[group[i] * (p + 1) + j] += row[j];
      right[j] += row[j] * outcome[i];
      for (std::size_t k = 0; k < p; ++k) gram[j * p + k] += row[j] * row[k];
    }
    sums[group[i] * (p + 1) + p] += outcome[i];
    square += outcome[i] * outcome[i];
  }
  // The inverse of I + ratio 1 1' is I - share 1 1'.
  for (std::size_t g = 0; g < groups; ++g) {
    const double share = ratio / (1 + ratio * sizes[g]);
    const double* sum = &sums[g * (p + 1)];
    for (std::size_t j = 0; j < p; ++j) {
      right[j] -= share * sum[j] * sum[p];
      for (std::size_t k = 0; k < p; ++k) gram[j * p + k] -= share * sum[j] * sum[k];
    }
    square -= share * sum[p] * sum[p];
    log_determinant += std::log(1 + ratio * sizes[g]);
  }
  const Cholesky factor(gram, p);
  Restricted fit;
  fit.coefficients = right;
  factor.solve(fit.coefficients);
  for (std::size_t j = 0; j < p; ++j) square -= fit.coefficients[j] * right[j];
  const auto freedom = static_cast<double>(n - p);
  fit.residual_variance = square / freedom;
  fit.inverse = factor.inverse();
  fit.deviance = log_determinant + factor.log_determinant() + freedom * std::log(fit.residual_variance);
  return fit;
}

}  // namespace

MixedModel random_intercept_model(std::span<const double> design, std::size_t columns, std::span<const double> outcome,
                                  std::span<const std::uint32_t> group) {
  std::vector<double> sizes(group.empty() ? 0 : *std::ranges::max_element(group) + std::size_t{1}, 0.0);
  for (const std::uint32_t g : group) sizes[g] += 1;
  const auto fit_at = [&](double root) { return restricted_fit(design, columns, outcome, group, sizes, root * root); };
  // The deviance is smooth in the ratio of standard deviations: a grid for the valley, golden section within it.
  constexpr int kGrid = 60;
  const auto grid = [](int i) { return i == 0 ? 0.0 : std::pow(10.0, -3 + 6.0 * (i - 1) / (kGrid - 1)); };
  int best = 0;
  double least = fit_at(0).deviance;
  for (int i = 1; i <= kGrid; ++i) {
    const double deviance = fit_at(grid(i)).deviance;
    if (deviance < least) {
      least = deviance;
      best = i;
    }
  }
  double low = grid(std::max(best - 1, 0)), high = grid(std::min(best + 1, kGrid));
  constexpr double kGolden = 0.6180339887498949;
  double first = high - kGolden * (high - low), second = low + kGolden * (high - low);
  double at_first = fit_at(first).deviance, at_second = fit_at(second).deviance;
  for (int i = 0; i < 100; ++i) {
    if (at_first < at_second) {
      high = second;
      second = first;
      at_second = at_first;
      first = high - kGolden * (high - low);
      at_first = fit_at(first).deviance;
    } else {
      low = first;
      first = second;
      at_first = at_second;
      second = low + kGolden * (high - low);
      at_second = fit_at(second).deviance;
    }
  }
  double root = (low + high) / 2;
  if (best <= 1 && fit_at(0).deviance <= fit_at(root).deviance) root = 0;
  const Restricted fit = fit_at(root);
  MixedModel model{fit.coefficients, {}, fit.residual_variance, root * root * fit.residual_variance};
  for (std::size_t j = 0; j < columns; ++j) {
    model.errors.push_back(std::sqrt(fit.residual_variance * fit.inverse[j * columns + j]));
  }
  return model;
}

}  // namespace immucan::stats
