#include "microbiome/kmer_index.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace immucan::microbiome {

namespace {

constexpr double kLoad = 0.68, kLoadOfMany = 0.85;
constexpr std::uint64_t kMany = std::uint64_t{1} << 27;
constexpr std::size_t kSpareBuckets = 64;
/// Buckets that are written at a time, and how far beyond its home an entry may lie meanwhile.
constexpr std::size_t kWindow = 4096, kReach = 1024;

__extension__ using Wide = unsigned __int128;

std::size_t home_bucket(std::uint64_t key, std::size_t homes) {
  return static_cast<std::size_t>((Wide{key} * homes) >> 64);
}
std::uint16_t low_tag(std::uint64_t key) {
  return static_cast<std::uint16_t>(key);
}
std::uint32_t high_tag(std::uint64_t key, unsigned unit_bits) {
  return static_cast<std::uint32_t>(key >> 16) << unit_bits;
}

}  // namespace

std::size_t bucket_count(std::uint64_t entries) {
  const double load = entries < kMany ? kLoad : kLoadOfMany;
  return static_cast<std::size_t>(static_cast<double>(entries) / (load * IndexBucket::kEntries)) + 1 + kSpareBuckets;
}

unsigned bits_for_units(std::uint64_t units) {
  return std::clamp<unsigned>(static_cast<unsigned>(std::bit_width(units)), 1, 31);
}

IndexWriter::IndexWriter(std::uint64_t entries, unsigned unit_bits, Sink sink)
    : window_(kWindow + kReach), buckets_(bucket_count(entries)), unit_bits_(unit_bits), sink_(std::move(sink)) {}

void IndexWriter::insert(std::uint64_t key, UnitIndex unit) {
  const std::size_t home = home_bucket(key, buckets_ - kSpareBuckets);
  if (home - first_ >= kWindow) pass_on(home);
  for (std::size_t b = home - first_; b < std::min(window_.size(), buckets_ - first_); ++b) {
    IndexBucket& bucket = window_[b];
    for (std::size_t i = 0; i < IndexBucket::kEntries; ++i) {
      if (bucket.values[i] != 0) continue;
      bucket.tags[i] = low_tag(key);
      bucket.values[i] = high_tag(key, unit_bits_) | unit;
      return;
    }
    bucket.overflowed = 1;
  }
  throw std::logic_error("k-mer index: a probe ran past the spare buckets");
}

/// Gives away what no later entry can reach: the buckets before `home`.
void IndexWriter::pass_on(std::size_t home) {
  while (first_ < home) {
    const std::size_t count = std::min(home - first_, kWindow);
    sink_(std::span(window_).first(count));
    std::copy(window_.begin() + static_cast<std::ptrdiff_t>(count), window_.end(), window_.begin());
    std::fill(window_.end() - static_cast<std::ptrdiff_t>(count), window_.end(), IndexBucket{});
    first_ += count;
  }
}

void IndexWriter::finish() {
  pass_on(buckets_);
}

void KmerIndex::lookup(std::span<const std::uint64_t> hashes, std::vector<IndexHit>& hits,
                       std::uint32_t first_query) const {
  constexpr std::size_t kGroup = 32;
  const std::size_t homes = buckets_.size() - kSpareBuckets;
  const std::uint32_t unit_mask = (std::uint32_t{1} << unit_bits_) - 1;
  std::size_t homes_of_group[kGroup];
  for (std::size_t begin = 0; begin < hashes.size(); begin += kGroup) {
    const std::size_t count = std::min(kGroup, hashes.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      homes_of_group[i] = home_bucket(spread_hash(hashes[begin + i]), homes);
      __builtin_prefetch(&buckets_[homes_of_group[i]]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t key = spread_hash(hashes[begin + i]);
      const std::uint16_t tag = low_tag(key);
      const std::uint32_t rest = high_tag(key, unit_bits_);
      bool found = false;
      for (std::size_t b = homes_of_group[i]; b < buckets_.size() && !found; ++b) {
        const IndexBucket& bucket = buckets_[b];
        unsigned same = 0;
        for (unsigned e = 0; e < IndexBucket::kEntries; ++e) same |= static_cast<unsigned>(bucket.tags[e] == tag) << e;
        for (; same != 0; same &= same - 1) {
          const auto e = static_cast<unsigned>(std::countr_zero(same));
          const std::uint32_t value = bucket.values[e];
          if (value == 0 || (value & ~unit_mask) != rest) continue;
          hits.push_back(
              {value & unit_mask, first_query + static_cast<std::uint32_t>(begin + i), b * IndexBucket::kEntries + e});
          found = true;
          break;
        }
        if (bucket.overflowed == 0) break;
      }
    }
  }
}

bool KmerIndex::check_units(std::uint64_t units, const std::function<void()>& after_piece) const {
  constexpr std::size_t kPiece = std::size_t{1} << 20;  // buckets
  const std::uint32_t unit_mask = (std::uint32_t{1} << unit_bits_) - 1;
  std::uint32_t largest = 0;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    for (const std::uint32_t value : buckets_[b].values) largest = std::max(largest, value & unit_mask);
    if (after_piece && b % kPiece == kPiece - 1) after_piece();
  }
  return largest <= units;
}

std::size_t DenseFilter::word_count(std::uint64_t kmers) {
  return std::clamp<std::size_t>(std::bit_ceil(static_cast<std::size_t>(kmers / 4 + 1)), 512, std::size_t{1} << 21);
}

}  // namespace immucan::microbiome
