#include "biomarker/feature_tests.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "stats/distributions.h"
#include "stats/fisher.h"
#include "stats/logistic.h"
#include "stats/ranks.h"
#include "stats/residual_score.h"
#include "stats/roc.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = Association::kNan;

double median(std::vector<double> values) {
  if (values.empty()) return kNan;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<std::uint32_t> clusters_of(std::span<const std::size_t> patients, const Outcome& outcome) {
  std::vector<std::uint32_t> clusters;
  for (const std::size_t patient : patients) clusters.push_back(outcome.cluster[patient]);
  return clusters;
}

void split(const FeatureRows& rows, const Outcome& outcome, std::vector<double>& yes, std::vector<double>& no) {
  for (std::size_t i = 0; i < rows.patients.size(); ++i) {
    (outcome.event[rows.patients[i]] != 0 ? yes : no).push_back(rows.values[i]);
  }
}

/// Leading columns given per row, then the covariates.
std::vector<double> design_of(const FeatureRows& rows, const Outcome& outcome,
                              const std::vector<std::vector<double>>& leading) {
  const std::size_t covariates = outcome.covariate_names.size();
  std::vector<double> design;
  design.reserve(rows.patients.size() * (leading.size() + covariates));
  for (std::size_t i = 0; i < rows.patients.size(); ++i) {
    for (const auto& column : leading) design.push_back(column[i]);
    for (std::size_t j = 0; j < covariates; ++j) {
      design.push_back(outcome.covariates[rows.patients[i] * covariates + j]);
    }
  }
  return design;
}

std::vector<std::uint8_t> events_of(const FeatureRows& rows, const Outcome& outcome) {
  std::vector<std::uint8_t> events;
  for (const std::size_t patient : rows.patients) events.push_back(outcome.event[patient]);
  return events;
}

stats::SurvivalRows survival_rows(std::span<const std::size_t> patients, const Outcome& outcome) {
  stats::SurvivalRows result;
  for (const std::size_t patient : patients) {
    result.time.push_back(outcome.time[patient]);
    result.event.push_back(outcome.event[patient]);
    if (!outcome.start.empty()) result.start.push_back(outcome.start[patient]);
    if (!outcome.stratum.empty()) result.stratum.push_back(outcome.stratum[patient]);
    if (!outcome.cluster.empty()) result.cluster.push_back(outcome.cluster[patient]);
  }
  return result;
}

std::vector<std::uint32_t> strata_of(std::span<const std::size_t> patients, const Outcome& outcome) {
  std::vector<std::uint32_t> strata;
  if (outcome.stratum.empty()) return strata;
  for (const std::size_t patient : patients) strata.push_back(outcome.stratum[patient]);
  return strata;
}

/// Score test of one more column: of clusters where there are some.
stats::ResidualScoreTest score_test(std::span<const double> column, std::span<const double> others,
                                    std::size_t others_columns, std::span<const double> residuals,
                                    std::span<const std::size_t> patients, const Outcome& outcome,
                                    bool product = false) {
  const std::vector<std::uint32_t> strata =
      outcome.survival ? strata_of(patients, outcome) : std::vector<std::uint32_t>{};
  if (outcome.cluster.empty()) {
    return stats::residual_score_test(column, others, others_columns, residuals, strata, {}, product);
  }
  return stats::cluster_score_test(column, others, others_columns, residuals, clusters_of(patients, outcome), strata);
}

/// Covariance of the coefficients: robust where there are clusters.
const std::vector<double>& covariance_of(const stats::CoxFit& fit) {
  return fit.robust_covariance.empty() ? fit.covariance : fit.robust_covariance;
}
std::vector<double> covariance_of(const stats::LogisticFit& fit, std::span<const double> design, std::size_t columns,
                                  std::span<const std::uint8_t> events, std::span<const std::size_t> patients,
                                  const Outcome& outcome) {
  if (outcome.cluster.empty()) return fit.covariance;
  return stats::logistic_robust_covariance(design, columns, events, fit, clusters_of(patients, outcome));
}

/// Values of two groups that take two values in all make a two by two table.
std::optional<stats::FisherTest> test_two_values(const std::vector<double>& yes, const std::vector<double>& no) {
  if (yes.empty() || no.empty()) return std::nullopt;
  const double low = std::min(std::ranges::min(yes), std::ranges::min(no));
  const double high = std::max(std::ranges::max(yes), std::ranges::max(no));
  const auto other = [&](double v) { return v != low && v != high; };
  if (std::ranges::any_of(yes, other) || std::ranges::any_of(no, other)) return std::nullopt;
  const auto count = [](const std::vector<double>& values, double value) {
    return static_cast<std::size_t>(std::ranges::count(values, value));
  };
  return stats::fisher_exact_test(count(yes, high), count(no, high), count(yes, low), count(no, low));
}

void test_binary(const std::vector<double>& yes, const std::vector<double>& no, Association& result) {
  const std::optional<stats::FisherTest> test = test_two_values(yes, no);
  if (!test) return;
  result.binary = true;
  result.fisher_odds_ratio = test->odds_ratio;
  result.fisher_lower = test->lower;
  result.fisher_upper = test->upper;
  result.p_fisher = test->p;
}

/// p of van Elteren's statistic among permutations within strata: of few patients it is no chi-squared.
double van_elteren_p(const std::vector<double>& values, std::span<const std::uint8_t> events,
                     std::span<const std::uint32_t> strata) {
  std::vector<double> weighted(values.size()), outcomes(events.begin(), events.end());
  for (std::uint32_t stratum = 0; stratum <= std::ranges::max(strata); ++stratum) {
    std::vector<std::size_t> members;
    std::vector<double> own;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (strata[i] != stratum) continue;
      members.push_back(i);
      own.push_back(values[i]);
    }
    if (members.empty()) continue;
    const std::vector<double> ranks = stats::mid_ranks(own);
    for (std::size_t i = 0; i < own.size(); ++i) {
      weighted[members[i]] = ranks[i] / static_cast<double>(own.size() + 1);
    }
  }
  return stats::residual_score_test(weighted, {}, 0, outcomes, strata).p;
}

