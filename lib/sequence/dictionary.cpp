#include "sequence/dictionary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "core/ordered_batches.h"
#include "sequence/kmer.h"

namespace immucan::sequence {

namespace {

/// A k-mer of both strands, updated base by base.
struct RollingPair {
  std::uint64_t forward = 0, backward = 0, mask;
  unsigned shift;
  explicit RollingPair(std::uint32_t length) : mask((std::uint64_t{1} << (2 * length)) - 1), shift(2 * (length - 1)) {}
  void push(std::uint8_t code) {
    forward = ((forward << 2) | code) & mask;
    backward = (backward >> 2) | (std::uint64_t{3U - code} << shift);
  }
  [[nodiscard]] std::uint64_t canonical() const { return std::min(forward, backward); }
};

/// Seeds of a run without breaks.
void collect_run(std::span<const std::uint8_t> codes, std::uint32_t first_offset, const SeedShape& shape,
                 SeedScratch& scratch, std::vector<Seed>& seeds) {
  const std::size_t window = shape.k - shape.s + 1;  // s-mers in a k-mer
  const std::size_t count = codes.size() - shape.s + 1;
  auto& hashes = scratch.hashes;
  auto& suffix = scratch.suffix_minima;
  hashes.resize(count);
  suffix.resize(count);
  RollingPair small(shape.s);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    small.push(codes[i]);
    if (i + 1 >= shape.s) hashes[i + 1 - shape.s] = small.canonical() * 0x9e3779b97f4a7c15ULL;
  }
  // Minimum of every window by van Herk: prefix minima run inside blocks, suffix minima are stored.
  for (std::size_t i = count; i-- > 0;) {
    suffix[i] = (i + 1 == count || (i + 1) % window == 0) ? hashes[i] : std::min(hashes[i], suffix[i + 1]);
  }
  RollingPair large(shape.k);
  for (std::size_t i = 0; i + 1 < shape.k; ++i) large.push(codes[i]);
  std::uint64_t prefix = 0;
  for (std::size_t last = 0; last < count; ++last) {
    prefix = last % window == 0 ? hashes[last] : std::min(prefix, hashes[last]);
    if (last + 1 < window) continue;
    const std::size_t first = last + 1 - window;
    large.push(codes[first + shape.k - 1]);
    const std::uint64_t least = std::min(suffix[first], prefix);
    if (hashes[first] != least && hashes[last] != least) continue;
    seeds.push_back({hash_kmer(large.canonical()), first_offset + static_cast<std::uint32_t>(first),
                     large.backward < large.forward});
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
                   std::vector<Seed>& seeds) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= codes.size(); ++i) {
    if (i != codes.size() && codes[i] < 4) continue;
    if (i - begin >= shape.k) {
      collect_run(codes.subspan(begin, i - begin), static_cast<std::uint32_t>(begin), shape, scratch, seeds);
    }
    begin = i + 1;
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
  // Pieces are cut into chunks that overlap by k - 1 bases: every k-mer lies in exactly one.
  std::vector<TextPiece> chunks;
  for (const TextPiece& piece : pieces) {
    if (piece.size < shape.k) continue;
    const std::uint32_t kmers = piece.size - shape.k + 1;
    for (std::uint32_t at = 0; at < kmers; at += kChunkBases) {
      chunks.push_back({piece.begin + at, std::min(kChunkBases, kmers - at) + shape.k - 1});
    }
  }
  const auto seeds_of = [&](const TextPiece& chunk) {
    std::vector<std::uint8_t> codes(chunk.size);
    for (std::uint32_t i = 0; i < chunk.size; ++i) codes[i] = text.at(std::uint64_t{chunk.begin} + i);
    SeedScratch scratch;
    std::vector<Seed> seeds;
    collect_seeds(codes, shape, scratch, seeds);
    return seeds;
  };
  // First pass counts per chunk and partition, second pass puts every place where it belongs: no order to get wrong.
  std::vector<std::array<std::uint32_t, kPartitions>> counts(chunks.size());
  core::parallel_for(threads, chunks.size(), [&](std::size_t i) {
    counts[i].fill(0);
    for (const Seed& seed : seeds_of(chunks[i])) ++counts[i][seed.hash >> (64 - kPartitionBits)];
  });
  std::vector<std::uint32_t> partition_starts(kPartitions + 1, 0);
  std::uint32_t total = 0;
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    partition_starts[partition] = total;
    for (auto& chunk : counts) total += std::exchange(chunk[partition], total);
  }
  partition_starts[kPartitions] = total;
  SeedTable table;
  table.places.resize(total);
  core::parallel_for(threads, chunks.size(), [&](std::size_t i) {
    for (const Seed& seed : seeds_of(chunks[i])) {
      table.places[counts[i][seed.hash >> (64 - kPartitionBits)]++] = {chunks[i].begin + seed.offset,
                                                                       tag_of(seed.hash) | (seed.reversed ? 1U : 0U)};
    }
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
