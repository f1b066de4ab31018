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

UnseenShare unseen_share(double hit_rate, const ReadShape& shape) {
  UnseenShare share{0, hit_rate};
  if (shape.length < 1) return share;
  const double piece = std::min(shape.length, kLongestPiece);
  const double pieces = shape.mates * shape.length / piece, lookups = shape.lookups * piece / shape.length;
  for (int round = 0; round < 12; ++round) {
    const double empty = empty_read_probability(share.intact, shape.k, static_cast<std::size_t>(piece), lookups);
    share.unseen = std::min(kMostUnseen, std::pow(empty, pieces));
    const double before = share.intact;
    share.intact = hit_rate * (1 - share.unseen);
    if (std::abs(share.intact - before) < 1e-4) break;
  }
  return share;
}

}  // namespace immucan::microbiome
