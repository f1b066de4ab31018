#pragma once
// A row per feature: its association with response or survival, by arm where there are two, and its batch.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "biomarker/cohort_analysis.h"
#include "core/output.h"
#include "core/run_context.h"

namespace immucan::biomarker {

struct AssociateOptions : CohortAnalysisOptions {
  std::int64_t min_samples = 6;
  double fdr_level = 0.05;                                ///< under which a claim is made
  bool moderated = false, trend = false, robust = false;  ///< response: moderated t (trend and robust imply it)
  bool proportional_hazards = false;                      ///< survival: test of proportional hazards
  std::optional<std::string> compare;                     ///< response: feature against which AUCs are compared
  bool pan_tumour = true;                                 ///< stratify by tumour_type where it varies
};

/// NaN = NA. Effects are per standard deviation (n - 1) of the feature among the patients of the row.
struct Association {
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::string feature;
  std::size_t n = 0;
  std::size_t responders = 0, nonresponders = 0;  ///< response
  std::size_t events = 0;                         ///< survival
  double effect = kNan;                           ///< log odds ratio, or log hazard ratio
  double se = kNan, lower = kNan, upper = kNan;
  double statistic = kNan, p = kNan, fdr = kNan;
  std::string test = "none";
  double median_responders = kNan, median_nonresponders = kNan;
  double auc = kNan, auc_lower = kNan, auc_upper = kNan;
  double likelihood_ratio = kNan;  ///< survival: chi-squared would reject too often where features are skewed
  // Two arms, reference first
  std::size_t n_arms = 0;
  double interaction = kNan, interaction_se = kNan, p_interaction = kNan, fdr_interaction = kNan;
  double effect_arm[2] = {kNan, kNan}, lower_arm[2] = {kNan, kNan}, upper_arm[2] = {kNan, kNan};
  double q = kNan, p_by = kNan, p_holm = kNan;
  double group_difference = kNan, moderated_t = kNan, p_moderated = kNan, fdr_moderated = kNan, log_odds = kNan;
  double prior_df = kNan, prior_variance = kNan;
  bool binary = false;  ///< response: the feature has two values; odds ratio of the greater one
  double fisher_odds_ratio = kNan, fisher_lower = kNan, fisher_upper = kNan, p_fisher = kNan, fdr_fisher = kNan;
  double auc_difference = kNan, auc_z = kNan, p_auc_difference = kNan;
  double p_proportional = kNan;
  std::size_t strata = 0;  ///< with an effect of their own
  double fixed = kNan, fixed_se = kNan, random = kNan, random_se = kNan, i_squared = kNan, p_heterogeneity = kNan;
  std::string stratum_effects;  ///< name:patients:effect:se, joined by ';'
  double batch_p = kNan, p_batch_adjusted = kNan;
  std::string flag;   ///< joined by ';'
  std::string claim;  ///< predictive | prognostic | associated | none
};

struct AssociationTable {
  std::vector<Association> rows;  ///< by p, then name; NA last
  bool survival = false;
  std::vector<std::string> arms;
  bool randomised = false;
  bool batches = false;
  std::size_t patients = 0, tested = 0;
  bool moderated = false, proportional_hazards = false, compared = false, stratified = false;
  bool binary = false;  ///< of at least one feature
};

/// Reads, joins, tests. Features with fewer than `min_samples` values, one class, or no variation have NA and do not
/// count among the tests of the false discovery rate.
[[nodiscard]] AssociationTable associate(const AssociateOptions& options, core::RunContext& context);
/// The tests alone (calibration, other callers).
[[nodiscard]] AssociationTable associate(const CohortFeatures& cohort, const Outcome& outcome,
                                         const AssociateOptions& options, core::RunContext& context);

/// TSV with the columns of docs/biomarker-score.md.
[[nodiscard]] std::string format_associations(const AssociationTable& table);

}  // namespace immucan::biomarker
