#pragma once
// HLA class I peptides of tumour tissue: MS2 spectra of 8- to 11-mers, some from variants that only one patient has.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulate/plan.h"

namespace immucan::simulate {

class Proteome {
 public:
  explicit Proteome(const Cohort& cohort);

  /// reference/proteome.fasta: canonical proteins and the variant windows of all patients.
  [[nodiscard]] SimulatedFile file() const;
  [[nodiscard]] SimulatedFile simulate(const Cohort& cohort, const SamplePlan& sample) const;

 private:
  struct Protein {
    std::string_view gene;
    std::string sequence;
  };
  struct Variant {
    std::size_t protein, position;
    char to;
    std::string window;                ///< the mutated residue and 10 on either side
    std::vector<std::string> ligands;  ///< peptides over the mutation that the patient's HLA alleles present
  };
  void draw_variants(const Cohort& cohort, std::size_t patient);
  [[nodiscard]] std::vector<std::string> ligands(std::string_view sequence, std::size_t patient) const;

  std::vector<Protein> proteins_;
  std::vector<std::vector<std::size_t>> alleles_;  ///< of each patient
  std::vector<std::vector<Variant>> variants_;     ///< of each patient
};

}  // namespace immucan::simulate
