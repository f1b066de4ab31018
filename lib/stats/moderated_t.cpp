#include "stats/moderated_t.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "stats/distributions.h"
#include "stats/lowess.h"
#include "stats/ranks.h"

namespace immucan::stats {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kWinsorLow = 0.05, kWinsorHigh = 0.1;  // tails of the variances that are pulled in

/// Scaled F distribution of the variances; one `scale` and `df` per feature.
struct Prior {
  std::vector<double> scale, df;
};

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// R's quantile, type 7, of sorted values.
double quantile(std::span<const double> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

std::vector<double> sorted_copy(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted;
}

/// Least-squares fit of `y` on natural cubic splines of `x` with `df` degrees of freedom including the constant; knots
/// at equal quantiles. Returns fitted values and how many columns were independent.
std::pair<std::vector<double>, std::size_t> spline_fit(std::span<const double> x, std::span<const double> y,
                                                       std::size_t df) {
  const std::size_t n = x.size();
  const std::vector<double> sorted = sorted_copy(x);
  std::vector<double> knots;
  for (std::size_t k = 0; k < df; ++k) {
    knots.push_back(quantile(sorted, static_cast<double>(k) / static_cast<double>(std::max<std::size_t>(df, 2) - 1)));
  }
  const double low = knots.front(), width = knots.back() - knots.front();
  for (double& knot : knots) knot = width > 0 ? (knot - low) / width : 0;
  const auto cube = [](double v) { return v > 0 ? v * v * v : 0.0; };
  const auto ramp = [&](double v, std::size_t k) {
    return (cube(v - knots[k]) - cube(v - knots.back())) / (knots.back() - knots[k]);
  };
  std::vector<std::vector<double>> basis;
  std::vector<double> rest(y.begin(), y.end());
  for (std::size_t j = 0; j < df; ++j) {
    std::vector<double> column(n);
    double before = 0, after = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double v = width > 0 ? (x[i] - low) / width : 0;
      column[i] = j == 0 ? 1 : j == 1 ? v : ramp(v, j - 2) - ramp(v, df - 2);
      before += column[i] * column[i];
    }
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& one : basis) {
        const double share = std::inner_product(one.begin(), one.end(), column.begin(), 0.0);
        for (std::size_t i = 0; i < n; ++i) column[i] -= share * one[i];
      }
    }
    for (const double v : column) after += v * v;
    if (!(after > 1e-14 * before)) continue;
    for (double& v : column) v /= std::sqrt(after);
    basis.push_back(std::move(column));
  }
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& one : basis) {
      const double share = std::inner_product(one.begin(), one.end(), rest.begin(), 0.0);
      for (std::size_t i = 0; i < n; ++i) rest[i] -= share * one[i];
    }
  }
  for (std::size_t i = 0; i < n; ++i) rest[i] = y[i] - rest[i];
  return {std::move(rest), basis.size()};
}

/// Moments of log variances (Smyth 2004), along the mean where `trend`.
Prior fit_prior(std::span<const double> variance, std::span<const double> df, std::span<const double> mean,
                bool trend) {
  const std::size_t n = variance.size();
  const std::vector<double> sorted = sorted_copy(variance);
  double median = quantile(sorted, 0.5);
  if (!(median > 0)) median = 1;
  std::vector<double> x(n), e(n);
  double noise = 0;
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = std::max(variance[i], 1e-5 * median);
    e[i] = std::log(x[i]) - digamma(df[i] / 2) + std::log(df[i] / 2);
    noise += trigamma(df[i] / 2);
  }
  noise /= static_cast<double>(n);
  std::vector<double> expected(n, mean_of(e));
  std::size_t rank = 1;
  if (trend) {
    std::vector<double> distinct = sorted_copy(mean);
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    const std::size_t columns = 1U + (n >= 3 ? 1U : 0U) + (n >= 6 ? 1U : 0U) + (n >= 30 ? 1U : 0U);
    std::tie(expected, rank) = spline_fit(mean, e, std::min(columns, distinct.size()));
  }
  double spread = 0;
  for (std::size_t i = 0; i < n; ++i) spread += (e[i] - expected[i]) * (e[i] - expected[i]);
  spread = spread / static_cast<double>(std::max<std::size_t>(n, rank + 1) - rank) - noise;
  Prior prior{std::vector<double>(n), std::vector<double>(n, kInfinity)};
  if (spread > 0) {
    const double df2 = 2 * trigamma_inverse(spread);
    prior.df.assign(n, df2);
    for (std::size_t i = 0; i < n; ++i) {
      prior.scale[i] = std::exp(expected[i] + digamma(df2 / 2) - std::log(df2 / 2));
    }
  } else {
    const double pooled = mean_of(x);
    for (std::size_t i = 0; i < n; ++i) prior.scale[i] = trend ? std::exp(expected[i]) : pooled;
  }
  return prior;
}

