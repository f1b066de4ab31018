#pragma once
// Shotgun reads of stool and saliva: known species with strains, host reads, one species that no reference holds.
#include <vector>

#include "simulate/plan.h"

namespace immucan::simulate {

/// Genomes and taxonomy, once per cohort.
class Microbes {
 public:
  Microbes(const Options& options);

  /// reference/microbes/: genomes/*.fa.gz, genome_tax.tsv, taxonomy/{nodes,names}.dmp, host.fa.gz.
  [[nodiscard]] std::vector<SimulatedFile> files() const;
  [[nodiscard]] std::vector<SimulatedFile> simulate(const Cohort& cohort, const SamplePlan& sample) const;

 private:
  std::vector<std::vector<std::string>> strains_;  ///< [species][strain], same order as names species()
  std::string host_, unknown_;
};

}  // namespace immucan::simulate
