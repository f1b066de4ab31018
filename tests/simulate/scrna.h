#pragma once
// 10x v3 reads of tumour tissue: a small genome with introns, cells of nine types of which the malignant ones carry a
// regional gain and a loss, empty droplets with ambient RNA, PCR duplicates, UMI and sequencing errors, unspliced RNA.
#include <vector>

#include "simulate/plan.h"

namespace immucan::simulate {

/// The genome once per cohort: sequences, gene templates and barcodes.
class Transcriptome {
 public:
  Transcriptome(const Options& options);

  /// reference/genome.fa.gz, genes.gtf.gz, whitelist.txt.gz, sets.gmt.
  [[nodiscard]] std::vector<SimulatedFile> files() const;
  [[nodiscard]] std::vector<SimulatedFile> simulate(const Cohort& cohort, const SamplePlan& sample) const;

 private:
  struct Exon {
    std::size_t begin, end;  ///< 0-based half-open, on the chromosome
  };
  struct Gene {
    std::size_t chromosome;
    bool reverse;
    std::vector<Exon> exons;         ///< ascending
    std::string spliced, unspliced;  ///< sense strand, with a poly(A) tail
  };
  void place_genes(core::Random& random);

  std::vector<std::string> chromosomes_;
  std::vector<Gene> genes_;  ///< same order as names genes()
  std::vector<std::string> barcodes_;
};

}  // namespace immucan::simulate
