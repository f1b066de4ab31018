#pragma once
// One answer from the association tables of several cohorts.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/run_context.h"

namespace immucan::biomarker {

struct CohortMetaOptions {
  std::vector<std::filesystem::path> tables;  ///< NAME=PATH, or PATH with its stem as name; written by associate
  std::filesystem::path output;
  std::int64_t min_cohorts = 2;
};

/// NaN = NA.
struct PooledAssociation {
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::string feature;
  std::size_t cohorts = 0, patients = 0;
  std::size_t positive = 0;                                     ///< cohorts with an effect above 0
  double effect = kNan, se = kNan, lower = kNan, upper = kNan;  ///< fixed: inverse variance
  double statistic = kNan, p = kNan, fdr = kNan;                ///< from the tests of record of the cohorts
  double random = kNan, random_se = kNan, random_lower = kNan, random_upper = kNan, p_random = kNan;
  double tau_squared = kNan, i_squared = kNan, q = kNan, p_heterogeneity = kNan;
  std::string effects;  ///< cohort:patients:effect:se, joined by ';'
};

/// By p, then name; features with an effect in fewer than `min_cohorts` cohorts last. 64: fewer than two tables, two of
/// one name. 65: not an association table, survival beside response, a feature twice, no feature shared.
[[nodiscard]] std::vector<PooledAssociation> pool_cohorts(const CohortMetaOptions& options, core::RunContext& context);
[[nodiscard]] std::string format_pooled(const std::vector<PooledAssociation>& rows);

/// What one cohort says of a feature.
struct CohortEstimate {
  std::string cohort;
  std::size_t patients = 0;
  double effect = 0, se = 0, p = 1;
};
/// The statistics of one feature (calibration, other callers); estimates that are not finite are left out.
[[nodiscard]] PooledAssociation pool_estimates(const std::string& feature, const std::vector<CohortEstimate>& estimates,
                                               std::size_t min_cohorts);

}  // namespace immucan::biomarker
