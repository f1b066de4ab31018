#pragma once
// Contaminants of reagents and laboratory among the taxa of many samples: they take a larger share where there is less
// DNA, and they are in the blanks (Davis, Proctor, Holmes, Relman, Callahan 2018, Microbiome 6:226).
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/byte_source.h"

namespace immucan::microbiome {

/// A row of the controls table.
struct ControlRow {
  std::string sample_id;
  std::string control;                  ///< sample | blank | reference; references (mock communities) take no part
  std::string batch;                    ///< may be empty
  std::optional<double> concentration;  ///< of DNA before amplification, any unit, > 0
};

/// Columns sample_id, control, and where there are batch and concentration; others are passed over, so a samples.tsv
/// will do. 65 on a missing or repeated id, an unknown word, a concentration that is not above 0.
[[nodiscard]] std::vector<ControlRow> read_controls(std::unique_ptr<io::ByteSource> source);

enum class ContaminantTests { kAuto, kFrequency, kPrevalence, kCombined };

struct ContaminantOptions {
  ContaminantTests tests = ContaminantTests::kAuto;  ///< kAuto: those for which there are data
  double threshold = 0.05;                           ///< false discovery rate
};

/// NaN where a test cannot be made.
struct ContaminantScore {
  double mean_share = 0;  ///< of the samples' fragments
  std::size_t in_samples = 0, in_blanks = 0;
  double slope = 0;         ///< of ln share over ln concentration, within batches; -1 for a contaminant, 0 for none
  double p_frequency = 0;   ///< one-sided: the share falls with the concentration
  double p_prevalence = 0;  ///< one-sided: more often in blanks than in samples (Fisher's exact test, mid-p)
  double p_enrichment = 0;  ///< one-sided: a larger share in blanks than in samples (Wilcoxon's rank sums)
  double decontam_frequency = 0, decontam_prevalence = 0;  ///< the scores of decontam 1.x, smallest over batches
  double p = 0;                                            ///< of the tests chosen, combined by Fisher's method
  double fdr = 0;                                          ///< Benjamini and Hochberg
  bool contaminant = false;
};

/// `shares`: [taxon][sample], each sample's sum 1 (or 0: an empty sample takes no part). Tests are made within batches
/// and combined over them by Fisher's method. A taxon is a contaminant when its FDR is below the threshold and the
/// contaminant's model fits better than the other: a slope below -1/2, or a larger mean share in blanks. 64 when a test
/// that was asked for has no data (no blanks, no concentrations).
[[nodiscard]] std::vector<ContaminantScore> score_contaminants(const std::vector<std::vector<double>>& shares,
                                                               const std::vector<ControlRow>& samples,
                                                               const ContaminantOptions& options);

/// decontam's frequency score: P(F <= SS1 / SS0) with n - 1 and n - 1 degrees of freedom, SS1 the squares about a line
/// of slope -1, SS0 those about a constant. Not uniform where nothing is contaminated. NaN below two values.
[[nodiscard]] double decontam_frequency_score(const std::vector<double>& log_share,
                                              const std::vector<double>& log_concentration);
/// decontam's prevalence score of the table of present and absent in blanks and samples: chi-squared with Yates'
/// correction, or Fisher's test (mid-p) where an expectation is below 5. NaN where it makes no test.
[[nodiscard]] double decontam_prevalence_score(double blanks_with, double blanks_without, double samples_with,
                                               double samples_without);

}  // namespace immucan::microbiome
