#pragma once
// The best cut-point of each feature, with its price: corrected p-values and a bootstrap interval of the cut.
#include <filesystem>
#include <string>
#include <vector>

#include "biomarker/cohort_analysis.h"
#include "core/random.h"
#include "core/run_context.h"

namespace immucan::biomarker {

struct CutpointOptions : CohortAnalysisOptions {
  std::vector<std::string> names;  ///< features asked; empty = all
  double min_share = 0.1, max_share = 0.9;
  std::int64_t permutations = 9999, bootstrap = 1000;
  std::int64_t min_samples = 20;
};

struct Cutpoint {
  std::string feature;
  std::size_t n = 0, events = 0, low = 0, high = 0;
  double cut, cut_lower, cut_upper;  ///< low group: values <= cut; 95 % percentile interval
  double statistic, p, fdr, p_lau94, p_permutation, p_naive;
};

/// One feature: its values by patient of the outcome.
[[nodiscard]] Cutpoint cut_feature(const std::string& name, std::span<const double> values, const Outcome& outcome,
                                   const CutpointOptions& options, core::Random random);
/// Sorted by p, then name. `p` is Lausen and Schumacher's (1992); features without a cut are NA. 65 as associate().
[[nodiscard]] std::vector<Cutpoint> find_cutpoints(const CutpointOptions& options, core::RunContext& context);
[[nodiscard]] std::string format_cutpoints(const std::vector<Cutpoint>& cutpoints);

}  // namespace immucan::biomarker
