#pragma once
// Change of each feature between two visits of the same patients, and whether it differs with response.
#include <filesystem>
#include <string>
#include <vector>

#include "biomarker/cohort_analysis.h"
#include "core/run_context.h"
#include "stats/wilcoxon.h"

namespace immucan::biomarker {

/// Samples are needed; of the outcome, the response alone is used.
struct PairedOptions : CohortAnalysisOptions {
  std::string before = "naive", after = "on-treatment";
  std::int64_t min_pairs = 6;
};

struct PairedChange {
  std::string feature;
  std::size_t pairs = 0;
  double mean, median, v, p, fdr, t, p_t;
  std::string test = "none";  ///< signed_rank_exact | signed_rank | none
  // With response: change of responders against the others, and the mixed model time × response.
  std::size_t pairs_r = 0, pairs_nr = 0, mixed_samples = 0;
  double mean_r, mean_nr, p_difference, fdr_difference, time, time_se, p_time, interaction, interaction_se,
      p_interaction, fdr_interaction;
};

/// One feature: a value before and after, and the response (1, 0, -1 missing; empty without) of each patient.
[[nodiscard]] PairedChange test_pairs(const std::string& name, const std::vector<double>& before,
                                      const std::vector<double>& after, const std::vector<int>& response,
                                      std::int64_t min_pairs, stats::RankSumDistribution& distribution);
/// Sorted by p, then name; NaN = NA. 65 as associate(), and where no patient has both visits.
[[nodiscard]] std::vector<PairedChange> test_paired(const PairedOptions& options, core::RunContext& context);
[[nodiscard]] std::string format_paired(const std::vector<PairedChange>& changes, bool response);

}  // namespace immucan::biomarker