void set_interval(Association& result) {
  result.lower = result.effect - stats::kZ95 * result.se;
  result.upper = result.effect + stats::kZ95 * result.se;
}

void add_flag(Association& result, std::string_view flag) {
  if (!result.flag.empty()) result.flag += ';';
  result.flag += flag;
}

/// Subset of the rows in one arm, or in both where `arm` is negative.
FeatureRows in_arm(const FeatureRows& rows, const Outcome& outcome, int arm) {
  FeatureRows result;
  result.deviation = rows.deviation;
  for (std::size_t i = 0; i < rows.patients.size(); ++i) {
    const int own = outcome.arm[rows.patients[i]];
    if (own < 0 || (arm >= 0 && own != arm)) continue;
    result.patients.push_back(rows.patients[i]);
    result.values.push_back(rows.values[i]);
    result.scaled.push_back(rows.scaled[i]);
  }
  return result;
}

struct LinearTerm {
  double estimate = kNan, variance = kNan;
};

/// b[first] + b[second] with its variance.
LinearTerm sum_of(const std::vector<double>& b, const std::vector<double>& v, std::size_t size, std::size_t first,
                  std::size_t second) {
  return {b[first] + b[second], v[first * size + first] + v[second * size + second] + 2 * v[first * size + second]};
}

void set_arms(Association& result, const LinearTerm& reference, const LinearTerm& other) {
  const LinearTerm* terms[2] = {&reference, &other};
  for (int arm = 0; arm < 2; ++arm) {
    const double half_width = stats::kZ95 * std::sqrt(terms[arm]->variance);
    result.effect_arm[arm] = terms[arm]->estimate;
    result.lower_arm[arm] = terms[arm]->estimate - half_width;
    result.upper_arm[arm] = terms[arm]->estimate + half_width;
  }
}

bool varies(const std::vector<double>& values) {
  return std::ranges::any_of(values, [&](double v) { return v != values.front(); });
}

}  // namespace

