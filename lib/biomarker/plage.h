#pragma once
// PLAGE (Tomfohr, Lu and Kepler 2005): the leading right singular vector of a set's standardised genes.
#include <vector>

#include "biomarker/sample_scores.h"

namespace immucan::biomarker {

/// Unit vector over the samples, signed to correlate positively with the mean z of the set. Needs two samples; genes of
/// no variation do not count. Standardises the rows of `matrix` in place.
[[nodiscard]] ScoreTable plage_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                                      const core::InterruptSource* interrupt);

}  // namespace immucan::biomarker
