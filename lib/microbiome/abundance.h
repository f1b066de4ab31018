#pragma once
// From the counts of a sample to species: which are present, how much there is of each, and how sure that is.
#include <cstdint>
#include <span>
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
  std::uint64_t kmer_sum = 0;   ///< Σ of how often
  double kmer_depth = 0;        ///< mean depth of the k-mers that are there; 0 where it cannot be told
  double kmer_depth_error = 0;  ///< standard error of its logarithm
  double hit_rate = 0;          ///< share of k-mers found, in own fragments
  std::uint64_t judged_mates = 0, empty_mates = 0;  ///< mates of matching mates, and those that match nowhere
  double mean_lookups = 0;                          ///< k-mers looked up per judged mate
  double expected_empty = 0;  ///< share of mates that match nowhere by divergence and errors alone
  bool present = false;
};

struct GenomeAbundance {
  std::uint32_t genome = 0;
  double fragments = 0, estimated_fragments = 0;  ///< as in SpeciesAbundance
  double coverage = 0;
  double ani = 0;  ///< NaN where it cannot be told
};

struct SpeciesAbundance {
  SpeciesEvidence evidence;
  double fragments = 0;                  ///< classified: expectation over ambiguous fragments
  double estimated_fragments = 0;        ///< with those from parts of its genome that the database lacks
  double coverage = 0;                   ///< mean depth of bases
  double ani = 0;                        ///< fraction; NaN where it cannot be told
  double variance = 0;                   ///< of coverage, from the sampling of fragments
  std::vector<GenomeAbundance> genomes;  ///< strains reported
};

struct SampleAbundance {
  std::vector<SpeciesAbundance> species;  ///< present ones, by taxid
  std::vector<SpeciesEvidence> evidence;  ///< every species with a fragment of its own, by taxid
  double known_fragments = 0;             ///< Σ species fragments
  double estimated_fragments = 0;         ///< Σ species estimated_fragments
  double kmer_survival = 1;               ///< share of k-mers without a sequencing error
};

[[nodiscard]] SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts);

/// λ of a Poisson distribution from how many k-mers were seen how often: `histogram[x]` k-mers x times, of which only x
/// from `low` to `high` (1 ≤ low) are used. The mean of a Poisson variable known to lie in that window rises with λ, so
/// the maximum-likelihood λ is where it equals the mean seen. 0 where it cannot be told (all in `low`).
[[nodiscard]] double truncated_poisson_rate(std::span<const std::uint64_t> histogram, std::size_t low,
                                            std::size_t high);

/// Probability that none of about `lookups` sampled k-mers of a read of `length` bases is intact, where `intact` is the
/// share of intact k-mers and differences are spread evenly.
[[nodiscard]] double empty_read_probability(double intact, unsigned k, std::size_t length, double lookups);

}  // namespace immucan::microbiome
