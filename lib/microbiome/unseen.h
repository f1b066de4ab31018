#pragma once
// Fragments of which no k-mer is found: differences and errors hide them.
#include <cstddef>

#include "microbiome/fragment_scan.h"

namespace immucan::microbiome {

/// The mean read of a sample.
struct ReadShape {
  double length = 0;   ///< bases
  double lookups = 0;  ///< k-mers looked up
  double mates = 1;    ///< reads per fragment
  unsigned k = 31;
};

[[nodiscard]] ReadShape read_shape(const Database& database, const SampleCounts& counts);

struct UnseenShare {
  double unseen = 0;  ///< of fragments, at most 0.95
  double intact = 0;  ///< share of k-mers found, unseen fragments included
};

/// From the share of k-mers found in those fragments where one was found. Fragments show none because of differences,
/// or because few of their k-mers are sampled: those of the second kind add little to what was looked up in all.
[[nodiscard]] UnseenShare unseen_share(double hit_rate, const ReadShape& shape);
/// The same where what was found is set against what the fragments would have had looked up on average.
[[nodiscard]] UnseenShare unseen_share_of_mean(double hit_rate, const ReadShape& shape);

}  // namespace immucan::microbiome
