#pragma once
// A Cox model and survival curves of the columns of any table.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"

namespace immucan::biomarker {

/// Follow-up in two columns of a table.
struct SurvivalTableOptions {
  std::filesystem::path table, output;
  std::string time, event;
};

struct SurvivalModelOptions : SurvivalTableOptions {
  std::vector<std::string> terms;  ///< columns, or A:B for a product; text and --factor columns become indicators
  std::vector<std::string> factors;
  std::vector<std::string> strata;
  std::optional<std::string> cluster, start;
  std::string ties = "efron";
};

/// Table of coefficients, then of tests (global, proportional hazards), as TSV. Rows with a missing value in any column
/// asked are left out. 65 with place for text as time, negative times, events other than 0 and 1, unknown columns.
[[nodiscard]] std::string fit_survival_model(const SurvivalModelOptions& options, core::RunContext& context);

struct SurvivalCurvesOptions : SurvivalTableOptions {
  std::optional<std::string> group;
  std::string interval = "log";  ///< log | log-log | plain
  std::optional<double> tau;     ///< of the restricted means; default: the earliest end of follow-up of the groups
};
/// The curves as TSV; `summary` gets medians, restricted means, their difference and the log-rank test.
[[nodiscard]] std::string survival_curves(const SurvivalCurvesOptions& options, core::RunContext& context,
                                          std::string& summary);

}  // namespace immucan::biomarker
