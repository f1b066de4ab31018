#include "stats/residual_score.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/distributions.h"
#include "stats/ranks.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Subtracts the mean of each stratum.
void centre(std::span<double> values, std::span<const std::uint32_t> stratum, std::size_t strata) {
  std::vector<double> sum(strata, 0.0), count(strata, 0.0);
  const auto at = [&](std::size_t i) { return stratum.empty() ? 0U : stratum[i]; };
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum[at(i)] += values[i];
    count[at(i)] += 1;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= sum[at(i)] / count[at(i)];
}

/// Takes `direction` (of squared length `length`) out of `values`.
void clear_of(std::span<double> values, std::span<const double> direction, double length) {
  const double share = dot(values, direction) / length;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= share * direction[i];
}

}  // namespace

std::vector<double> normal_scores(std::span<const double> values) {
  std::vector<double> result = mid_ranks(values);
  const auto n = static_cast<double>(values.size());
  for (double& rank : result) rank = normal_quantile(rank / (n + 1));
  return result;
}

ResidualScoreTest residual_score_test(std::span<const double> column, std::span<const double> others,
                                      std::size_t others_columns, std::span<const double> residuals,
                                      std::span<const std::uint32_t> stratum) {
  constexpr double kDependent = 1e-10;
  const std::size_t n = column.size();
  const std::size_t strata = stratum.empty() ? 1 : *std::ranges::max_element(stratum) + std::size_t{1};
  std::vector<double> own(column.begin(), column.end());
  centre(own, stratum, strata);
  const double total = dot(own, own);
  // Modified Gram–Schmidt, twice, is as good as Householder here.
  std::vector<std::vector<double>> basis;
  for (std::size_t j = 0; j < others_columns; ++j) {
    std::vector<double> direction(n);
    for (std::size_t i = 0; i < n; ++i) direction[i] = others[i * others_columns + j];
    centre(direction, stratum, strata);
    const double before = dot(direction, direction);
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& one : basis) clear_of(direction, one, dot(one, one));
    }
    if (dot(direction, direction) > kDependent * before) basis.push_back(std::move(direction));
  }
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& one : basis) clear_of(own, one, dot(one, one));
  }
  std::vector<double> squares(strata, 0.0), spread(strata, 0.0), count(strata, 0.0);
  std::vector<double> rest(residuals.begin(), residuals.end());
  centre(rest, stratum, strata);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t s = stratum.empty() ? 0 : stratum[i];
    squares[s] += own[i] * own[i];
    spread[s] += rest[i] * rest[i];
    count[s] += 1;
  }
  double variance = 0, used = 0;
  for (std::size_t s = 0; s < strata; ++s) {
    if (count[s] < 2) continue;
    variance += squares[s] * spread[s] / (count[s] - 1);
    used += count[s] - 1;
  }
  const double freedom = used - static_cast<double>(basis.size());
  ResidualScoreTest test{kNan, freedom - 1, kNan};
  if (!(variance > 0) || !(freedom > 1) || dot(own, own) <= kDependent * total) return test;
  variance *= used / freedom;
  const double score = dot(own, rest);
  const double explained = std::min(1.0, score * score / variance / freedom);
  test.statistic = std::copysign(std::sqrt(test.df * explained / (1 - explained)), score);
  test.p = student_two_sided(test.statistic, test.df);
  return test;
}

}  // namespace immucan::stats
