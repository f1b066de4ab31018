#include "sequence/dictionary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "core/ordered_batches.h"
#include "sequence/kmer.h"

namespace immucan::sequence {

namespace {

using Hashes4 = std::uint32_t __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;
constexpr std::size_t kBlockKmers = 4096;  // looked at together, in cache

/// minima[i] = least of hashes[i, i + window), by doubling. Both arrays are readable for a window and a vector beyond
/// `count`.
void window_minima(const std::uint32_t* hashes, std::size_t count, std::size_t window, std::uint32_t* minima) {
  const std::uint32_t* from = hashes;
  const auto shrink = [&](std::size_t step) {
    for (std::size_t i = 0; i < count; i += kLanes) {
      Hashes4 a, b;
      std::memcpy(&a, from + i, sizeof(a));
      std::memcpy(&b, from + i + step, sizeof(b));
      a = a < b ? a : b;
      std::memcpy(minima + i, &a, sizeof(a));
    }
    from = minima;
  };
  std::size_t width = 1;
  // Later steps read what lies beyond `count` of earlier ones: those must reach further.
  for (; 2 * width <= window; width *= 2) shrink(width);
  if (width < window) shrink(window - width);
}

/// Room for the s-mers of a run, and for every step of their minima to read beyond them.
void make_room(std::size_t smers, std::size_t window, SeedScratch& scratch) {
  const std::size_t room = smers + 3 * window + 2 * kLanes;
  if (scratch.hashes.size() >= room) return;
  scratch.hashes.resize(room);
  scratch.minima.resize(room);
}

/// An odd multiplier: a bijection of 32 bits.
std::uint32_t hash_smer(std::uint64_t forward, std::uint64_t backward) {
  return static_cast<std::uint32_t>(std::min(forward, backward)) * 0x9e3779b1U;
}

/// The seeds among `kmers` k-mers whose s-mers are hashed; kmer_at(i) gives one and its reverse complement.
template <class KmerAt>
void choose_seeds(std::size_t kmers, std::uint32_t first_offset, const SeedShape& shape, SeedScratch& scratch,
                  std::vector<Seed>& seeds, bool disjoint, std::uint32_t& next, KmerAt&& kmer_at) {
  const std::size_t window = shape.k - shape.s + 1;  // s-mers in a k-mer
  window_minima(scratch.hashes.data(), kmers + window - 1, window, scratch.minima.data());
  for (std::size_t begin = 0; begin < kmers; begin += 64) {
    const std::size_t count = std::min<std::size_t>(64, kmers - begin);
    std::uint64_t chosen = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t least = scratch.minima[begin + i];
      const bool edge = (scratch.hashes[begin + i] == least) | (scratch.hashes[begin + i + window - 1] == least);
      chosen |= std::uint64_t{edge} << i;
    }
    for (; chosen != 0; chosen &= chosen - 1) {
      const std::size_t first = begin + static_cast<std::size_t>(std::countr_zero(chosen));
      const std::uint32_t offset = first_offset + static_cast<std::uint32_t>(first);
      if (offset < next) continue;
      if (disjoint) next = offset + shape.k;
      const auto [kmer, other] = kmer_at(first);
      seeds.push_back({hash_kmer(std::min(kmer, other)), offset, other < kmer});
    }
  }
}

/// Seeds of a run without breaks, of at most kBlockKmers k-mers.
void collect_block(std::span<const std::uint8_t> codes, std::uint32_t first_offset, const SeedShape& shape,
                   SeedScratch& scratch, std::vector<Seed>& seeds, bool disjoint, std::uint32_t& next) {
  const std::size_t smers = codes.size() - shape.s + 1;
  make_room(smers, shape.k - shape.s + 1, scratch);
  scratch.last_bases.resize(codes.size());
  const std::uint64_t mask = (std::uint64_t{1} << (2 * shape.s)) - 1;
  const unsigned shift = 2 * (shape.s - 1);
  std::uint64_t forward = 0, backward = 0;
  const auto push = [&](std::size_t i) {
    const std::uint64_t code = codes[i];
    forward = (forward << 2) | code;
    backward = (backward >> 2) | ((3 - code) << shift);
    scratch.last_bases[i] = forward;
  };
  for (std::size_t i = 0; i + 1 < shape.s; ++i) push(i);
  for (std::size_t i = 0; i < smers; ++i) {
    push(i + shape.s - 1);
    scratch.hashes[i] = hash_smer(forward & mask, backward);
  }
  const std::uint64_t large_mask = (std::uint64_t{1} << (2 * shape.k)) - 1;
  choose_seeds(codes.size() - shape.k + 1, first_offset, shape, scratch, seeds, disjoint, next, [&](std::size_t first) {
    const std::uint64_t kmer = scratch.last_bases[first + shape.k - 1] & large_mask;
    return std::pair(kmer, reverse_complement(kmer) >> (64 - 2 * shape.k));
  });
}

/// Seeds of a run without breaks.
void collect_run(std::span<const std::uint8_t> codes, std::uint32_t first_offset, const SeedShape& shape,
                 SeedScratch& scratch, std::vector<Seed>& seeds, bool disjoint, std::uint32_t& next) {
  const std::size_t kmers = codes.size() - shape.k + 1;
  for (std::size_t at = 0; at < kmers; at += kBlockKmers) {
    const std::size_t count = std::min(kBlockKmers, kmers - at);
    collect_block(codes.subspan(at, count + shape.k - 1), first_offset + static_cast<std::uint32_t>(at), shape, scratch,
                  seeds, disjoint, next);
  }
}

constexpr unsigned kPartitionBits = 10;
constexpr std::size_t kPartitions = std::size_t{1} << kPartitionBits;
constexpr std::uint32_t kChunkBases = 1U << 20;

[[nodiscard]] std::uint32_t tag_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>((hash << kPartitionBits) >> 33) << 1;
}

