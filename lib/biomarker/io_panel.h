#pragma once
// Published immuno-oncology scores of single samples, each as its authors define it. Gene lists:
// signatures/io_panel.tsv.
#include <filesystem>
#include <optional>
#include <string>

#include "biomarker/sample_scores.h"
#include "core/run_context.h"

namespace immucan::biomarker {

struct PanelOptions {
  double log_base = 10;                             ///< of the T-cell-inflamed GEP: 10 (paper) or 2
  double min_coverage = 0.8;                        ///< share of its genes that a score needs
  bool skip_thin = false;                           ///< scores under it are NA instead of an error
  std::optional<std::filesystem::path> ips_genes;   ///< table gene_name name class weight
  std::optional<std::filesystem::path> tide_model;  ///< table gene dysfunction exclusion; the row SD scales them
  bool pretreated = false;                          ///< TIDE: exclusion only
};

/// `tpm` is linear. Rows that compare samples (chemokine 12, TIDE) are NA with one sample, and a warning says so.
[[nodiscard]] ScoreTable io_panel_scores(const io::MatrixTable& tpm, const PanelOptions& options,
                                         core::RunContext& context);

/// Brings log2(TPM + offset) to TPM in place. `unit` is auto (a table under 50 is logarithmic), tpm or log2. 65 on
/// values that no such TPM has.
void to_linear(io::MatrixTable& matrix, const std::string& unit, double offset);

}  // namespace immucan::biomarker
