#include "microbiome/unseen.h"

#include <algorithm>
#include <cmath>

#include "microbiome/kmer_depth.h"

namespace immucan::microbiome {

namespace {

/// Reads are taken apart in pieces of at most that many bases (the probability costs the square of the length).
constexpr double kLongestPiece = 500;
constexpr double kMostUnseen = 0.95;

}  // namespace

ReadShape read_shape(const Database& database, const SampleCounts& counts) {
  ReadShape shape;
  shape.k = database.parameters().k;
  if (counts.reads == 0) return shape;
  const auto reads = static_cast<double>(counts.reads);
  shape.length = static_cast<double>(counts.bases) / reads;
  shape.lookups = static_cast<double>(counts.base_lookups) / reads;
  shape.mates = reads / static_cast<double>(std::max<std::uint64_t>(1, counts.fragments));
  return shape;
}

namespace {

/// k-mers looked up per read that shows none, over those of the mean read. With P(r) the probability that a read shows
/// none where a share r of all k-mers is sampled, Σ exp(-r intact k-mers) over reads, the intact k-mers of such reads
/// are -d ln P / dr on average, and only the others may have been sampled.
double lookups_of_empty(double intact, unsigned k, std::size_t length, double lookups, double empty) {
  constexpr double kStep = 1.01;
  if (lookups <= 0 || empty <= 0) return 1;
  const double more = empty_read_probability(intact, k, length, lookups * kStep);
  const double slope = std::log(more / empty) / std::log(kStep);  // d ln P / d ln r
  return std::clamp(1 + slope / lookups, 0.0, 1.0);
}

/// Below that share what unseen fragments had looked up does not matter.
constexpr double kFewUnseen = 1e-3;

UnseenShare solve(double hit_rate, const ReadShape& shape, bool of_mean) {
  UnseenShare share{0, hit_rate};
  if (shape.length < 1) return share;
  const double piece = std::min(shape.length, kLongestPiece);
  const double pieces = shape.mates * shape.length / piece, lookups = shape.lookups * piece / shape.length;
  const auto length = static_cast<std::size_t>(piece);
  for (int round = 0; round < 12; ++round) {
    const double empty = empty_read_probability(share.intact, shape.k, length, lookups);
    share.unseen = std::min(kMostUnseen, std::pow(empty, pieces));
    const double weight =
        of_mean || share.unseen < kFewUnseen ? 1 : lookups_of_empty(share.intact, shape.k, length, lookups, empty);
    const double before = share.intact;
    share.intact = hit_rate * (1 - share.unseen * weight);
    if (std::abs(share.intact - before) < 1e-4) break;
  }
  return share;
}

}  // namespace

UnseenShare unseen_share(double hit_rate, const ReadShape& shape) {
  return solve(hit_rate, shape, false);
}

UnseenShare unseen_share_of_mean(double hit_rate, const ReadShape& shape) {
  return solve(hit_rate, shape, true);
}

}  // namespace immucan::microbiome
