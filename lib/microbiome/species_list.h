#pragma once
// The species of a database, present or not, and how much of each would have been noticed.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "microbiome/database.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

struct ListedSpecies {
  TaxonIndex taxon = 0;
  double genome_length = 0;  ///< bases, mean over its genomes
};

/// By taxid; the host is left out.
[[nodiscard]] std::vector<ListedSpecies> listed_species(const Database& database);

/// Fragments that a species must give on average so that two are drawn, the fewest with which it is reported, in 95 of
/// 100 samples (Poisson).
inline constexpr double kDetectableFragments = 4.743864518;

/// Sequenced bases that a species must have to be noticed: its depth limit is this over its genome's length. NaN
/// without reads.
[[nodiscard]] double detectable_bases(const SampleProfile& profile);

/// Σ depth of the species present.
[[nodiscard]] double total_coverage(const Database& database, const SampleProfile& profile);

/// The smallest taxonomic abundance that would have been noticed in 95 of 100 samples like this.
[[nodiscard]] inline double detection_limit(double detectable_bases, double genome_length, double total_coverage) {
  const double depth = detectable_bases / genome_length;
  return depth / (total_coverage + depth);
}

}  // namespace immucan::microbiome
