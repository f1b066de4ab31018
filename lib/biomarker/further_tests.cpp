// Tests of a feature beyond its association: per stratum, moderated over all features, against another feature.
#include <cmath>
#include <map>

#include "biomarker/feature_tests.h"
#include "core/text.h"
#include "stats/logistic.h"
#include "stats/meta_analysis.h"
#include "stats/moderated_t.h"
#include "stats/residual_score.h"
#include "stats/roc.h"
#include "stats/symmetric.h"

namespace immucan::biomarker {

namespace {

struct Estimate {
  double effect = Association::kNan, se = Association::kNan;
  double p = Association::kNan;  ///< score test; NaN where rows depend on each other
};

/// Effect of the feature alone within one stratum, per standard deviation of all patients.
Estimate stratum_effect(std::span<const double> scaled, std::span<const std::size_t> patients, const Outcome& outcome) {
  if (outcome.survival) {
    stats::SurvivalRows rows;
    for (const std::size_t patient : patients) {
      rows.time.push_back(outcome.time[patient]);
      rows.event.push_back(outcome.event[patient]);
      if (!outcome.start.empty()) rows.start.push_back(outcome.start[patient]);
      if (!outcome.cluster.empty()) rows.cluster.push_back(outcome.cluster[patient]);
    }
    const stats::CoxModel model(rows);
    const stats::CoxOptions options{.ties = outcome.ties};
    const stats::CoxFit fit = model.fit(scaled, 1, options);
    if (fit.infinite || fit.rank == 0) return {};
    if (!fit.robust_covariance.empty()) return {fit.coefficients[0], std::sqrt(fit.robust_covariance[0])};
    return {fit.coefficients[0], std::sqrt(fit.covariance[0]),
            stats::residual_score_test(scaled, {}, 0, model.martingale_residuals({}, 0, {}, options)).p};
  }
  std::vector<std::uint8_t> events;
  std::size_t responders = 0;
  for (const std::size_t patient : patients) {
    events.push_back(outcome.event[patient]);
    responders += events.back();
  }
  if (responders == 0 || responders == events.size()) return {};
  const stats::LogisticFit fit = stats::fit_logistic(scaled, 1, events);
  if (fit.singular) return {};
  if (outcome.cluster.empty()) {
    const std::vector<double> outcomes(events.begin(), events.end());
    return {fit.coefficients[1], std::sqrt(fit.covariance[3]), stats::residual_score_test(scaled, {}, 0, outcomes).p};
  }
  std::vector<std::uint32_t> clusters;
  for (const std::size_t patient : patients) clusters.push_back(outcome.cluster[patient]);
  return {fit.coefficients[1], std::sqrt(stats::logistic_robust_covariance(scaled, 1, events, fit, clusters)[3])};
}

}  // namespace

void test_strata(const FeatureRows& rows, const Outcome& outcome, Association& result) {
  constexpr std::size_t kLeast = 5;
  std::vector<double> effects, errors, widened;
  for (std::uint32_t stratum = 0; stratum < outcome.strata.size(); ++stratum) {
    std::vector<double> scaled;
    std::vector<std::size_t> patients;
    for (std::size_t i = 0; i < rows.patients.size(); ++i) {
      if (outcome.stratum[rows.patients[i]] != stratum) continue;
      scaled.push_back(rows.scaled[i]);
      patients.push_back(rows.patients[i]);
    }
    const Estimate estimate = patients.size() < kLeast ? Estimate{} : stratum_effect(scaled, patients, outcome);
    if (!result.stratum_effects.empty()) result.stratum_effects += ';';
    result.stratum_effects += outcome.strata[stratum] + ':' + std::to_string(patients.size()) + ':' +
                              core::format_double(estimate.effect) + ':' + core::format_double(estimate.se);
    if (!(estimate.se > 0)) continue;
    effects.push_back(estimate.effect);
    errors.push_back(estimate.se);
    widened.push_back(std::isnan(estimate.p) ? estimate.se
                                             : stats::widened_error(estimate.effect, estimate.se, estimate.p));
  }
  const stats::MetaAnalysis meta = stats::meta_analysis(effects, errors);
  result.strata = meta.studies;
  result.fixed = meta.fixed;
  result.fixed_se = meta.fixed_se;
  result.random = meta.random;
  result.random_se = meta.random_se;
  result.i_squared = meta.i_squared;
  result.p_heterogeneity = stats::meta_analysis(effects, widened).p_heterogeneity;
}

void test_moderated(const CohortFeatures& cohort, const Outcome& outcome, const AssociateOptions& options,
                    std::vector<Association>& rows) {
  const std::size_t columns = 2 + outcome.covariate_names.size();  // constant, response, covariates
  std::vector<double> effect, error, variance, df, mean;
  std::vector<std::size_t> tested;
  for (std::size_t feature = 0; feature < rows.size(); ++feature) {
    if (std::isnan(rows[feature].p)) continue;
    const FeatureRows own = rows_of(cohort.row(feature), outcome);
    const auto n = static_cast<double>(own.patients.size());
    if (n <= static_cast<double>(columns)) continue;
    std::vector<double> centre(columns, 0.0), gram(columns * columns, 0.0), right(columns, 0.0), x(columns);
    const auto load = [&](std::size_t i) {
      x[0] = 1;
      x[1] = outcome.event[own.patients[i]];
      for (std::size_t j = 2; j < columns; ++j) x[j] = outcome.covariates[own.patients[i] * (columns - 2) + j - 2];
      for (std::size_t j = 1; j < columns; ++j) x[j] -= centre[j];
    };
    std::vector<double> sums(columns, 0.0);
    double average = 0;
    for (std::size_t i = 0; i < own.patients.size(); ++i) {
      load(i);
      for (std::size_t j = 1; j < columns; ++j) sums[j] += x[j] / n;
      average += own.values[i] / n;
    }
    centre = sums;
    for (std::size_t i = 0; i < own.patients.size(); ++i) {
      load(i);
      for (std::size_t j = 0; j < columns; ++j) {
        right[j] += x[j] * (own.values[i] - average);
        for (std::size_t k = 0; k < columns; ++k) gram[j * columns + k] += x[j] * x[k];
      }
    }
    const stats::Cholesky factor(gram, columns);
    if (!factor.full_rank()) continue;
    const std::vector<double> inverse = factor.inverse();
    factor.solve(right);
    double squares = 0;
    for (std::size_t i = 0; i < own.patients.size(); ++i) {
      load(i);
      double rest = own.values[i] - average;
      for (std::size_t j = 0; j < columns; ++j) rest -= right[j] * x[j];
      squares += rest * rest;
    }
    tested.push_back(feature);
    effect.push_back(right[1]);
    error.push_back(std::sqrt(inverse[columns + 1]));
    df.push_back(n - static_cast<double>(columns));
    variance.push_back(squares / df.back());
    mean.push_back(average);
  }
  const stats::ModeratedT fit = stats::moderated_t(effect, error, variance, df, mean, {options.trend, options.robust});
  for (std::size_t i = 0; i < tested.size(); ++i) {
    Association& row = rows[tested[i]];
    row.group_difference = effect[i];
    row.moderated_t = fit.t[i];
    row.p_moderated = fit.p[i];
    row.log_odds = fit.log_odds[i];
    row.prior_df = fit.prior_df[i];
    row.prior_variance = fit.prior_variance[i];
  }
}

void compare_auc(std::span<const double> values, std::span<const double> other, const Outcome& outcome,
                 Association& result) {
  std::vector<double> first[2], second[2];
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]) || std::isnan(other[i]) || outcome.known[i] == 0) continue;
    first[outcome.event[i]].push_back(values[i]);
    second[outcome.event[i]].push_back(other[i]);
  }
  if (first[0].size() < 2 || first[1].size() < 2) return;
  const stats::AucDifference difference = stats::auc_paired_delong(first[1], first[0], second[1], second[0]);
  result.auc_difference = difference.first - difference.second;
  if (!(difference.variance > 0)) return;
  result.auc_z = difference.z;
  result.p_auc_difference = difference.p;
}

}  // namespace immucan::biomarker
