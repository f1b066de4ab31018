#pragma once
// The files `search` writes.
#include <string>

#include "core/output.h"
#include "peptide/psms.h"
#include "report/multiqc.h"

namespace immucan::tools {

inline constexpr double kReportFdr = 0.01;

struct SearchOutcome {
  const peptide::ProteinDatabase& database;
  const peptide::SpectrumStore& store;
  const peptide::SearchOptions& options;
  const peptide::PsmSet& set;
  const peptide::SearchSummary& summary;
};

/// What is counted in the features, the QC fragment and the run record.
struct SearchCounts {
  std::uint64_t matches = 0;                     ///< targets at rank 1
  std::uint64_t matches_1pct = 0;                ///< q_value <= 1 %
  std::uint64_t peptides_1pct = 0;               ///< sequences with peptide_q_value <= 1 %
  std::vector<std::uint64_t> peptides_of_class;  ///< the same per class
  double median_error_ppm = 0;                   ///< precursor, of matches at 1 %; NaN without any
};
[[nodiscard]] SearchCounts count_matches(const SearchOutcome& outcome);

void write_psms(core::OutputFile& out, const SearchOutcome& outcome, bool keep_decoys);
void write_search_features(core::OutputFile& out, const SearchOutcome& outcome, const SearchCounts& counts,
                           const std::string& sample, const std::string& specimen);
[[nodiscard]] report::QcFragment search_qc(const SearchOutcome& outcome, const SearchCounts& counts,
                                           const std::string& sample);

}  // namespace immucan::tools
