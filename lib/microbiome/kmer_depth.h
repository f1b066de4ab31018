#pragma once
// How deep the k-mers of a genome were sequenced, what share of them is free of errors, and what both say about the
// part of the genome that is there.
#include <cstddef>
#include <cstdint>
#include <span>

namespace immucan::microbiome {

/// λ of a Poisson distribution from how many k-mers were seen how often: `histogram[x]` k-mers x times, of which only x
/// from `low` to `high` (1 ≤ low) are used. The mean of a Poisson variable known to lie in that window rises with λ, so
/// the maximum-likelihood λ is where it equals the mean seen. 0 where it cannot be told (all in `low`).
[[nodiscard]] double truncated_poisson_rate(std::span<const std::uint64_t> histogram, std::size_t low,
                                            std::size_t high);

/// Probability that none of about `lookups` sampled k-mers of a read of `length` bases is intact, where `intact` is the
/// share of intact k-mers and differences are spread evenly.
[[nodiscard]] double empty_read_probability(double intact, unsigned k, std::size_t length, double lookups);

struct KmerDepth {
  double depth = 0;      ///< mean of the k-mers that are there; 0 where it cannot be told
  double log_error = 0;  ///< standard error of its logarithm
  /// Variance of the counts used over that of a Poisson distribution: near 1 where one strain is there, more where
  /// strains of different depth are.
  double dispersion = 1;
};

/// Depth from `histogram` (of 256 counts; [x]: k-mers seen x times, [255] and more together). Zeros are not used, so
/// k-mers that the sample's strain lacks do not matter. `clump`: how many k-mers are repeated by the same two reads.
[[nodiscard]] KmerDepth fit_kmer_depth(std::span<const std::uint64_t> histogram, double clump);

/// Of one species: share of k-mers found in its reads / share of its k-mers present, and the standard error of the
/// logarithm of its depth.
struct SurvivalQuotient {
  double quotient = 0, log_error = 0;
};

/// Share of k-mers without a sequencing error. Where all of a genome is there the quotient is that share; where parts
/// are missing it is larger. So the quotients of several species pile up at survival and tail off above it: the best
/// survival under a mixture of both, with a weak prior around 0.91 (31-mers at 0.3 % errors per base).
[[nodiscard]] double estimate_survival(std::span<const SurvivalQuotient> quotients);

/// Factor on a depth, and the variance of its logarithm.
struct ContentCorrection {
  double factor = 1, log_variance = 0;
};

/// Where the depth of k-mers cannot be told: the prior of content_correction.
[[nodiscard]] ContentCorrection unknown_content();

/// `quotient` of depth by k-mers and depth by fragments per length, shrunk: it is 1 with prior probability 1/2 (the
/// same genome) and log-normal with SD 0.3 else (strains of one species lack up to a third of each other's genes); the
/// posterior mean. `log_error` of the k-mers' depth, `model_error` by which the quotient may be off besides. Quotients
/// below 1 count only where `may_shrink`.
[[nodiscard]] ContentCorrection content_correction(double quotient, double log_error, double model_error,
                                                   bool may_shrink);

}  // namespace immucan::microbiome