/// Bits such that buckets hold about two places.
unsigned bucket_bits(std::size_t places) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(places / 2 + 1));
  return std::clamp(bits, kPartitionBits, 30U);
}

}  // namespace

void collect_seeds(std::span<const std::uint8_t> codes, const SeedShape& shape, SeedScratch& scratch,
                   std::vector<Seed>& seeds, bool disjoint) {
  std::size_t begin = 0;
  std::uint32_t next = 0;
  for (std::size_t i = 0; i <= codes.size(); ++i) {
    if (i != codes.size() && codes[i] < 4) continue;
    if (i - begin >= shape.k) {
      collect_run(codes.subspan(begin, i - begin), static_cast<std::uint32_t>(begin), shape, scratch, seeds, disjoint,
                  next);
    }
    begin = i + 1;
  }
}

void collect_packed_seeds(const std::uint64_t* words, std::uint32_t size, const SeedShape& shape, SeedScratch& scratch,
                          std::vector<Seed>& seeds, bool disjoint) {
  if (size < shape.k) return;
  const std::size_t window = shape.k - shape.s + 1, all_kmers = size - shape.k + 1;
  const std::uint64_t mask = (std::uint64_t{1} << (2 * shape.s)) - 1;
  const std::uint64_t large_mask = (std::uint64_t{1} << (2 * shape.k)) - 1;
  const std::size_t at_once = kBasesPerWord - shape.s + 1;
  std::uint32_t next = 0;
  for (std::size_t block = 0; block < all_kmers; block += kBlockKmers) {
    const std::size_t kmers = std::min(kBlockKmers, all_kmers - block), smers = kmers + window - 1;
    make_room(smers, window, scratch);
    for (std::size_t begin = 0; begin < smers; begin += at_once) {
      // The first base of a k-mer is its highest digit, but the lowest of a word: its complement reads the other way.
      const std::uint64_t turned = load_bases(words, block + begin);
      const std::uint64_t straight = reverse_complement(~turned);
      const std::size_t count = std::min(at_once, smers - begin);
      unsigned shift = 2 * static_cast<unsigned>(kBasesPerWord - shape.s);
      for (std::size_t i = 0; i < count; ++i, shift -= 2)
        scratch.hashes[begin + i] = hash_smer((straight >> shift) & mask, (~turned >> (2 * i)) & mask);
    }
    choose_seeds(kmers, static_cast<std::uint32_t>(block), shape, scratch, seeds, disjoint, next,
                 [&](std::size_t first) {
                   const std::uint64_t turned = load_bases(words, block + first);
                   return std::pair(reverse_complement(~turned) >> (64 - 2 * shape.k), ~turned & large_mask);
                 });
  }
}

SeedDictionary::SeedDictionary(std::span<const std::uint32_t> bucket_starts, std::span<const SeedPlace> places)
    : bucket_starts_(bucket_starts), places_(places) {
  if (bucket_starts_.size() > 1) shift_ = 64U - static_cast<unsigned>(std::bit_width(bucket_starts_.size() - 2));
}

std::span<const SeedPlace> SeedDictionary::find(std::uint64_t hash) const {
  const std::size_t bucket = bucket_of(hash);
  const std::uint32_t tag = tag_of(hash);
  std::size_t begin = bucket_starts_[bucket];
  const std::size_t end = bucket_starts_[bucket + 1];
  while (begin < end && (places_[begin].tag_and_strand & ~1U) < tag) ++begin;
  std::size_t last = begin;
  while (last < end && (places_[last].tag_and_strand & ~1U) == tag) ++last;
  return places_.subspan(begin, last - begin);
}

