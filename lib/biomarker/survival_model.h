#pragma once
// A Cox model of the columns of any table.
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/tsv.h"
#include "stats/cox.h"

namespace immucan::biomarker {

/// Follow-up in two columns of a table.
struct SurvivalTableOptions {
  std::filesystem::path table, output;
  std::string time, event;
  std::int64_t permutations = 9999;  ///< for p
};

struct SurvivalModelOptions : SurvivalTableOptions {
  std::vector<std::string> terms;  ///< columns, or A:B for a product; text and --factor columns become indicators
  std::vector<std::string> factors;
  std::vector<std::string> strata;
  std::optional<std::string> cluster, start;
  std::string ties = "efron";
};

struct SurvivalModel {
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  struct Coefficient {
    std::string name;
    double coef = kNan, se = kNan, robust_se = kNan, z = kNan, p_wald = kNan, lower = kNan, upper = kNan;
    double p = kNan;  ///< score test by permutation; with clusters by Student's t over clusters
  };
  struct Test {
    std::string name;
    double statistic = kNan, df = 0;
    double p_asymptotic = kNan;  ///< chi-squared, as R's coxph and cox.zph print it
    double p = kNan;             ///< holds its level for skewed terms and few events; NaN where there is none
  };
  std::vector<Coefficient> coefficients;
  std::vector<Test> tests;  ///< of the whole model, then of proportional hazards, the global one last
  stats::CoxFit fit;
};

/// Rows with a missing value in any column asked are left out. 65 with place for text as time, negative times, events
/// other than 0 and 1, unknown columns.
[[nodiscard]] SurvivalModel fit_survival_model(const io::Table& table, const SurvivalModelOptions& options,
                                               std::uint64_t seed = 1);
[[nodiscard]] std::string format_survival_model(const SurvivalModel& model);

}  // namespace immucan::biomarker
