#pragma once
// The lookup table of a database: hash of a sampled k-mer → unit (which genomes hold it, and roughly where). One lookup
// touches one 64-byte line: ten entries of 16 tag bits and 32 bits that share further tag bits and the unit. A k-mer
// that is absent is taken for a present one with probability ≤ 10 × 2^-(48 - unit bits), about 1e-7 for a million
// units.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace immucan::microbiome {

using UnitIndex = std::uint32_t;
inline constexpr UnitIndex kNoUnit = 0;  ///< units are numbered from 1

struct alignas(64) IndexBucket {
  static constexpr std::size_t kEntries = 10;
  std::uint16_t tags[kEntries];
  std::uint32_t values[kEntries];  ///< 0 = empty
  std::uint32_t overflowed;        ///< 1: an entry that hashes here lies in a later bucket
};
static_assert(sizeof(IndexBucket) == 64);

/// Sampled hashes are small numbers (they lie below a threshold): an odd multiplier spreads them over all 64 bits
/// again. The index is ordered by what comes out.
[[nodiscard]] constexpr std::uint64_t spread_hash(std::uint64_t hash) {
  return hash * 0x9e3779b97f4a7c15ULL;
}
/// The hash that spread_hash made `key` of.
[[nodiscard]] constexpr std::uint64_t unspread_hash(std::uint64_t key) {
  return key * 0xf1de83e19937733dULL;
}
static_assert(unspread_hash(spread_hash(0x123456789abcdefULL)) == 0x123456789abcdefULL);

/// Buckets for `entries` entries at a load of at most 0.68 (0.85 from 2^27 entries on, where memory is dearer than the
/// second line that more of the lookups touch), and a few more so that probing never wraps.
[[nodiscard]] std::size_t bucket_count(std::uint64_t entries);
/// Bits needed for unit numbers up to `units`; at most 31.
[[nodiscard]] unsigned bits_for_units(std::uint64_t units);

/// Makes the buckets of an index front to back, so that an index larger than the memory can be written.
class IndexWriter {
 public:
  using Sink = std::function<void(std::span<const IndexBucket>)>;
  /// `entries`: how many will be inserted.
  IndexWriter(std::uint64_t entries, unsigned unit_bits, Sink sink);
  /// `key`: the spread hash; keys ascend and are distinct.
  void insert(std::uint64_t key, UnitIndex unit);
  /// The last buckets; all bucket_count(entries) have been given to the sink then.
  void finish();

 private:
  void pass_on(std::size_t home);
  std::vector<IndexBucket> window_;  ///< buckets first_ ... that are not final
  std::size_t first_ = 0, buckets_;
  unsigned unit_bits_;
  Sink sink_;
};

/// A found k-mer: the unit and the entry's number, with which callers keep counters of their own.
struct IndexHit {
  UnitIndex unit = kNoUnit;
  std::uint32_t query = 0;  ///< position in the batch of hashes
  std::uint64_t entry = 0;  ///< < 10 × buckets
};

/// View of a built index.
class KmerIndex {
 public:
  KmerIndex() = default;
  /// 0 < buckets.size(); the caller has checked that no unit is larger than it expects (see check_units).
  KmerIndex(std::span<const IndexBucket> buckets, unsigned unit_bits) : buckets_(buckets), unit_bits_(unit_bits) {}
  /// Appends the hits of `hashes` in order. Probes in groups with prefetching.
  /// `first_query`: the number of the first hash in IndexHit::query.
  void lookup(std::span<const std::uint64_t> hashes, std::vector<IndexHit>& hits, std::uint32_t first_query = 0) const;
  /// The unit stored in an entry; kNoUnit where it is empty.
  [[nodiscard]] UnitIndex unit_at(std::uint64_t entry) const {
    return buckets_[entry / IndexBucket::kEntries].values[entry % IndexBucket::kEntries] &
           ((std::uint32_t{1} << unit_bits_) - 1);
  }
  [[nodiscard]] std::uint64_t entries() const { return buckets_.size() * IndexBucket::kEntries; }
  /// True when every stored unit is at most `units`. Calls `after_piece` every few megabytes.
  [[nodiscard]] bool check_units(std::uint64_t units, const std::function<void()>& after_piece = {}) const;

 private:
  std::span<const IndexBucket> buckets_;
  unsigned unit_bits_ = 1;
};

/// A small bit filter in front of the index for the k-mers that only the densely sampled small genomes hold: it lies in
/// the second-level cache, so that dense sampling of a few viruses costs the other reads no memory access.
class DenseFilter {
 public:
  DenseFilter() = default;
  explicit DenseFilter(std::span<const std::uint64_t> words) : words_(words) {}
  /// Words (a power of two) for that many k-mers: 16 bits each, 4 KiB to 16 MiB.
  [[nodiscard]] static std::size_t word_count(std::uint64_t kmers);
  static void insert(std::span<std::uint64_t> words, std::uint64_t hash) {
    words[bit(hash, words.size()) >> 6] |= std::uint64_t{1} << (bit(hash, words.size()) & 63);
  }
  [[nodiscard]] bool may_contain(std::uint64_t hash) const {
    const std::uint64_t b = bit(hash, words_.size());
    return ((words_[b >> 6] >> (b & 63)) & 1) != 0;
  }

 private:
  static std::uint64_t bit(std::uint64_t hash, std::size_t words) { return hash & (words * 64 - 1); }
  std::span<const std::uint64_t> words_;
};

}  // namespace immucan::microbiome
