#pragma once
// Survival curves of the groups of a table, and their comparison.
#include <optional>
#include <string>
#include <vector>

#include "biomarker/survival_model.h"
#include "stats/kaplan_meier.h"

namespace immucan::biomarker {

struct SurvivalCurvesOptions : SurvivalTableOptions {
  std::optional<std::string> group;
  std::string interval = "log";  ///< log | log-log | plain
  std::optional<double> tau;     ///< of the restricted means; default: the earliest end of follow-up of the groups
};

struct SurvivalCurves {
  struct Group {
    std::string name;
    std::size_t patients = 0, events = 0;
    std::vector<stats::SurvivalPoint> curve;
    stats::MedianSurvival median;
    stats::RestrictedMean mean;
  };
  struct Test {
    std::string name;
    stats::ChiSquaredTest test;  ///< as R's survdiff
    double p = 1;                ///< by permutation of the groups
  };
  /// A group against the first.
  struct Comparison {
    std::string name;
    double difference, se, z, p_asymptotic;
    double p;  ///< by permutation of the two groups
  };
  double tau = 0;
  std::vector<Group> groups;
  std::vector<Test> tests;  ///< none with one group
  std::vector<Comparison> comparisons;
};

/// 65 as fit_survival_model, and with more than 20 groups.
[[nodiscard]] SurvivalCurves survival_curves(const io::Table& table, const SurvivalCurvesOptions& options,
                                             std::uint64_t seed = 1);
/// A row per group and time.
[[nodiscard]] std::string format_survival_curves(const SurvivalCurves& curves);
/// Medians, restricted means, tests, comparisons.
[[nodiscard]] std::string format_survival_summary(const SurvivalCurves& curves);

}  // namespace immucan::biomarker