/// Nodes and weights of Gauss and Legendre on (0, 1).
struct Quadrature {
  std::vector<double> nodes, weights;
  explicit Quadrature(std::size_t count) {
    const auto n = static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) {
      double x = std::cos(3.141592653589793 * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0;
      for (int iteration = 0; iteration < 100; ++iteration) {
        double last = 1, value = x;
        for (std::size_t k = 2; k <= count; ++k) {
          const auto order = static_cast<double>(k);
          const double next = ((2 * order - 1) * x * value - (order - 1) * last) / order;
          last = value;
          value = next;
        }
        slope = n * (x * value - last) / (x * x - 1);
        const double step = value / slope;
        x -= step;
        if (std::fabs(step) < 1e-16) break;
      }
      nodes.push_back((1 - x) / 2);
      weights.push_back(1 / ((1 - x * x) * slope * slope));
    }
  }
};

struct Moments {
  double mean, variance;
};

/// Mean and variance of the logarithm of an F variable with its tails pulled in to their quantiles.
Moments winsorised_moments(double df1, double df2, const Quadrature& rule) {
  const double low = f_upper_quantile(1 - kWinsorLow, df1, df2), high = f_upper_quantile(kWinsorHigh, df1, df2);
  // f / (1 + f) maps the range into the unit interval.
  const double first = low / (1 + low), width = high / (1 + high) - first;
  std::vector<double> logs, mass;
  double mean = kWinsorLow * std::log(low) + kWinsorHigh * std::log(high);
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
    const double node = first + width * rule.nodes[i];
    const double f = node / (1 - node);
    logs.push_back(std::log(f));
    mass.push_back(width * rule.weights[i] * f_density(f, df1, df2) / ((1 - node) * (1 - node)));
    mean += mass.back() * logs.back();
  }
  const auto square = [&](double v) { return (v - mean) * (v - mean); };
  double variance = kWinsorLow * square(std::log(low)) + kWinsorHigh * square(std::log(high));
  for (std::size_t i = 0; i < logs.size(); ++i) variance += mass[i] * square(logs[i]);
  return {mean, variance};
}

/// Variances on fewer degrees of freedom as they would stand at the same tail on the most.
std::vector<double> on_most_df(std::span<const double> variance, std::span<const double> df, const Prior& plain) {
  const double most = std::ranges::max(df);
  std::vector<double> result(variance.begin(), variance.end());
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (df[i] >= most - 1e-14) continue;
    const double upper = f_upper(result[i] / plain.scale[i], df[i], plain.df[i]);
    if (upper > 0 && upper < 1) result[i] = plain.scale[i] * f_upper_quantile(upper, most, plain.df[i]);
  }
  return result;
}

