#pragma once
// PLAGE (Tomfohr, Lu and Kepler 2005): the leading right singular vector of a set's standardised genes.
#include <cstdint>
#include <vector>

#include "biomarker/sample_scores.h"

namespace immucan::biomarker {

/// Weights of a set's varying genes: their sum over the standardised genes of a sample is its score. Empty for sets
/// that are not scored or do not vary.
struct PlageLoadings {
  std::vector<std::uint32_t> genes;
  std::vector<double> weights;
};
/// The left singular vector over its singular value, signed to correlate positively with the mean z of the set.
/// `matrix` is standardised; needs two samples.
[[nodiscard]] std::vector<PlageLoadings> plage_loadings(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                                        const std::vector<std::uint8_t>& varies, unsigned threads,
                                                        const core::InterruptSource* interrupt);
/// Scores of standardised samples: over the cohort that gave the loadings, a unit vector.
[[nodiscard]] ScoreTable plage_projection(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                          const std::vector<PlageLoadings>& loadings);

/// Unit vector over the samples; genes of no variation do not count. Standardises the rows of `matrix` in place.
[[nodiscard]] ScoreTable plage_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                                      const core::InterruptSource* interrupt);

}  // namespace immucan::biomarker
