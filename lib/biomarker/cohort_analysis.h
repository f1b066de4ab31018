#pragma once
// What every analysis of the features of a cohort is given: features of a visit, clinical table, outcome.
#include <filesystem>
#include <string>
#include <vector>

#include "biomarker/cohort_features.h"
#include "biomarker/outcome.h"
#include "core/run_context.h"

namespace immucan::biomarker {

struct CohortAnalysisOptions {
  CohortFeaturesOptions cohort;
  OutcomeOptions outcome;
  std::filesystem::path clinical, output;
};

/// 64: neither or both of response and survival; a time without its event; a visit other than naive against survival
/// without landmark or start (immortal time).
void check_outcome_options(const CohortAnalysisOptions& options);

/// Positions of the features asked, in that order; all of them where none is asked. 65 with the names that are absent.
[[nodiscard]] std::vector<std::size_t> positions_of(const std::vector<std::string>& asked, const CohortFeatures& cohort,
                                                    const std::filesystem::path& source);

}  // namespace immucan::biomarker
