#pragma once
// Reads by what they are: FASTQ of the host's, of the classified and of the others, and a line per fragment.
#include <memory>
#include <string>

#include "core/output.h"
#include "core/run_context.h"
#include "io/fastq.h"
#include "microbiome/database.h"
#include "microbiome/fragment_scan.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

struct ReadOutputOptions {
  bool assignments = false;                                 ///< SAMPLE.reads.tsv.gz: Kraken's five columns
  bool host = false, classified = false, unmapped = false;  ///< SAMPLE.host_R1.fastq.gz …
  [[nodiscard]] bool any() const { return assignments || host || classified || unmapped; }
};

/// Takes the reads as they come and writes them in the order of the input. Which species are present is only known
/// after the last read: until then all but the host's reads wait in a temporary file. Of the three FASTQ outputs each
/// fragment enters exactly one; their sizes are those of the profile.
class ReadOutputs {
 public:
  ReadOutputs(core::OutputSet& outputs, const Database& database, std::string sample_id,
              const ReadOutputOptions& options, core::RunContext& context);
  ~ReadOutputs();
  /// Serial, in the order of the input, after SampleCounts::add of the same batch. 65 where FASTA and FASTQ are mixed.
  void add(const io::FastqBatch& reads, const FragmentScanner& scanner, SampleCounts& counts);
  void finish(const SampleCounts& counts, const SampleProfile& profile);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace immucan::microbiome