FeatureRows rows_of(std::span<const double> values, const Outcome& outcome) {
  FeatureRows rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]) || outcome.known[i] == 0 || outcome.covariates_known[i] == 0) continue;
    rows.patients.push_back(i);
    rows.values.push_back(values[i]);
  }
  if (rows.values.size() < 2 || !varies(rows.values)) return rows;
  double mean = 0, square = 0;
  for (const double v : rows.values) mean += v;
  mean /= static_cast<double>(rows.values.size());
  for (const double v : rows.values) square += (v - mean) * (v - mean);
  const double deviation = std::sqrt(square / static_cast<double>(rows.values.size() - 1));
  if (!(deviation > 0) || !std::isfinite(deviation)) return rows;
  rows.deviation = deviation;
  for (const double v : rows.values) rows.scaled.push_back((v - mean) / deviation);
  return rows;
}

void test_response(const FeatureRows& rows, const Outcome& outcome, stats::RankSumDistribution& distribution,
                   Association& result) {
  std::vector<double> yes, no;
  split(rows, outcome, yes, no);
  const stats::RankSumTest rank_sum = stats::rank_sum_test(yes, no, distribution);
  const stats::Auc auc = stats::auc_delong(yes, no);
  result.auc = auc.auc;
  if (outcome.cluster.empty()) {
    result.auc_lower = auc.lower;
    result.auc_upper = auc.upper;
    test_binary(yes, no, result);
  }
  result.median_responders = median(yes);
  result.median_nonresponders = median(no);
  const std::size_t columns = 1 + outcome.covariate_names.size();
  const std::vector<double> design = design_of(rows, outcome, {rows.scaled});
  const auto events = events_of(rows, outcome);
  const stats::LogisticFit logistic = stats::fit_logistic(design, columns, events);
  const std::size_t size = columns + 1;
  if (!logistic.singular) {
    result.effect = logistic.coefficients[1];
    result.se = std::sqrt(covariance_of(logistic, design, columns, events, rows.patients, outcome)[size + 1]);
    set_interval(result);
  }
  if (logistic.firth) add_flag(result, "separated");
  const bool independent = outcome.cluster.empty();
  if (independent && !outcome.stratum.empty() && outcome.covariate_names.size() == outcome.stratum_columns) {
    const std::vector<std::uint32_t> strata = strata_of(rows.patients, outcome);
    result.statistic = stats::van_elteren_test(rows.values, events, strata).statistic;
    result.p = van_elteren_p(rows.values, events, strata);
    result.test = "van_elteren";
  } else if (independent && outcome.covariate_names.empty()) {
    // Of two values the rank sum takes few: its normal approximation rejects too often.
    result.statistic = rank_sum.w;
    result.p = result.binary ? result.p_fisher : rank_sum.p;
    result.test = result.binary ? "fisher_exact" : rank_sum.exact ? "wilcoxon_exact" : "wilcoxon";
  } else {
    const std::vector<double> covariates = design_of(rows, outcome, {});
    const stats::LogisticFit null = stats::fit_logistic(covariates, columns - 1, events);
    const stats::ResidualScoreTest score =
        score_test(rows.scaled, covariates, columns - 1,
                   stats::logistic_residuals(covariates, columns - 1, events, null), rows.patients, outcome);
    result.statistic = score.statistic;
    result.p = score.p;
    result.test = independent ? "logistic_score" : "logistic_cluster_score";
  }
}

SurvivalBasis::SurvivalBasis(std::span<const std::size_t> patients, const Outcome& outcome)
    : model(survival_rows(patients, outcome)) {
  const std::size_t columns = outcome.covariate_names.size();
  for (const std::size_t patient : patients) {
    for (std::size_t j = 0; j < columns; ++j) covariates.push_back(outcome.covariates[patient * columns + j]);
  }
  const stats::CoxOptions options{.ties = outcome.ties};
  if (columns > 0) fit = model.fit(covariates, columns, options);
  residuals = model.martingale_residuals(covariates, columns, fit.coefficients, options);
  timed = model.timed_residuals(covariates, columns, fit.coefficients, options);
  stratum = strata_of(patients, outcome);
}

