#pragma once
// Single-sample scores of gene sets.
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "biomarker/gene_set_rows.h"
#include "core/run_context.h"
#include "io/matrix_table.h"

namespace immucan::biomarker {

struct ScoreOptions {
  std::filesystem::path expression, sets, output;
  std::string method = "ssgsea";  ///< ssgsea | gsva | zscore | plage | singscore
  std::string compat = "none";    ///< none | gsva: another tool's result to the letter
  bool normalize = true;
  std::optional<std::int64_t> min_genes;  ///< default 5; 1 with --compat
  std::optional<double> min_coverage;     ///< default 0.5; 0 with --compat
  bool skip_absent = false;
  std::string duplicates = "refuse";  ///< refuse | mean | median | maxvar
  std::string kernel = "gaussian";    ///< gsva: gaussian | poisson | none
  bool max_difference = true;         ///< gsva
  std::string direction = "known";    ///< singscore: known | unknown
  double alpha = 0.25;
};

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

/// Reads, matches and scores. 65 on bad tables and where the method needs more samples than there are.
/// `dispersions` is filled by singscore.
[[nodiscard]] ScoreTable score_samples(const ScoreOptions& options, core::RunContext& context,
                                       std::optional<ScoreTable>* dispersions = nullptr);

/// Kernels; rows of sets that are not scored stay NaN. `matrix` holds distinct genes.
/// ssGSEA (Barbie et al. 2009) as the raw enrichment score. Ties share their expected step, so that the order of the
/// rows has no influence; with `gsva_order` ties are broken by row as R's GSVA does (truncated mean ranks, stable
/// order).
[[nodiscard]] ScoreTable ssgsea_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, double alpha,
                                       bool gsva_order, unsigned threads, const core::InterruptSource* interrupt);
/// Combined z-score (Lee et al. 2008): sum of the genes' z over the root of their number. Needs two samples; genes of
/// no variation do not count. Standardises the rows of `matrix` in place.
[[nodiscard]] ScoreTable zscore_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                                       const core::InterruptSource* interrupt);

/// Share of genes at the lowest value, per sample: high in samples of low input, whose ranks say little.
[[nodiscard]] std::vector<double> floor_fractions(const io::MatrixTable& matrix);

}  // namespace immucan::biomarker
