#pragma once
// Single-sample scores of gene sets.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "biomarker/gene_set_rows.h"
#include "core/run_context.h"
#include "io/matrix_table.h"

namespace immucan::biomarker {

/// Sets × samples; NaN = NA.
struct ScoreTable {
  std::vector<std::string> sets, samples;
  std::vector<double> values;  ///< row-major
  [[nodiscard]] double& at(std::size_t set, std::size_t sample) { return values[set * samples.size() + sample]; }
  [[nodiscard]] double at(std::size_t set, std::size_t sample) const { return values[set * samples.size() + sample]; }
};

/// z over the samples (n - 1), row by row in place; 0 marks rows of no variation, which stay as they are.
[[nodiscard]] std::vector<std::uint8_t> standardise_rows(io::MatrixTable& matrix, unsigned threads,
                                                         const core::InterruptSource* interrupt);

/// Who stands first among tied genes of a sample.
enum class TieOrder {
  kShared,  ///< nobody: tied genes share their expected step, so that the order of the rows has no influence
  kGsva,    ///< R's GSVA: truncated mean ranks, the first row first
  kGseapy,  ///< gseapy: mean ranks, the last row first
};

/// Kernels; rows of sets that are not scored stay NaN. `matrix` holds distinct genes.
/// ssGSEA (Barbie et al. 2009) as the raw enrichment score.
[[nodiscard]] ScoreTable ssgsea_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, double alpha,
                                       TieOrder ties, unsigned threads, const core::InterruptSource* interrupt);
/// Combined z-score (Lee et al. 2008): sum of the genes' z over the root of their number. Needs two samples; genes of
/// no variation do not count. Standardises the rows of `matrix` in place.
[[nodiscard]] ScoreTable zscore_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                                       const core::InterruptSource* interrupt);
/// Of rows that are z already; `varies` tells which rows count.
[[nodiscard]] ScoreTable zscore_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                       const std::vector<std::uint8_t>& varies, unsigned threads,
                                       const core::InterruptSource* interrupt);

/// A gene of a set in one sample. The contributions of a set's genes sum to its raw score: each is the gene's share of
/// the set's weight, times the distance of its place from the mean place of the genes outside the set.
struct GeneContribution {
  std::uint32_t gene;  ///< row of the matrix
  double rank;         ///< from 1 at the lowest; ties share
  double contribution;
};
/// Of one sample (column), per set; highest contribution first. Empty for sets that are not scored.
[[nodiscard]] std::vector<std::vector<GeneContribution>> ssgsea_contributions(const io::MatrixTable& matrix,
                                                                              std::size_t sample,
                                                                              const std::vector<SetRows>& sets,
                                                                              double alpha);

/// Share of genes at the lowest value, per sample: high in samples of low input, whose ranks say little.
[[nodiscard]] std::vector<double> floor_fractions(const io::MatrixTable& matrix);

}  // namespace immucan::biomarker