/// Prior degrees of freedom by feature: outlying variances get fewer, monotonically in their tail probability.
void shrink_outliers(std::span<const double> f, std::span<const double> tail, double df1, double df2, Prior& prior) {
  const std::size_t n = f.size();
  const auto count = static_cast<double>(n);
  const std::vector<double> rank = mid_ranks(f);
  std::vector<double> inlier(n);
  bool any = false;
  for (std::size_t i = 0; i < n; ++i) {
    inlier[i] = std::min(1.0, tail[i] / ((count - rank[i] + 0.5) / count));
    any = any || inlier[i] < 1;
  }
  prior.df.assign(n, df2);
  if (!any) return;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return tail[a] < tail[b]; });
  if (std::isinf(df2)) {
    for (std::size_t i = 0; i < n; ++i) {
      if (inlier[i] < 1) prior.df[i] = inlier[i] * count * df1;
    }
  } else {
    double outlier = 0;
    const double least = tail[order.front()];
    if (least > 0) {
      outlier = std::log(0.5) / std::log(least) * df2;
      outlier *= std::log(0.5) / std::log(f_upper(std::ranges::max(f), df1, outlier));
    }
    double sum = 0, smallest = kInfinity;
    std::size_t pooled = 0;
    for (std::size_t k = 0; k < n; ++k) {
      double& own = prior.df[order[k]];
      own = inlier[order[k]] * df2 + (1 - inlier[order[k]]) * outlier;
      sum += own;
      if (sum / static_cast<double>(k + 1) < smallest) {
        smallest = sum / static_cast<double>(k + 1);
        pooled = k;
      }
    }
    for (std::size_t k = 0; k <= pooled; ++k) prior.df[order[k]] = smallest;
  }
  for (std::size_t k = 1; k < n; ++k) {
    prior.df[order[k]] = std::max(prior.df[order[k]], prior.df[order[k - 1]]);
  }
}

Prior fit_robust_prior(std::span<const double> variance, std::span<const double> df, std::span<const double> mean,
                       bool trend) {
  const std::size_t n = variance.size();
  std::vector<double> x(variance.begin(), variance.end());
  const double median = quantile(sorted_copy(x), 0.5);
  for (double& v : x) v = std::max(v, median * 1e-12);
  Prior plain = fit_prior(x, df, mean, trend);
  if (n < 3 || !(median > 0) || std::max(kWinsorLow, kWinsorHigh) < 1 / static_cast<double>(n)) return plain;
  x = on_most_df(x, df, plain);
  const double df1 = std::ranges::max(df);
  std::vector<double> z(n), centre(n), residual(n);
  for (std::size_t i = 0; i < n; ++i) z[i] = std::log(x[i]);
  if (trend) {
    RadixArgsort sorter;
    const auto order = sorter.sort(mean);
    std::vector<double> ordered_mean, ordered_z;
    for (const std::uint32_t i : order) {
      ordered_mean.push_back(mean[i]);
      ordered_z.push_back(z[i]);
    }
    constexpr double kSpan = 0.4;
    constexpr int kRobustIterations = 3;
    const std::vector<double> fitted =
        lowess(ordered_mean, ordered_z, kSpan, kRobustIterations, 0.01 * (ordered_mean.back() - ordered_mean.front()));
    for (std::size_t k = 0; k < n; ++k) centre[order[k]] = fitted[k];
  } else {
    const std::vector<double> sorted = sorted_copy(z);
    const auto cut = static_cast<std::size_t>(kWinsorHigh * static_cast<double>(n));
    centre.assign(n, mean_of(std::span(sorted).subspan(cut, n - 2 * cut)));
  }
  for (std::size_t i = 0; i < n; ++i) residual[i] = z[i] - centre[i];
  const std::vector<double> sorted = sorted_copy(residual);
  const double low = quantile(sorted, kWinsorLow), high = quantile(sorted, 1 - kWinsorHigh);
  std::vector<double> pulled = residual;
  for (double& v : pulled) v = std::clamp(v, low, high);
  const double pulled_mean = mean_of(pulled);
  double pulled_variance = 0;
  for (const double v : pulled) pulled_variance += (v - pulled_mean) * (v - pulled_mean);
  pulled_variance /= static_cast<double>(n - 1);

  const Quadrature rule(128);
  const auto excess = [&](double share) {
    return std::log(pulled_variance /
                    winsorised_moments(df1, share < 1 ? share / (1 - share) : kInfinity, rule).variance);
  };
  double df2 = kInfinity;
  const double at_infinity = excess(1);
  if (at_infinity > 0) {
    if (std::isinf(plain.df.front())) return plain;
    df2 = plain.df.front();
    const double share = df2 / (1 + df2), at_plain = excess(share);
    if (at_plain < 0) {
      const double root = brent_root(excess, share, 1, at_plain, at_infinity, 1e-8);
      df2 = root / (1 - root);
    }
  }
  const double shift = pulled_mean - winsorised_moments(df1, df2, rule).mean;
  Prior prior{std::vector<double>(n), {}};
  std::vector<double> f(n), tail(n);
  for (std::size_t i = 0; i < n; ++i) {
    prior.scale[i] = std::exp(centre[i] + shift);
    f[i] = std::exp(z[i] - centre[i] - shift);
    tail[i] = f_upper(f[i], df1, df2);
  }
  shrink_outliers(f, tail, df1, df2, prior);
  return prior;
}

