#include "sequence/sketch.h"

#include <limits>

namespace immucan::sequence {

std::uint64_t sampling_threshold(double c) {
  if (!(c > 1.0)) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(0x1.0p64 / c);
}

std::uint64_t sample_kmers(std::string_view sequence, unsigned k, std::uint64_t threshold, std::uint64_t offset,
                           std::vector<SampledKmer>& out) {
  std::uint64_t seen = 0;
  for_each_canonical_kmer(sequence, k, [&](std::uint64_t kmer, std::size_t end) {
    ++seen;
    const std::uint64_t hash = hash_kmer(kmer);
    if (hash < threshold) [[unlikely]]
      out.push_back({hash, offset + end + 1 - k});
  });
  return seen;
}

}  // namespace immucan::sequence
