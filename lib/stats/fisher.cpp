#include "stats/fisher.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "stats/distributions.h"
#include "stats/lowess.h"

namespace immucan::stats {

namespace {

/// The first cell given the margins, at any odds ratio (Fisher's non-central hypergeometric distribution).
class FirstCell {
 public:
  FirstCell(std::size_t first_column, std::size_t second_column, std::size_t first_row)
      : low_(first_row > second_column ? first_row - second_column : 0), high_(std::min(first_row, first_column)) {
    const auto m = static_cast<double>(first_column), n = static_cast<double>(second_column),
               k = static_cast<double>(first_row);
    for (std::size_t x = low_; x <= high_; ++x) {
      const auto v = static_cast<double>(x);
      log_ways_.push_back(-log_gamma(v + 1) - log_gamma(m - v + 1) - log_gamma(k - v + 1) - log_gamma(n - k + v + 1));
    }
    const double most = std::ranges::max(log_ways_);
    for (double& value : log_ways_) value -= most;
  }
  [[nodiscard]] std::size_t low() const { return low_; }
  [[nodiscard]] std::size_t high() const { return high_; }
  /// Calls visit(x, share) with shares that sum to 1.
  template <class Visit>
  void shares(double log_odds, Visit&& visit) const {
    double most = -std::numeric_limits<double>::infinity(), total = 0;
    for (std::size_t i = 0; i < log_ways_.size(); ++i) most = std::max(most, weight(i, log_odds));
    for (std::size_t i = 0; i < log_ways_.size(); ++i) total += std::exp(weight(i, log_odds) - most);
    for (std::size_t i = 0; i < log_ways_.size(); ++i) visit(low_ + i, std::exp(weight(i, log_odds) - most) / total);
  }
  [[nodiscard]] double mean(double log_odds) const {
    double sum = 0;
    shares(log_odds, [&](std::size_t x, double share) { sum += static_cast<double>(x) * share; });
    return sum;
  }
  [[nodiscard]] double at_least(std::size_t least, double log_odds) const {
    double sum = 0;
    shares(log_odds, [&](std::size_t x, double share) { sum += x >= least ? share : 0; });
    return sum;
  }
  [[nodiscard]] double at_most(std::size_t most, double log_odds) const {
    double sum = 0;
    shares(log_odds, [&](std::size_t x, double share) { sum += x <= most ? share : 0; });
    return sum;
  }

 private:
  [[nodiscard]] double weight(std::size_t i, double log_odds) const {
    return log_ways_[i] + log_odds * static_cast<double>(low_ + i);
  }
  std::size_t low_, high_;
  std::vector<double> log_ways_;
};

/// Odds ratio at which a rising function of its logarithm is 0.
double odds_where_zero(const std::function<double(double)>& rising, double guess) {
  constexpr double kTolerance = 1e-12;
  double low = guess - 1, high = guess + 1, at_low = rising(low), at_high = rising(high);
  for (double step = 1; at_low > 0 && step < 1e6; step *= 2) at_low = rising(low -= step);
  for (double step = 1; at_high < 0 && step < 1e6; step *= 2) at_high = rising(high += step);
  return std::exp(brent_root(rising, low, high, at_low, at_high, kTolerance));
}

}  // namespace

FisherTest fisher_exact_test(std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  if (a + b == 0 || c + d == 0 || a + c == 0 || b + d == 0) return {kNan, kNan, kNan, kNan};
  const FirstCell cell(a + c, b + d, a + b);
  FisherTest test;
  double observed = 0;
  cell.shares(0, [&](std::size_t x, double share) { observed = x == a ? share : observed; });
  // Tables as probable as this one may differ from it in their last bits.
  constexpr double kEqual = 1 + 1e-7;
  test.p = 0;
  cell.shares(0, [&](std::size_t, double share) { test.p += share <= observed * kEqual ? share : 0; });
  test.p = std::min(1.0, test.p);
  const auto plus = [](std::size_t count) { return static_cast<double>(count) + 0.5; };
  const double guess = std::log(plus(a) * plus(d) / plus(b) / plus(c));
  constexpr double kTail = 0.025;
  if (a == cell.low()) {
    test.odds_ratio = test.lower = 0;
  } else {
    test.lower = odds_where_zero([&](double odds) { return cell.at_least(a, odds) - kTail; }, guess - 1);
  }
  if (a == cell.high()) {
    test.odds_ratio = test.upper = kInfinity;
  } else {
    test.upper = odds_where_zero([&](double odds) { return kTail - cell.at_most(a, odds); }, guess + 1);
  }
  if (a != cell.low() && a != cell.high()) {
    const auto count = static_cast<double>(a);
    test.odds_ratio = odds_where_zero([&](double odds) { return cell.mean(odds) - count; }, guess);
  }
  return test;
}

}  // namespace immucan::stats
