#pragma once
// Inside of association.cpp: the tests of one feature.
#include <span>
#include <vector>

#include "biomarker/association.h"
#include "stats/cox.h"
#include "stats/wilcoxon.h"

namespace immucan::biomarker {

/// Patients of one feature: value, outcome and covariates known.
struct FeatureRows {
  std::vector<std::size_t> patients;
  std::vector<double> values, scaled;  ///< scaled: per standard deviation, centred
  double deviation = 0;
};
[[nodiscard]] FeatureRows rows_of(std::span<const double> values, const Outcome& outcome);

/// The survival model without the feature, for one set of patients. Nearly all features share that of all patients.
struct SurvivalBasis {
  SurvivalBasis(std::span<const std::size_t> patients, const Outcome& outcome);
  stats::CoxModel model;
  std::vector<double> covariates;  ///< row-major
  stats::CoxFit fit;               ///< covariates only
  std::vector<double> residuals;   ///< martingale residuals of that fit
  std::vector<double> timed;       ///< the same, times the transformed time
  std::vector<std::uint32_t> stratum;
};

/// Fills the columns of the outcome; needs both classes (or an event) and variation.
void test_response(const FeatureRows& rows, const Outcome& outcome, stats::RankSumDistribution& distribution,
                   Association& result);
/// `all`: the basis of all patients with the outcome and all covariates.
void test_survival(const FeatureRows& rows, const Outcome& outcome, const SurvivalBasis& all, bool proportional_hazards,
                   Association& result);
/// Effects per stratum and what they say together.
void test_strata(const FeatureRows& rows, const Outcome& outcome, Association& result);
/// Moderated t of responders against the others, over all features that `rows` tested; covariates in the linear model.
void test_moderated(const CohortFeatures& cohort, const Outcome& outcome, const AssociateOptions& options,
                    std::vector<Association>& rows);
/// Paired DeLong of a feature against another, among the patients who have both.
void compare_auc(std::span<const double> values, std::span<const double> other, const Outcome& outcome,
                 Association& result);
/// Marker × arm.
void test_interaction(const FeatureRows& rows, const Outcome& outcome, Association& result);

/// Batches of one source among the patients whose outcome is known.
struct BatchLayout {
  std::vector<std::uint32_t> batch;  ///< by patient; kNone where not known
  std::size_t batches = 0;
  double outcome_p = Association::kNan;  ///< batch against outcome
  static constexpr std::uint32_t kNone = 0xffffffffU;
};
void test_batch(const FeatureRows& rows, const Outcome& outcome, const BatchLayout& layout,
                stats::RankSumDistribution& distribution, Association& result);

}  // namespace immucan::biomarker
