#pragma once
// Seeds of a text and where they lie. A seed is a k-mer whose smallest canonical s-mer (by hash) is its first or its
// last
// ("closed syncmer", Edgar 2021, PeerJ 9:e10805): chosen by its own bases alone, the same on both strands, and one at
// least among every k - s + 1 consecutive k-mers. Positions are 32-bit: texts of up to 4 G bases.
#include <cstdint>
#include <span>
#include <vector>

#include "sequence/packed_sequence.h"

namespace immucan::sequence {

struct SeedShape {
  std::uint32_t k = 21;  ///< odd, ≤ 31: no seed is its own reverse complement
  std::uint32_t s = 11;  ///< odd, < k, ≤ 15: hashes of s-mers are 32-bit numbers
};

/// Canonical k-mer, hashed by a bijection of 64 bits.
struct Seed {
  std::uint64_t hash = 0;
  std::uint32_t offset = 0;  ///< of its first base in the sequence it was taken from
  bool reversed = false;     ///< the canonical form is the reverse complement of the text
};

/// The work space of collect_seeds, reused between calls.
struct SeedScratch {
  std::vector<std::uint64_t> last_bases;      ///< the 32 bases up to every place
  std::vector<std::uint32_t> hashes, minima;  ///< of s-mers, and of windows of them
};

/// Seeds of `codes` (0..3; anything else breaks the sequence), ascending by offset, appended to `seeds`. With
/// `disjoint` those only that do not overlap the one before, from the left.
void collect_seeds(std::span<const std::uint8_t> codes, const SeedShape& shape, SeedScratch& scratch,
                   std::vector<Seed>& seeds, bool disjoint = false);

/// The same of `size` packed bases, none unknown; `words` is padded by one word.
void collect_packed_seeds(const std::uint64_t* words, std::uint32_t size, const SeedShape& shape, SeedScratch& scratch,
                          std::vector<Seed>& seeds, bool disjoint = false);

/// One place of one seed.
struct SeedPlace {
  std::uint32_t position = 0;
  std::uint32_t tag_and_strand = 0;  ///< 31 bits of the hash, then 1 = canonical form is reversed here
};

/// Where every seed lies, in two flat arrays that can be stored and mapped as they are.
class SeedDictionary {
 public:
  SeedDictionary() = default;
  SeedDictionary(std::span<const std::uint32_t> bucket_starts, std::span<const SeedPlace> places);

  [[gnu::always_inline]] void prefetch_bucket(std::uint64_t hash) const {
    __builtin_prefetch(&bucket_starts_[bucket_of(hash)]);
  }
  [[gnu::always_inline]] void prefetch_places(std::uint64_t hash) const {
    __builtin_prefetch(&places_[bucket_starts_[bucket_of(hash)]]);
  }
  /// All places of the seed (41 bits of the hash agree), ascending by position. `reversed(place)` tells the strand.
  [[nodiscard]] std::span<const SeedPlace> find(std::uint64_t hash) const;
  [[nodiscard]] static bool reversed(const SeedPlace& place) { return (place.tag_and_strand & 1) != 0; }
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  /// False when the starts do not ascend within the places: a damaged file.
  [[nodiscard]] bool consistent() const;

 private:
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const { return hash >> shift_; }
  std::span<const std::uint32_t> bucket_starts_;
  std::span<const SeedPlace> places_;
  unsigned shift_ = 63;
};

/// Builds both arrays from the seeds of consecutive pieces of text.
struct SeedTable {
  std::vector<std::uint32_t> bucket_starts;  ///< a power of two, plus one
  std::vector<SeedPlace> places;
};

/// A stretch of text without breaks between its bases.
struct TextPiece {
  std::uint32_t begin = 0, size = 0;
};

/// The seeds of all pieces, on up to `threads` threads; the same for any number of them.
[[nodiscard]] SeedTable build_seed_table(const PackedSequence& text, std::span<const TextPiece> pieces,
                                         const SeedShape& shape, unsigned threads);

}  // namespace immucan::sequence
