#include "microbiome/kmer_index.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace immucan::microbiome {

namespace {

constexpr double kLoad = 0.68;
constexpr std::size_t kSpareBuckets = 64;

/// Sampled hashes are small numbers (they lie below a threshold): an odd multiplier spreads them over all 64 bits
/// again.
constexpr std::uint64_t spread(std::uint64_t hash) {
  return hash * 0x9e3779b97f4a7c15ULL;
}

__extension__ using Wide = unsigned __int128;

std::size_t home_bucket(std::uint64_t spread_hash, std::size_t homes) {
  return static_cast<std::size_t>((Wide{spread_hash} * homes) >> 64);
}
std::uint16_t low_tag(std::uint64_t spread_hash) {
  return static_cast<std::uint16_t>(spread_hash);
}
std::uint32_t high_tag(std::uint64_t spread_hash, unsigned unit_bits) {
  return static_cast<std::uint32_t>(spread_hash >> 16) << unit_bits;
}

}  // namespace

std::size_t bucket_count(std::uint64_t entries) {
  return static_cast<std::size_t>(static_cast<double>(entries) / (kLoad * IndexBucket::kEntries)) + 1 + kSpareBuckets;
}

unsigned bits_for_units(std::uint64_t units) {
  return std::clamp<unsigned>(static_cast<unsigned>(std::bit_width(units)), 1, 31);
}

IndexBuilder::IndexBuilder(std::uint64_t entries, unsigned unit_bits)
    : buckets_(bucket_count(entries)), unit_bits_(unit_bits) {}

void IndexBuilder::insert(std::uint64_t hash, UnitIndex unit) {
  const std::uint64_t spread_hash = spread(hash);
  for (std::size_t b = home_bucket(spread_hash, buckets_.size() - kSpareBuckets); b < buckets_.size(); ++b) {
    IndexBucket& bucket = buckets_[b];
    for (std::size_t i = 0; i < IndexBucket::kEntries; ++i) {
      if (bucket.values[i] != 0) continue;
      bucket.tags[i] = low_tag(spread_hash);
      bucket.values[i] = high_tag(spread_hash, unit_bits_) | unit;
      return;
    }
    bucket.overflowed = 1;
  }
  throw std::logic_error("k-mer index: a probe ran past the spare buckets");
}

void KmerIndex::lookup(std::span<const std::uint64_t> hashes, std::vector<IndexHit>& hits) const {
  constexpr std::size_t kGroup = 32;
  const std::size_t homes = buckets_.size() - kSpareBuckets;
  const std::uint32_t unit_mask = (std::uint32_t{1} << unit_bits_) - 1;
  std::size_t homes_of_group[kGroup];
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const std::size_t count = std::min(kGroup, hashes.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      homes_of_group[i] = home_bucket(spread(hashes[begin + i]), homes);
      __builtin_prefetch(&buckets_[homes_of_group[i]]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t spread_hash = spread(hashes[begin + i]);
      const std::uint16_t tag = low_tag(spread_hash);
      const std::uint32_t rest = high_tag(spread_hash, unit_bits_);
      bool found = false;
      for (std::size_t b = homes_of_group[i]; b < buckets_.size() && !found; ++b) {
        const IndexBucket& bucket = buckets_[b];
        unsigned same = 0;
        for (unsigned e = 0; e < IndexBucket::kEntries; ++e) same |= static_cast<unsigned>(bucket.tags[e] == tag) << e;
        for (; same != 0; same &= same - 1) {
          const auto e = static_cast<unsigned>(std::countr_zero(same));
          const std::uint32_t value = bucket.values[e];
          if (value == 0 || (value & ~unit_mask) != rest) continue;
          hits.push_back({value & unit_mask, static_cast<std::uint32_t>(begin + i), b * IndexBucket::kEntries + e});
          found = true;
          break;
        }
        if (bucket.overflowed == 0) break;
      }
    }
  }
}

bool KmerIndex::check_units(std::uint64_t units) const {
  const std::uint32_t unit_mask = (std::uint32_t{1} << unit_bits_) - 1;
  std::uint32_t largest = 0;
  for (const IndexBucket& bucket : buckets_)
    for (const std::uint32_t value : bucket.values) largest = std::max(largest, value & unit_mask);
  return largest <= units;
}

std::size_t DenseFilter::word_count(std::uint64_t kmers) {
  return std::clamp<std::size_t>(std::bit_ceil(static_cast<std::size_t>(kmers / 4 + 1)), 512, std::size_t{1} << 21);
}

}  // namespace immucan::microbiome
