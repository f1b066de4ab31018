// The test of proportional hazards.
#include <algorithm>
#include <map>

#include "stats/cox_columns.h"
#include "stats/distributions.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

/// Score test of the added parameters `chosen`, given the p fitted ones whose score is zero.
ChiSquaredTest added_score_test(std::span<const double> score, std::span<const double> information, std::size_t p,
                                const std::vector<std::size_t>& chosen) {
  const std::size_t size = p + chosen.size();
  std::vector<double> matrix(size * size), vector(size, 0.0);
  const auto source = [&](std::size_t i) { return i < p ? i : p + chosen[i - p]; };
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) matrix[i * size + j] = information[source(i) * 2 * p + source(j)];
    if (i >= p) vector[i] = score[chosen[i - p]];
  }
  const double statistic = Cholesky(matrix, size).quadratic_form(vector);
  const auto df = static_cast<double>(chosen.size());
  return {statistic, df, chi_squared_upper(statistic, df)};
}

}  // namespace

std::map<double, double> CoxModel::time_transform() const {
  // g(t) = 1 - KM(t-), all strata pooled, centred on its mean over the deaths.
  struct Counts {
    double deaths = 0, leaving = 0, entering = 0;
  };
  std::map<double, Counts> counts;
  for (const Group& group : groups_) {
    counts[group.time].deaths += group.deaths;
    counts[group.time].leaving += group.end - group.begin;
  }
  for (const double start : start_) counts[start].entering += 1;
  std::map<double, double> transform;
  double survival = 1, mean = 0;
  double at_risk = start_.empty() ? static_cast<double>(rows()) : 0.0;
  for (const auto& [time, count] : counts) {
    if (count.deaths > 0) {
      transform[time] = 1 - survival;
      mean += count.deaths * (1 - survival);
      survival *= 1 - count.deaths / at_risk;
    }
    at_risk += count.entering - count.leaving;
  }
  mean /= static_cast<double>(events_);
  for (auto& [time, value] : transform) value -= mean;
  return transform;
}

/// Score and information at the coefficients: of the columns, then of the columns times the transformed time.
struct CoxModel::TimedInformation {
  std::vector<double> score, information;
};

CoxModel::TimedInformation CoxModel::timed_information(const Columns& x, std::span<const double> risk,
                                                       Ties ties) const {
  const std::size_t p = x.count;
  TimedInformation sums{std::vector<double>(2 * p, 0.0), std::vector<double>(4 * p * p, 0.0)};
  walk(x, risk, ties, [&](std::size_t g, std::uint32_t l, double, const Sums& at_risk) {
    const Group& group = groups_[g];
    const double time = transform_[g];
    for (std::size_t j = 0; j < p; ++j) {
      const double centre = at_risk.first[j] / at_risk.zero, residual = x.row(group.begin + l)[j] - centre;
      sums.score[j] += residual;
      sums.score[p + j] += time * residual;
      for (std::size_t k = 0; k < p; ++k) {
        const double raw = k <= j ? at_risk.second[j * p + k] : at_risk.second[k * p + j];
        const double variance = raw / at_risk.zero - centre * (at_risk.first[k] / at_risk.zero);
        sums.information[j * 2 * p + k] += variance;
        sums.information[j * 2 * p + p + k] += time * variance;
        sums.information[(p + j) * 2 * p + k] += time * variance;
        sums.information[(p + j) * 2 * p + p + k] += time * time * variance;
      }
    }
  });
  return sums;
}

std::vector<ChiSquaredTest> CoxModel::proportional_hazards_test(std::span<const double> design, std::size_t columns,
                                                                const CoxFit& fit, std::span<const std::size_t> terms,
                                                                const CoxOptions& options) const {
  const Columns x = load(design, columns);
  const TimedInformation sums = timed_information(x, relative_hazards(x, fit.coefficients), options.ties);
  const std::span added = std::span(sums.score).subspan(columns);
  std::map<std::size_t, std::vector<std::size_t>> members;
  std::vector<std::size_t> all;
  for (std::size_t j = 0; j < columns; ++j) {
    members[terms[j]].push_back(j);
    all.push_back(j);
  }
  std::vector<ChiSquaredTest> tests;
  for (const auto& [term, chosen] : members)
    tests.push_back(added_score_test(added, sums.information, columns, chosen));
  tests.push_back(added_score_test(added, sums.information, columns, all));
  return tests;
}

TimedScore CoxModel::timed_score(std::span<const double> design, std::size_t columns,
                                 std::span<const std::size_t> chosen, std::span<const double> coefficients,
                                 const CoxOptions& options) const {
  const Columns x = load(design, columns);
  const TimedInformation sums = timed_information(x, relative_hazards(x, coefficients), options.ties);
  std::vector<std::size_t> known;
  for (std::size_t j = 0; j < columns; ++j) known.push_back(j);
  for (std::size_t j = 0; j < columns; ++j) {
    if (std::ranges::find(chosen, j) == chosen.end()) known.push_back(columns + j);
  }
  const auto information = [&](std::size_t a, std::size_t b) { return sums.information[a * 2 * columns + b]; };
  std::vector<double> matrix;
  for (const std::size_t a : known) {
    for (const std::size_t b : known) matrix.push_back(information(a, b));
  }
  const Cholesky factor(matrix, known.size());
  TimedScore result;
  for (const std::size_t j : chosen) {
    std::vector<double> share;
    for (const std::size_t a : known) share.push_back(information(columns + j, a));
    factor.solve(share);
    // Columns are scaled inside: back to those of the design.
    double score = sums.score[columns + j];
    for (std::size_t k = 0; k < known.size(); ++k) score -= share[k] * sums.score[known[k]];
    result.score.push_back(score * x.scale[j]);
    for (const std::size_t other : chosen) {
      double variance = information(columns + j, columns + other);
      for (std::size_t k = 0; k < known.size(); ++k) variance -= share[k] * information(columns + other, known[k]);
      result.variance.push_back(variance * x.scale[j] * x.scale[other]);
    }
  }
  return result;
}

}  // namespace immucan::stats
