#pragma once
// AUCell (Aibar et al. 2017): how many genes of a set stand among the highest of a cell.
#include <vector>

#include "biomarker/sample_scores.h"

namespace immucan::biomarker {

/// With genes ranked from 1 at the highest and T = ceil(`top_share` × genes): the area under the recovery curve up to
/// T, as a share of the largest possible. Tied genes (most of a cell's are zero) share the mean of their places' areas,
/// so that neither the order of the rows nor a seed has an influence.
[[nodiscard]] ScoreTable aucell_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                       double top_share, unsigned threads, const core::InterruptSource* interrupt);

/// Mean of the values of a set's genes (MCP-counter on log2 expression: Becht et al. 2016).
[[nodiscard]] ScoreTable mean_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                                     const core::InterruptSource* interrupt);

}  // namespace immucan::biomarker