namespace {

/// Score of feature × time, given that of the feature, against its permutations without an effect of the feature.
double proportional_hazards_p(const FeatureRows& rows, const Outcome& outcome, const SurvivalBasis& basis,
                              const std::vector<double>& design, const stats::CoxFit& fit) {
  const std::size_t columns = 1 + outcome.covariate_names.size(), first[1] = {0};
  const stats::CoxOptions options{.ties = outcome.ties};
  std::vector<double> null{0};
  null.insert(null.end(), basis.fit.coefficients.begin(), basis.fit.coefficients.end());
  const stats::TimedScore score = basis.model.timed_score(design, columns, first, fit.coefficients, options),
                          none = basis.model.timed_score(design, columns, first, null, options);
  if (!(score.variance[0] > 0) || !(none.variance[0] > 0)) return kNan;
  const double z = score.score[0] / std::sqrt(score.variance[0]), effect = fit.coefficients[0];
  // Few deaths: what was fitted to them is gone from the variance.
  const auto events = static_cast<double>(fit.events);
  const double spent = std::max(0.0, events - static_cast<double>(columns)) / events;
  return stats::residual_score_test(
             rows.scaled, design_of(rows, outcome, {basis.residuals}), columns, basis.timed,
             strata_of(rows.patients, outcome),
             stats::ObservedScore{spent * z * z, none.variance, effect * effect / fit.covariance[0], z < 0})
      .p;
}

}  // namespace

void test_survival(const FeatureRows& rows, const Outcome& outcome, const SurvivalBasis& all, bool proportional_hazards,
                   Association& result) {
  const stats::CoxOptions options{.ties = outcome.ties};
  const std::size_t columns = 1 + outcome.covariate_names.size();
  std::optional<SurvivalBasis> own;
  if (rows.patients.size() != all.model.rows()) own.emplace(rows.patients, outcome);
  const SurvivalBasis& basis = own ? *own : all;
  const std::vector<double> design = columns == 1 ? rows.scaled : design_of(rows, outcome, {rows.scaled});
  const stats::CoxFit fit = basis.model.fit(design, columns, options);
  if (fit.rank < columns && fit.covariance[0] <= 0) return;
  const stats::ResidualScoreTest score =
      score_test(rows.scaled, basis.covariates, columns - 1, basis.residuals, rows.patients, outcome);
  const bool independent = outcome.cluster.empty();
  result.statistic = score.statistic;
  result.p = score.p;
  result.test = independent ? "cox_score" : "cox_cluster_score";
  const double null = columns == 1 ? fit.log_likelihood_null : basis.fit.log_likelihood;
  result.likelihood_ratio = std::max(0.0, 2 * (fit.log_likelihood - null));
  result.effect = fit.coefficients[0];
  if (fit.infinite) {
    // No maximum, hence no interval.
    add_flag(result, "monotone");
    return;
  }
  result.se = std::sqrt(covariance_of(fit)[0]);
  set_interval(result);
  if (proportional_hazards && independent && outcome.ties != stats::Ties::kExact) {
    result.p_proportional = proportional_hazards_p(rows, outcome, basis, design, fit);
  }
}

void test_interaction(const FeatureRows& rows, const Outcome& outcome, Association& result) {
  const FeatureRows both = in_arm(rows, outcome, -1);
  result.n_arms = both.patients.size();
  for (int arm = 0; arm < 2; ++arm) {
    const FeatureRows one = in_arm(rows, outcome, arm);
    if (one.patients.size() < 3 || !varies(one.values)) return;
    const auto events = events_of(one, outcome);
    const bool any = std::ranges::any_of(events, [](std::uint8_t e) { return e != 0; });
    const bool all = std::ranges::all_of(events, [](std::uint8_t e) { return e != 0; });
    if (!any || (all && !outcome.survival)) return;
  }
  std::vector<double> arm, product;
  for (std::size_t i = 0; i < both.patients.size(); ++i) {
    arm.push_back(outcome.arm[both.patients[i]]);
    product.push_back(both.scaled[i] * arm.back());
  }
  const std::size_t columns = 3 + outcome.covariate_names.size();
  const std::vector<double> design = design_of(both, outcome, {product, both.scaled, arm});
  if (outcome.survival) {
    const stats::CoxModel model(survival_rows(both.patients, outcome));
    const stats::CoxOptions options{.ties = outcome.ties};
    const stats::CoxFit fit = model.fit(design, columns, options);
    const std::vector<double> others = design_of(both, outcome, {both.scaled, arm});
    const stats::CoxFit null = model.fit(others, columns - 1, options);
    result.p_interaction = score_test(product, others, columns - 1,
                                      model.martingale_residuals(others, columns - 1, null.coefficients, options),
                                      both.patients, outcome, true)
                               .p;
    if (fit.infinite) return;
    const std::vector<double>& covariance = covariance_of(fit);
    result.interaction = fit.coefficients[0];
    result.interaction_se = std::sqrt(covariance[0]);
    set_arms(result, {fit.coefficients[1], covariance[columns + 1]},
             sum_of(fit.coefficients, covariance, columns, 0, 1));
    return;
  }
  const auto events = events_of(both, outcome);
  const stats::LogisticFit fit = stats::fit_logistic(design, columns, events);
  if (fit.singular) return;
  const std::vector<double> others = design_of(both, outcome, {both.scaled, arm});
  const stats::LogisticFit null = stats::fit_logistic(others, columns - 1, events);
  const std::size_t size = columns + 1;
  result.p_interaction =
      score_test(product, others, columns - 1, stats::logistic_residuals(others, columns - 1, events, null),
                 both.patients, outcome, true)
          .p;
  const std::vector<double> covariance = covariance_of(fit, design, columns, events, both.patients, outcome);
  result.interaction = fit.coefficients[1];
  result.interaction_se = std::sqrt(covariance[size + 1]);
  set_arms(result, {fit.coefficients[2], covariance[2 * size + 2]}, sum_of(fit.coefficients, covariance, size, 1, 2));
}