/// Variance of the true effects, in units of the error variance: the mean over the largest statistics of what would
/// bring each to its expected quantile.
double effect_variance(const ModeratedT& result, std::span<const double> unscaled_error, double proportion, double low,
                       double high) {
  const std::size_t n = result.t.size();
  const auto count = static_cast<double>(n);
  const auto targets = static_cast<std::size_t>(std::ceil(proportion / 2 * count));
  const double most = std::ranges::max(result.total_df);
  std::vector<double> t(n);
  for (std::size_t i = 0; i < n; ++i) {
    t[i] = std::fabs(result.t[i]);
    if (result.total_df[i] < most) {
      t[i] = student_upper_quantile(student_two_sided(t[i], result.total_df[i]) / 2, most);
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return t[a] > t[b]; });
  const double share = std::max(static_cast<double>(targets) / count, proportion);
  double sum = 0;
  for (std::size_t k = 0; k < targets; ++k) {
    const double statistic = t[order[k]];
    const double null = student_two_sided(statistic, most);
    const double target = ((static_cast<double>(k) + 0.5) / count - (1 - share) * null) / share;
    double variance = 0;
    if (target > null) {
      const double ratio = statistic / student_upper_quantile(target / 2, most);
      variance = unscaled_error[order[k]] * unscaled_error[order[k]] * (ratio * ratio - 1);
    }
    sum += std::clamp(variance, low, high);
  }
  return sum / static_cast<double>(targets);
}

}  // namespace

ModeratedT moderated_t(std::span<const double> effect, std::span<const double> unscaled_error,
                       std::span<const double> variance, std::span<const double> df, std::span<const double> mean,
                       const ModeratedOptions& options) {
  const std::size_t n = effect.size();
  ModeratedT result;
  if (n == 0) return result;
  Prior prior = options.robust ? fit_robust_prior(variance, df, mean, options.trend)
                               : fit_prior(variance, df, mean, options.trend);
  const double pooled = std::accumulate(df.begin(), df.end(), 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    result.posterior_variance.push_back(std::isinf(prior.df[i]) ? prior.scale[i]
                                                                : (df[i] * variance[i] + prior.df[i] * prior.scale[i]) /
                                                                      (df[i] + prior.df[i]));
    result.total_df.push_back(std::min(df[i] + prior.df[i], pooled));
    result.t.push_back(effect[i] / unscaled_error[i] / std::sqrt(result.posterior_variance[i]));
    result.p.push_back(student_two_sided(result.t[i], result.total_df[i]));
  }
  constexpr double kProportion = 0.01;
  const double middle = quantile(sorted_copy(prior.scale), 0.5);
  const double spread = effect_variance(result, unscaled_error, kProportion, 0.01 / middle, 16 / middle);
  for (std::size_t i = 0; i < n; ++i) {
    const double unit = unscaled_error[i] * unscaled_error[i];
    const double r = (unit + spread) / unit, t2 = result.t[i] * result.t[i], total = result.total_df[i];
    const double kernel =
        prior.df[i] > 1e6 ? t2 * (1 - 1 / r) / 2 : (1 + total) / 2 * std::log((t2 + total) / (t2 / r + total));
    result.log_odds.push_back(std::log(kProportion / (1 - kProportion)) - std::log(r) / 2 + kernel);
  }
  result.prior_df = std::move(prior.df);
  result.prior_variance = std::move(prior.scale);
  return result;
}

}  // namespace immucan::stats
