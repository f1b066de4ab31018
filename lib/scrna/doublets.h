#pragma once
// Droplets of two cells, found by their likeness to sums of two observed cells (Scrublet: Wolock, Lopez and Klein, Cell
// Systems 8:281, 2019).
#include <cstdint>
#include <optional>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

struct DoubletOptions {
  std::optional<double> expected_rate;  ///< share of the barcodes that are two cells; estimated by default
  double simulated_per_cell = 2;
  std::size_t neighbours = 0;  ///< 0: half the square root of the cells
};

struct DoubletResult {
  double rate = 0;                   ///< given, or estimated
  double detectable = 0;             ///< share of the simulated doublets that would be called
  std::vector<double> scores;        ///< probability of being a doublet, per cell
  std::vector<std::uint8_t> called;  ///< 1 = probability at least one half
};

/// `counts` holds called cells only. As in Scrublet, doublets are simulated as sums of two random cells, and every cell
/// is described by the share q of simulated doublets among its nearest neighbours in principal components. The score is
/// calibrated: rate · f(q | simulated) / f(q | observed), made monotone in q by pooling adjacent violators, at most 1.
/// Without a given rate it is the share of observed over the share of simulated barcodes from the median q of the
/// simulated ones on. Doublets of two cells of one kind look like one cell and get a score near the rate. Fewer than 30
/// cells get no score (all 0).
[[nodiscard]] DoubletResult score_doublets(const io::CsrMatrix& counts, const DoubletOptions& options,
                                           const core::RunContext& context);

}  // namespace immucan::scrna
