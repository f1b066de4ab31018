#pragma once
// One run of `score`: reads, matches, scores, and what is told about the scores.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "biomarker/sample_scores.h"
#include "core/run_context.h"

namespace immucan::biomarker {

struct ScoreOptions {
  std::filesystem::path expression, output;
  std::filesystem::path sets;     ///< empty where the method brings its own genes
  std::string method = "ssgsea";  ///< ssgsea | gsva | zscore | plage | singscore | aucell | mean | mcpcounter |
                                  ///< quantiseq | epic | cibersort | io-panel
  std::string compat = "none";    ///< none | gsva | gseapy: another tool's result to the letter
  bool normalize = true;
  std::optional<std::int64_t> min_genes;  ///< default 5; 1 with --compat
  std::optional<double> min_coverage;     ///< default 0.5; 0 with --compat
  bool skip_absent = false, skip_thin = false;
  std::string duplicates = "refuse";  ///< refuse | mean | median | maxvar
  std::optional<std::filesystem::path> aliases;
  std::optional<std::string> gene_column;          ///< .h5ad: column of var; 10x: id
  std::optional<std::filesystem::path> reference;  ///< frozen cohort to compare with
  std::string kernel = "gaussian";                 ///< gsva: gaussian | poisson | none
  bool max_difference = true;                      ///< gsva
  std::string direction = "known";                 ///< singscore: known | unknown
  double alpha = 0.25;
  std::int64_t leading_genes = 10;  ///< per set and sample
  double top_share = 0.05;          ///< aucell
  bool tumour = true;               ///< quantiseq: leave out genes that tumours express
  std::optional<std::filesystem::path> signature, signature_variability, signature_genes, mrna;  ///< epic
  std::string unit = "auto";                                   ///< io-panel: auto | tpm | log2
  double log_offset = 1;                                       ///< io-panel: added before the logarithm was taken
  std::string log_base = "10";                                 ///< io-panel: of the T-cell-inflamed GEP, 10 | 2
  std::optional<std::filesystem::path> ips_genes, tide_model;  ///< io-panel
  bool pretreated = false;                                     ///< io-panel: TIDE
  bool other_cells = true;                                     ///< epic
  std::int64_t permutations = 0;                               ///< cibersort: draws for P_value
};

/// Tables beside the scores; text is TSV and empty unless asked for.
struct ScoreExtras {
  bool want_coverage = false, want_leading_edge = false, want_reference = false;
  std::optional<ScoreTable> dispersions;  ///< singscore
  std::optional<ScoreTable> percentiles;  ///< with a reference
  std::string coverage, leading_edge, reference;
};

/// 65 on bad tables and where the method needs more samples than there are.
[[nodiscard]] ScoreTable score_samples(const ScoreOptions& options, core::RunContext& context,
                                       ScoreExtras* extras = nullptr);

}  // namespace immucan::biomarker
