#include "stats/maxstat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "stats/distributions.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double density(double b) {
  return std::exp(-b * b / 2) / std::sqrt(2 * std::numbers::pi);
}

double lausen_1992(double b, double low, double high) {
  const double p = 4 * density(b) / b + density(b) * (b - 1 / b) * std::log(high * (1 - low) / ((1 - high) * low));
  return std::clamp(p, 0.0, 1.0);
}

/// Improved Bonferroni bound over the candidate cuts.
double lausen_1994(double b, double n, const std::vector<std::size_t>& below) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < below.size(); ++i) {
    const auto m1 = static_cast<double>(below[i]), m2 = static_cast<double>(below[i + 1]);
    const double t = std::sqrt(1 - m1 * (n - m2) / ((n - m1) * m2));
    sum += std::exp(-b * b / 2) / std::numbers::pi * (t - (b * b / 4 - 1) * t * t * t / 6);
  }
  return std::clamp(normal_two_sided(b) + sum, 0.0, 1.0);
}

}  // namespace

std::vector<double> log_rank_scores(std::span<const double> time, std::span<const std::uint8_t> event) {
  const std::size_t n = time.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return time[a] < time[b]; });
  std::vector<double> scores(n);
  double hazard = 0;
  for (std::size_t begin = 0; begin < n;) {
    std::size_t end = begin;
    double events = 0;
    for (; end < n && time[order[end]] == time[order[begin]]; ++end) events += event[order[end]] != 0 ? 1 : 0;
    hazard += events / static_cast<double>(n - end + 1);
    for (std::size_t i = begin; i < end; ++i) scores[order[i]] = (event[order[i]] != 0 ? 1.0 : 0.0) - hazard;
    begin = end;
  }
  return scores;
}

MaximallySelected::MaximallySelected(std::span<const double> values, double min_share, double max_share)
    : order_(values.size()), sorted_(values.begin(), values.end()), min_share_(min_share), max_share_(max_share) {
  std::iota(order_.begin(), order_.end(), 0U);
  std::ranges::stable_sort(order_, [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  std::ranges::sort(sorted_);
  const auto n = static_cast<double>(values.size());
  const double least = std::max(1.0, std::floor(n * min_share)), most = std::floor(n * max_share);
  for (std::size_t m = 1; m < sorted_.size(); ++m) {
    const auto size = static_cast<double>(m);
    if (sorted_[m] != sorted_[m - 1] && size >= least && size <= most) below_.push_back(m);
  }
}

double MaximallySelected::statistic(std::span<const double> sorted_scores) const {
  const auto n = static_cast<double>(sorted_scores.size());
  double total = 0, square = 0;
  for (const double score : sorted_scores) {
    total += score;
    square += score * score;
  }
  const double spread = (n * square - total * total) / (n * n * (n - 1));
  double running = 0, greatest = 0;
  std::size_t at = 0;
  for (const std::size_t m : below_) {
    for (; at < m; ++at) running += sorted_scores[at];
    const auto size = static_cast<double>(m);
    greatest = std::max(greatest, std::fabs(running - size / n * total) / std::sqrt(size * (n - size) * spread));
  }
  return greatest;
}

MaximalCut MaximallySelected::test(std::span<const double> scores) const {
  if (below_.empty()) return {kNan, kNan, kNan, kNan, 0, 0};
  std::vector<double> sorted_scores(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) sorted_scores[i] = scores[order_[i]];
  MaximalCut result;
  result.statistic = statistic(sorted_scores);
  if (!(result.statistic > 0)) return {kNan, kNan, kNan, kNan, 0, 0};
  // The first cut that reaches the maximum.
  const auto n = static_cast<double>(scores.size());
  const double total = std::accumulate(sorted_scores.begin(), sorted_scores.end(), 0.0);
  double square = 0, running = 0;
  for (const double score : sorted_scores) square += score * score;
  const double spread = (n * square - total * total) / (n * n * (n - 1));
  std::size_t at = 0;
  for (const std::size_t m : below_) {
    for (; at < m; ++at) running += sorted_scores[at];
    const auto size = static_cast<double>(m);
    if (std::fabs(running - size / n * total) / std::sqrt(size * (n - size) * spread) < result.statistic) continue;
    result.cut = sorted_[m - 1];
    result.low = m;
    result.high = scores.size() - m;
    break;
  }
  result.p_lau92 = lausen_1992(result.statistic, min_share_, max_share_);
  result.p_lau94 = lausen_1994(result.statistic, n, below_);
  return result;
}

}  // namespace immucan::stats
