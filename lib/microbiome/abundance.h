#pragma once
// From the counts of a sample to species: which are present, how much there is of each, and how sure that is.
#include <cstdint>
#include <limits>
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
  std::uint64_t places = 0;            ///< of these, those far apart
  double expected_loci = 0;            ///< of as many fragments spread evenly
  std::uint64_t kmers = 0;             ///< own k-mers of the reference: found in no other species
  std::uint64_t kmers_seen = 0;
  std::uint64_t kmers_repeated = 0;  ///< of these, more than once
  std::uint64_t kmer_sum = 0;        ///< Σ of how often
  double kmer_depth = 0;             ///< mean depth of the k-mers that are there; 0 where it cannot be told
  double kmer_depth_error = 0;       ///< standard error of its logarithm
  double kmer_dispersion = 1;        ///< variance of how often they were seen, 1 = Poisson
  double hit_rate = 0;               ///< share of k-mers found, in own fragments
  double unseen = 0;                 ///< share of fragments without a k-mer found, by divergence and errors alone
  double intact = 0;                 ///< share of k-mers found, those fragments included
  std::uint64_t judged_mates = 0, empty_mates = 0;  ///< mates of matching mates, and those that match nowhere
  double mean_lookups = 0;                          ///< k-mers looked up per judged mate
  double expected_empty = 0;  ///< share of mates that match nowhere by divergence and errors alone
  /// Fragments estimated to be of parts of its genome that the database lacks; NaN where it is not present.
  double missing_fragments = std::numeric_limits<double>::quiet_NaN();
  double clustering = 1;  ///< probability of so many fragments in so few stretches, where there are few
  /// Log likelihood ratio of a strain and another species, less what is asked; below 0: too dissimilar. NaN where it
  /// was not judged.
  double similarity_margin = std::numeric_limits<double>::quiet_NaN();
  bool relative = false;  ///< spread like a present species, but less similar than strains of one species are
  bool present = false;
};

/// Fragments of a genus that none of its known species explains: a species that the database lacks.
struct NovelGenus {
  TaxonIndex genus = 0;
  TaxonIndex nearest = 0;          ///< the species with most of the fragments of its own
  std::uint64_t fragments = 0;     ///< that match genomes of this genus only
  double estimated_fragments = 0;  ///< with those that match nowhere, by divergence alone
  double ani = 0;                  ///< to the nearest genome, stretch by stretch; fraction
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
  double lost_fragments = 0;             ///< of these, those from such parts
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
  std::vector<NovelGenus> novel;          ///< by taxid
  double kmer_survival = 1;               ///< share of k-mers without a sequencing error
};

[[nodiscard]] SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts);

}  // namespace immucan::microbiome
