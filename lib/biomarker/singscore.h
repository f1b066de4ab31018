#pragma once
// singscore (Foroutan et al. 2018): mean rank of a set within a sample. One sample is enough.
#include <vector>

#include "biomarker/sample_scores.h"

namespace immucan::biomarker {

struct SingscoreTable {
  ScoreTable scores, dispersions;
};

/// Ranks from the lowest, ties get the lowest of their ranks. Known direction: mean rank between its bounds, less one
/// half; sets NAME_UP and NAME_DN (or _DOWN) give one row NAME, the sum of both. Unknown direction: distance of the
/// ranks from the middle, not centred. Dispersion: median absolute deviation of the ranks × 1.4826 (the mean of up and
/// down).
[[nodiscard]] SingscoreTable singscore_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                              bool known_direction, unsigned threads,
                                              const core::InterruptSource* interrupt);

}  // namespace immucan::biomarker
