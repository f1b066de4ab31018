#pragma once
// From the counts of a sample to species: which are present, how much there is of each, and how sure that is.
#include <cstdint>
#include <vector>

#include "microbiome/database.h"
#include "microbiome/fragment_scan.h"

namespace immucan::microbiome {

/// What speaks for and against a species.
struct SpeciesEvidence {
  TaxonIndex species = 0;
  std::uint32_t reference = 0;         ///< the genome of the species that holds most of the k-mers seen
  std::uint64_t own_fragments = 0;     ///< fragments whose best genomes are all of this species
  std::uint64_t strong_fragments = 0;  ///< of these, those that match well
  std::uint64_t loci = 0;              ///< stretches of the reference with a strong fragment
  double expected_loci = 0;            ///< of as many fragments spread evenly
  std::uint64_t kmers = 0;             ///< own k-mers of the reference: found in no other species
  std::uint64_t kmers_seen = 0;
  std::uint64_t kmer_sum = 0;  ///< Σ of how often
  double hit_rate = 0;         ///< share of k-mers found, in own fragments
  bool present = false;
};

struct GenomeAbundance {
  std::uint32_t genome = 0;
  double fragments = 0;
  double coverage = 0;
  double ani = 0;  ///< NaN where it cannot be told
};

struct SpeciesAbundance {
  SpeciesEvidence evidence;
  double fragments = 0;                  ///< expectation over ambiguous fragments
  double coverage = 0;                   ///< mean depth of bases
  double ani = 0;                        ///< fraction; NaN where it cannot be told
  double variance = 0;                   ///< of coverage, from the sampling of fragments
  std::vector<GenomeAbundance> genomes;  ///< strains reported
};

struct SampleAbundance {
  std::vector<SpeciesAbundance> species;  ///< present ones, by taxid
  std::vector<SpeciesEvidence> evidence;  ///< every species with a fragment of its own, by taxid
  double known_fragments = 0;             ///< Σ species fragments
};

[[nodiscard]] SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts);

/// Rate λ and presence π of k-mers from zero-truncated Poisson counts: λ/(1-e^-λ) = sum/seen, π = seen/(kmers(1-e^-λ)).
struct KmerRate {
  double lambda = 0, present = 0;
};
[[nodiscard]] KmerRate truncated_poisson(std::uint64_t kmers, std::uint64_t seen, std::uint64_t sum);

}  // namespace immucan::microbiome
