#pragma once
// Cells among barcodes of few molecules: EmptyDrops (Lun et al., Genome Biology 20:63, 2019) with the choices of Cell
// Ranger 3 and STARsolo's EmptyDrops_CR.
#include <cstdint>
#include <span>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

struct EmptyDropsOptions {
  std::uint64_t ambient_first = 45000;  ///< barcodes of this rank (from 0) …
  std::uint64_t ambient_last = 90000;   ///< … up to before this one are empty; both are scaled to small data
  std::uint64_t least_molecules = 500;  ///< of a candidate; scaled to small data
  double least_share_of_median = 0.01;  ///< of the median molecules of the barcodes called so far
  std::uint64_t most_candidates = 20000;
  std::uint64_t simulations = 10000;
  double false_discovery_rate = 0.01;
  bool size_test = true;  ///< false: the profile alone decides, as in Cell Ranger
};

struct EmptyDropsCandidate {
  std::size_t barcode = 0;
  std::uint64_t molecules = 0;
  double log_probability = 0;  ///< multinomial, given the ambient profile
  double p = 1, fdr = 1;
  bool by_size = false;  ///< has more molecules than empty droplets have
};

struct EmptyDropsResult {
  std::uint64_t ambient_first = 0, ambient_last = 0;  ///< ranks used
  std::uint64_t least_molecules = 0;                  ///< used
  std::uint64_t size_threshold = 0;  ///< molecules from which a candidate is a cell by its size; 0 = not used
  std::vector<double> ambient;       ///< probability per feature; 0 for features of no barcode
  std::vector<EmptyDropsCandidate> candidates;  ///< by rank
  std::vector<std::size_t> cells;               ///< candidates called, ascending
};

/// `called` are the barcodes that are cells by their molecules alone, those of highest rank. Barcodes are ranked by
/// molecules, then by position. Of n barcodes with molecules, where n is below 90,000 the ambient ranks begin after
/// the first quarter of those that are not called, but not beyond 45,000; where n is at most 45,000 (there the rule of
/// Cell Ranger has no empty barcodes at all) a candidate needs min(100, a tenth of the median of the cells called): 100
/// is the bound of Lun et al. Probabilities of the ambient profile by Simple Good–Turing; p = (1 + simulations no more
/// probable) / (1 + simulations), where one simulation draws molecule after molecule and serves all totals;
/// Benjamini–Hochberg over the candidates. Nothing is called where the ambient ranks hold no molecule. Small cells of
/// the kind that dominates the soup have its profile; a candidate is also a cell by its size, from exp(median + 4
/// spreads) molecules on, median and spread (median less the quantile 0.16, at least 0.35) being those of the
/// logarithms over the barcodes that are not called. The same for any number of threads.
[[nodiscard]] EmptyDropsResult empty_drops(const io::CsrMatrix& counts, std::span<const std::uint64_t> molecules,
                                           std::span<const std::size_t> called, const EmptyDropsOptions& options,
                                           const core::RunContext& context);

/// Barcodes by descending molecules, ties by position; those without molecules are left out.
[[nodiscard]] std::vector<std::size_t> ranked_barcodes(std::span<const std::uint64_t> molecules);

}  // namespace immucan::scrna