bool SeedDictionary::consistent() const {
  return bucket_starts_.size() > kPartitions && std::has_single_bit(bucket_starts_.size() - 1) &&
         bucket_starts_.front() == 0 && bucket_starts_.back() == places_.size() &&
         std::ranges::is_sorted(bucket_starts_);
}

SeedTable build_seed_table(const PackedSequence& text, std::span<const TextPiece> pieces, const SeedShape& shape,
                           unsigned threads) {
  // Pieces are cut into chunks that overlap by k - 1 bases: every k-mer lies in exactly one. Small ones are looked at
  // together, since what is counted takes as much memory for a junction as for a million bases.
  std::vector<TextPiece> chunks;
  std::vector<std::size_t> units = {0};  // first chunk of each
  std::uint64_t bases = 0;
  for (const TextPiece& piece : pieces) {
    if (piece.size < shape.k) continue;
    const std::uint32_t kmers = piece.size - shape.k + 1;
    for (std::uint32_t at = 0; at < kmers; at += kChunkBases) {
      const std::uint32_t size = std::min(kChunkBases, kmers - at) + shape.k - 1;
      if (bases + size > kChunkBases + shape.k && bases > 0) {
        units.push_back(chunks.size());
        bases = 0;
      }
      chunks.push_back({piece.begin + at, size});
      bases += size;
    }
  }
  units.push_back(chunks.size());
  // Calls visit(seed, position) for every seed of a unit.
  const auto for_each_seed = [&](std::size_t unit, auto&& visit) {
    SeedScratch scratch;
    std::vector<Seed> seeds;
    std::vector<std::uint64_t> words;
    for (std::size_t i = units[unit]; i < units[unit + 1]; ++i) {
      const TextPiece& chunk = chunks[i];
      words.resize(words_for(chunk.size) + 1);
      for (std::size_t word = 0; word < words.size() - 1; ++word)
        words[word] = load_bases(text.words().data(), std::uint64_t{chunk.begin} + word * kBasesPerWord);
      seeds.clear();
      collect_packed_seeds(words.data(), chunk.size, shape, scratch, seeds);
      for (const Seed& seed : seeds) visit(seed, chunk.begin + seed.offset);
    }
  };
  // First pass counts per unit and partition, second pass puts every place where it belongs: no order to get wrong.
  std::vector<std::array<std::uint32_t, kPartitions>> counts(units.size() - 1);
  core::parallel_for(threads, counts.size(), [&](std::size_t unit) {
    counts[unit].fill(0);
    for_each_seed(unit, [&](const Seed& seed, std::uint32_t) { ++counts[unit][seed.hash >> (64 - kPartitionBits)]; });
  });
  std::vector<std::uint32_t> partition_starts(kPartitions + 1, 0);
  std::uint32_t total = 0;
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    partition_starts[partition] = total;
    for (auto& unit : counts) total += std::exchange(unit[partition], total);
  }
  partition_starts[kPartitions] = total;
  SeedTable table;
  table.places.resize(total);
  core::parallel_for(threads, counts.size(), [&](std::size_t unit) {
    for_each_seed(unit, [&](const Seed& seed, std::uint32_t position) {
      table.places[counts[unit][seed.hash >> (64 - kPartitionBits)]++] = {
          position, tag_of(seed.hash) | (seed.reversed ? 1U : 0U)};
    });
  });
  const unsigned bits = bucket_bits(total);
  const unsigned inner_bits = bits - kPartitionBits;
  table.bucket_starts.assign((std::size_t{1} << bits) + 1, 0);
  core::parallel_for(threads, kPartitions, [&](std::size_t partition) {
    const std::span<SeedPlace> own =
        std::span(table.places)
            .subspan(partition_starts[partition], partition_starts[partition + 1] - partition_starts[partition]);
    std::ranges::sort(own, [](const SeedPlace& a, const SeedPlace& b) {
      return std::pair(a.tag_and_strand & ~1U, a.position) < std::pair(b.tag_and_strand & ~1U, b.position);
    });
    std::size_t at = 0;
    for (std::size_t inner = 0; inner < std::size_t{1} << inner_bits; ++inner) {
      table.bucket_starts[(partition << inner_bits) | inner] =
          partition_starts[partition] + static_cast<std::uint32_t>(at);
      while (at < own.size() && (std::uint64_t{own[at].tag_and_strand} >> (32 - inner_bits)) == inner) ++at;
    }
  });
  table.bucket_starts.back() = total;
  return table;
}

}  // namespace immucan::sequence
