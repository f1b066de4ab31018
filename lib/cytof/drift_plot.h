#pragma once
#include <string>
#include <vector>

#include "cytof/bead_spool.h"

namespace immucan::cytof {

/// An SVG of the bead intensities over Time, before and after normalisation: medians of consecutive beads, a line per
/// bead channel.
[[nodiscard]] std::string drift_plot(const std::string& title, const std::vector<int>& masses, const BeadSpool& beads,
                                     SpooledCurve& curve);

}  // namespace immucan::cytof
