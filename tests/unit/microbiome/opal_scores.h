#pragma once
// The scores of OPAL (Meyer et al. 2019, Genome Biology 20:51) for profiles in CAMI's format, written from their
// definitions, to judge our files and stored ones.
#include <map>
#include <string>

#include "microbiome/cami_profile.h"

namespace immucan::microbiome {

using RankPercentages = std::map<std::string, std::map<std::string, double>>;  ///< rank → taxid → per cent

/// Percentages scaled to sum to 100 at each rank (OPAL's option -n).
[[nodiscard]] CamiSample normalised(CamiSample sample);
/// Percentages by rank, taxa of one taxid added up.
[[nodiscard]] RankPercentages percentages_of(const CamiSample& sample);

struct RankScores {
  double l1 = 0, bray_curtis = 0, shannon = 0;
  double true_positives = 0, false_positives = 0, false_negatives = 0;
  double precision = 0, recall = 0, f1 = 0, jaccard = 0, taxa = 0;
};
/// One rank of a profile against the truth.
[[nodiscard]] RankScores rank_scores(const std::map<std::string, double>& truth,
                                     const std::map<std::string, double>& profile);

/// Over the tree that both profiles' paths make, each edge as long as the ranks it crosses, mass by sample normalised.
[[nodiscard]] double weighted_unifrac(const CamiSample& truth, const CamiSample& profile);

/// The same with a mass of 1 at each taxon that holds more than its children. OPAL of 2018 asks whether the difference
/// of percentages is above 0, so for inner nodes it counts what rounding leaves; `noise`: no more than that is nothing.
[[nodiscard]] double unweighted_unifrac(const CamiSample& truth, const CamiSample& profile, double noise);

/// What is against the specification in the text of a profile of ours; empty where nothing is. Stricter than the
/// reader: order of metadata, paths as long as their rank and ending in the taxid, parents that are there and hold at
/// least the sum of their children, sums of at most 100.
[[nodiscard]] std::string cami_violation(const std::string& text);

}  // namespace immucan::microbiome
