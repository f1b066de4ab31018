#pragma once
// FracMinHash: of all k-mers those whose hash lies below 2^64 / c are kept, the same ones in every sequence, so that
// sketches of any two sequences can be compared (Irber et al. 2022, doi 10.1101/2022.01.11.475838).
#include <cstdint>
#include <string_view>
#include <vector>

#include "sequence/kmer.h"

namespace immucan::sequence {

struct SampledKmer {
  std::uint64_t hash = 0;
  std::uint64_t position = 0;  ///< 0-based first base in the sequence plus the offset given
  friend bool operator==(const SampledKmer&, const SampledKmer&) = default;
};

/// Hashes below this are kept: 2^64 / c; every hash but the largest for c ≤ 1.
[[nodiscard]] std::uint64_t sampling_threshold(double c);

/// Appends the sampled k-mers of `sequence` in order of position. Returns how many k-mers were looked at.
std::uint64_t sample_kmers(std::string_view sequence, unsigned k, std::uint64_t threshold, std::uint64_t offset,
                           std::vector<SampledKmer>& out);

}  // namespace immucan::sequence