void test_batch(const FeatureRows& rows, const Outcome& outcome, const BatchLayout& layout,
                stats::RankSumDistribution& distribution, Association& result) {
  FeatureRows known;
  std::vector<std::uint32_t> batch;
  for (std::size_t i = 0; i < rows.patients.size(); ++i) {
    const std::uint32_t own = layout.batch[rows.patients[i]];
    if (own == BatchLayout::kNone) continue;
    known.patients.push_back(rows.patients[i]);
    known.values.push_back(rows.values[i]);
    known.scaled.push_back(rows.scaled[i]);
    batch.push_back(own);
  }
  if (known.patients.empty() || !varies(known.values)) return;
  if (layout.batches == 2) {
    std::vector<double> first, second;
    for (std::size_t i = 0; i < batch.size(); ++i) (batch[i] == 0 ? first : second).push_back(known.values[i]);
    const std::optional<stats::FisherTest> fisher = test_two_values(first, second);
    const stats::RankSumTest rank_sum = stats::rank_sum_test(first, second, distribution);
    result.batch_p = fisher ? fisher->p : rank_sum.p;
    // The sum of few tied ranks takes few values and is skewed: its normal approximation rejects too often.
    if (!fisher && !rank_sum.exact) {
      const std::vector<double> ranks = stats::mid_ranks(known.values), groups(batch.begin(), batch.end());
      result.batch_p = stats::residual_score_test(ranks, {}, 0, groups).p;
    }
  } else {
    result.batch_p = stats::kruskal_wallis_test(known.values, batch).p;
  }
  if (outcome.survival) {
    stats::SurvivalRows survival = survival_rows(known.patients, outcome);
    std::vector<std::uint32_t> within = batch;
    for (std::size_t i = 0; i < within.size() && !survival.stratum.empty(); ++i) {
      within[i] += static_cast<std::uint32_t>(layout.batches) * survival.stratum[i];
    }
    survival.stratum = within;
    const std::size_t columns = outcome.covariate_names.size();
    const std::vector<double> covariates = design_of(known, outcome, {});
    const stats::CoxModel model(survival);
    std::vector<double> coefficients;
    if (columns > 0) coefficients = model.fit(covariates, columns).coefficients;
    result.p_batch_adjusted =
        stats::residual_score_test(known.scaled, covariates, columns,
                                   model.martingale_residuals(covariates, columns, coefficients), within)
            .p;
  } else {
    result.p_batch_adjusted = van_elteren_p(known.values, events_of(known, outcome), batch);
  }
  constexpr double kLevel = 0.05;
  // Batch against outcome is a screen: missing it is worse than a flag too many.
  constexpr double kOutcomeLevel = 0.1;
  const bool survives = !std::isnan(result.p_batch_adjusted) && result.p_batch_adjusted < kLevel;
  if (result.p < kLevel && !survives && result.batch_p < kLevel && layout.outcome_p < kOutcomeLevel) {
    add_flag(result, "batch_confounded");
  }
}

}  // namespace immucan::biomarker
