#pragma once
// Fragments from parts of the present species' genomes that the database lacks. They match nowhere, so they are sought
// among the unmatched mates: joined to pieces, those that hang on a matching mate of a species and have its depth are
// the species'; the rest is divided by depth and composition.
#include <cstddef>
#include <span>
#include <vector>

#include "microbiome/fragment_scan.h"

namespace immucan::microbiome {

/// A present species, as far as its matching fragments tell.
struct ContentQuery {
  TaxonIndex species = 0;
  double depth = 0;   ///< bases, all strains
  double hidden = 0;  ///< fragments that match nowhere by divergence and errors alone
  /// 0 where as many mates match nowhere as divergence and errors explain, 1 where clearly more do.
  double excess = 0;
  bool mixed = false;  ///< strains of different depth
};

/// Fragments in missing parts, for each query; NaN where the depth is too small to tell (or there are no mates).
/// `survival`: share of k-mers without a sequencing error.
[[nodiscard]] std::vector<double> missing_content(const SampleCounts& counts, std::span<const ContentQuery> queries,
                                                  double survival);

/// From this depth on the estimate is used, and from the second one on it alone.
inline constexpr double kLeastContentDepth = 1.0, kFullContentDepth = 1.8;

}  // namespace immucan::microbiome
