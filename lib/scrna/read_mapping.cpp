#include "scrna/read_mapping.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <tuple>

#include "scrna/splicing_evidence.h"
#include "sequence/base_packing.h"
#include "sequence/packed_sequence.h"

namespace immucan::scrna {

using sequence::kBasesPerWord;

namespace {

constexpr std::size_t kGroup = 32;         // reads whose memory is fetched together (docs/performance: batches of 32)
constexpr std::size_t kMaximalBlocks = 8;  // of one alignment
constexpr std::size_t kMaximalTies = 64;
constexpr std::uint32_t kNoDistance = 0xffffffff;
constexpr std::uint32_t kAllSeeds = 0xffffffff;
constexpr std::uint32_t kFetchedCandidates = 16;  // of a read: what surrounds more of them is not fetched ahead

}  // namespace

std::string_view name_of(ReadClass read_class) {
  constexpr std::array<std::string_view, kReadClasses> kNames = {"gene",    "several_genes", "antisense",
                                                                 "no_gene", "unmapped",      "too_short"};
  return kNames[static_cast<std::size_t>(read_class)];
}

void ReadMapper::map(std::span<const std::string_view> reads, std::span<ReadMapping> results) {
  gene_lists_.clear();
  for (std::size_t first = 0; first < reads.size(); first += kGroup) {
    const std::size_t count = std::min(kGroup, reads.size() - first);
    words_.clear();
    seeds_.clear();
    queries_.clear();
    for (std::size_t i = 0; i < count; ++i) queries_.push_back(prepare(reads[first + i]));
    // A read without a mismatch, and most have none, is proven by a single seed.
    all_.resize(count);
    std::iota(all_.begin(), all_.end(), 0U);
    for (Query& query : queries_) add_seeds(query, 1);
    look_up(all_);
    unproven_.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      Query& query = queries_[i];
      if (query.length < index_.parameters().k) {
        results[first + i] = {ReadClass::kTooShort, 0, 0};
      } else if (place(query)) {
        results[first + i] = assign();
      } else {
        query.wanted_seeds = fits_whole(query) ? best_.front().mismatches + 1 : kAllSeeds;
        unproven_.push_back(i);
      }
    }
    seeds_.clear();
    for (const std::uint32_t i : unproven_) add_seeds(queries_[i], queries_[i].wanted_seeds);
    look_up(unproven_);
    for (const std::uint32_t i : unproven_) {
      if (!place(queries_[i])) place_by_all_seeds(queries_[i]);
      results[first + i] = assign();
    }
  }
}

/// The candidates of some reads of the group by their seeds. All the memory that these and what comes after look at is
/// asked for ahead, for all reads together: in a large index hardly any of it is near.
void ReadMapper::look_up(std::span<const std::uint32_t> chosen) {
  const auto& seeds = index_.seeds();
  for (const sequence::Seed& seed : seeds_) seeds.prefetch_bucket(seed.hash);
  for (const sequence::Seed& seed : seeds_) seeds.prefetch_places(seed.hash);
  candidates_.clear();
  for (const std::uint32_t i : chosen) {
    Query& query = queries_[i];
    places_.clear();
    const auto own = std::span(seeds_).subspan(query.first_seed, query.seeds);
    for (const sequence::Seed& seed : own) places_.push_back(seeds.find(seed.hash));
    collect_candidates(query, own, places_, options_.common_seed);
    if (query.candidates > kFetchedCandidates) continue;
    for (const Candidate& candidate : candidates_of(query)) {
      const auto start = static_cast<std::uint64_t>(std::max<std::int64_t>(candidate.start, 0));
      __builtin_prefetch(index_.text() + start / kBasesPerWord);
      __builtin_prefetch(index_.text() + (start + query.length) / kBasesPerWord);
      index_.prefetch_near(candidate.seed_place, options_.sense == candidate.reverse);
    }
  }
  for (const std::uint32_t i : chosen) {
    if (queries_[i].candidates > kFetchedCandidates) continue;
    for (const Candidate& candidate : candidates_of(queries_[i]))
      index_.prefetch_at(candidate.seed_place, options_.sense == candidate.reverse);
  }
}

bool ReadMapper::fits_whole(const Query& query) const {
  return !best_.empty() && best_.front().aligned == query.length;
}

/// The best places by the seeds that were looked up; true when no other seed can show a better or equal one.
bool ReadMapper::place(const Query& query) {
  align_candidates(query);
  return fits_whole(query) && best_.front().mismatches < query.complete_seeds;
}

namespace {

/// Reverse complement of `size` bases in `words` words.
void turn(const std::uint64_t* bases, std::size_t words, std::size_t size, std::uint64_t* turned) {
  const unsigned pad = static_cast<unsigned>(words * kBasesPerWord - size) * 2;
  std::uint64_t next = words > 0 ? sequence::reverse_complement(bases[words - 1]) : 0;
  for (std::size_t word = 0; word < words; ++word) {
    const std::uint64_t own = next;
    next = word + 1 < words ? sequence::reverse_complement(bases[words - 2 - word]) : 0;
    // Two shifts, because shifting by 64 is undefined.
    turned[word] = (own >> pad) | ((next << 1) << (63 - pad));
  }
}

}  // namespace

ReadMapper::Query ReadMapper::prepare(std::string_view read) {
  Query query;
  query.length = static_cast<std::uint32_t>(read.size());
  query.first_word = static_cast<std::uint32_t>(words_.size());
  const std::size_t words = sequence::words_for(read.size());
  words_.resize(words_.size() + 4 * words, 0);
  std::uint64_t* forward = words_.data() + query.first_word;
  std::uint64_t* backward = forward + words;
  std::uint64_t* forward_unknown = backward + words;
  std::uint64_t* backward_unknown = forward_unknown + words;
  query.broken = sequence::pack_bases(read, forward, forward_unknown);
  turn(forward, words, read.size(), backward);
  if (query.broken) {
    turn(forward_unknown, words, read.size(), backward_unknown);
    for (std::size_t word = 0; word < words; ++word)
      backward_unknown[word] = ~backward_unknown[word] & 0x5555555555555555ULL;
  }
  return query;
}

/// Seeds of the first `size` bases.
void ReadMapper::collect(const Query& query, std::uint32_t size, bool disjoint, std::vector<sequence::Seed>& seeds) {
  const std::uint64_t* const bases = words_.data() + query.first_word;
  if (!query.broken) return sequence::collect_packed_seeds(bases, size, index_.seed_shape(), scratch_, seeds, disjoint);
  const std::uint64_t* const unknown = bases + 2 * sequence::words_for(query.length);
  codes_.resize(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const std::size_t word = i / kBasesPerWord, shift = i % kBasesPerWord * 2;
    codes_[i] = static_cast<std::uint8_t>(((unknown[word] >> shift) & 1) != 0 ? 4 : (bases[word] >> shift) & 3);
  }
  sequence::collect_seeds(codes_, index_.seed_shape(), scratch_, seeds, disjoint);
}

/// Seeds that do not overlap, from the left, into `seeds_`: at least `wanted` if the read has them.
void ReadMapper::add_seeds(Query& query, std::uint32_t wanted) {
  query.first_seed = static_cast<std::uint32_t>(seeds_.size());
  // Every so many bases hold a seed.
  const std::uint32_t enough = 2 * index_.parameters().k - index_.parameters().s;
  const bool part = !query.broken && wanted <= query.length / enough;
  collect(query, part ? wanted * enough : query.length, true, seeds_);
  query.seeds = static_cast<std::uint32_t>(seeds_.size()) - query.first_seed;
}

/// Behind the candidates that are there already, in the order of the text.
void ReadMapper::collect_candidates(Query& query, std::span<const sequence::Seed> seeds, std::span<const Places> places,
                                    std::uint32_t limit) {
  query.first_candidate = static_cast<std::uint32_t>(candidates_.size());
  query.complete_seeds = 0;
  for (std::size_t at = 0; at < seeds.size(); ++at) {
    const sequence::Seed& seed = seeds[at];
    if (places[at].size() > limit) continue;
    ++query.complete_seeds;
    for (const sequence::SeedPlace& place : places[at]) {
      const bool reverse = sequence::SeedDictionary::reversed(place) != seed.reversed;
      const std::uint32_t offset = reverse ? query.length - index_.parameters().k - seed.offset : seed.offset;
      candidates_.push_back({static_cast<std::int64_t>(place.position) - offset, place.position, reverse});
    }
  }
  query.candidates = static_cast<std::uint32_t>(candidates_.size()) - query.first_candidate;
  if (query.candidates < 2) return;
  std::ranges::sort(candidates_of(query), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.start, a.reverse, a.seed_place) < std::tuple(b.start, b.reverse, b.seed_place);
  });
}

/// Keeps the best alignments in `best_`, each genome place once.
void ReadMapper::align_candidates(const Query& query) {
  best_.clear();
  const Candidate* previous = nullptr;
  ReferenceIndex::Span span{};
  for (const Candidate& candidate : candidates_of(query)) {
    const bool same = previous != nullptr && previous->start == candidate.start &&
                      previous->reverse == candidate.reverse && candidate.seed_place < span.end;
    previous = &candidate;
    if (same) continue;
    span = index_.span_of(candidate.seed_place);
    Alignment alignment;
    if (!verify(query, candidate, alignment)) continue;
    if (!best_.empty()) {
      if (alignment.score < best_.front().score) continue;
      if (alignment.score > best_.front().score) best_.clear();
    }
    const bool known = std::ranges::any_of(best_, [&](const Alignment& other) {
      return other.reverse == alignment.reverse && other.block_count == alignment.block_count &&
             other.blocks[0].begin == alignment.blocks[0].begin &&
             std::ranges::equal(
                 std::span(other.blocks, other.block_count), std::span(alignment.blocks, alignment.block_count),
                 [](const GenomeBlock& a, const GenomeBlock& b) { return a.begin == b.begin && a.size == b.size; });
    });
    if (!known && best_.size() < kMaximalTies) best_.push_back(alignment);
  }
}

bool ReadMapper::verify(const Query& query, const Candidate& candidate, Alignment& alignment) const {
  const ReferenceIndex::Span span = index_.span_of(candidate.seed_place);
  // Only the part of the read that lies on the chromosome or contig.
  const std::int64_t length = query.length;
  const std::int64_t from = std::max<std::int64_t>(0, span.begin - candidate.start);
  const std::int64_t to = std::min<std::int64_t>(length, span.end - candidate.start);
  if (to - from < static_cast<std::int64_t>(index_.parameters().k)) return false;
  const std::size_t words = sequence::words_for(query.length);
  const std::uint64_t* bases = words_.data() + query.first_word + (candidate.reverse ? words : 0);
  const std::uint64_t* unknown = words_.data() + query.first_word + (candidate.reverse ? 3 : 2) * words;
  const auto cost = static_cast<std::int32_t>(options_.mismatch_cost);
  // Best stretch between mismatches (Kadane), walking from mismatch to mismatch.
  std::int64_t run_begin = from, stretch_begin = from;
  std::int32_t score = 0, best = -1;
  std::uint32_t mismatches = 0, best_mismatches = 0;
  std::int64_t best_begin = from, best_end = from;
  const auto close_run = [&](std::int64_t end) {
    score += static_cast<std::int32_t>(end - run_begin);
    if (score > best) {
      best = score;
      best_begin = stretch_begin;
      best_end = end;
      best_mismatches = mismatches;
    }
  };
  for (std::size_t word = static_cast<std::size_t>(from) / kBasesPerWord; word < words; ++word) {
    const std::int64_t word_begin = static_cast<std::int64_t>(word * kBasesPerWord);
    if (word_begin >= to) break;
    // A word may begin before the text does (start < 0): then load from 0 and shift.
    const std::int64_t at = candidate.start + word_begin;
    if (at <= -static_cast<std::int64_t>(kBasesPerWord)) continue;
    const std::uint64_t text = at >= 0 ? sequence::load_bases(index_.text(), static_cast<std::uint64_t>(at))
                                       : sequence::load_bases(index_.text(), 0) << (2 * static_cast<unsigned>(-at));
    std::uint64_t different = sequence::differing_bases(bases[word], text) | unknown[word];
    for (; different != 0; different &= different - 1) {
      const std::int64_t position = word_begin + std::countr_zero(different) / 2;
      if (position < from) continue;
      if (position >= to) break;
      close_run(position);
      score -= cost;
      ++mismatches;
      run_begin = position + 1;
      if (score <= 0) {
        score = 0;
        mismatches = 0;
        stretch_begin = run_begin;
      }
    }
  }
  close_run(to);
  const auto aligned = static_cast<std::uint32_t>(best_end - best_begin);
  if (aligned < options_.minimal_aligned * query.length || best < options_.minimal_score * query.length) return false;
  alignment.score = best;
  alignment.mismatches = best_mismatches;
  alignment.aligned = aligned;
  alignment.reverse = candidate.reverse;
  const auto begin = static_cast<std::uint32_t>(candidate.start + best_begin);
  if (span.contig == ReferenceIndex::kNoContig) {
    alignment.block_count = 1;
    alignment.blocks[0] = {begin, aligned};
  } else {
    to_genome(span.contig, begin - span.begin, aligned, alignment);
  }
  return true;
}

void ReadMapper::to_genome(std::uint32_t contig, std::uint32_t offset, std::uint32_t size, Alignment& alignment) const {
  for (const GenomeBlock& block : index_.contig_blocks(contig)) {
    if (offset >= block.size) {
      offset -= block.size;
      continue;
    }
    const std::uint32_t part = std::min(size, block.size - offset);
    if (alignment.block_count < kMaximalBlocks)
      alignment.blocks[alignment.block_count++] = {block.begin + offset, part};
    size -= part;
    offset = 0;
    if (size == 0) break;
  }
  // The contig matters only where the read crosses a junction.
  alignment.contig = alignment.block_count > 1 ? contig : ReferenceIndex::kNoContig;
}

void ReadMapper::place_by_all_seeds(Query& query) {
  all_seeds_.clear();
  collect(query, query.length, false, all_seeds_);
  for (const sequence::Seed& seed : all_seeds_) index_.seeds().prefetch_bucket(seed.hash);
  for (const sequence::Seed& seed : all_seeds_) index_.seeds().prefetch_places(seed.hash);
  places_.clear();
  for (const sequence::Seed& seed : all_seeds_) places_.push_back(index_.seeds().find(seed.hash));
  collect_candidates(query, all_seeds_, places_, options_.common_seed);
  if (query.complete_seeds == 0) collect_candidates(query, all_seeds_, places_, options_.useless_seed);
  align_candidates(query);
}

void ReadMapper::overlaps(const Alignment& alignment, bool reverse, std::vector<GeneOverlap>& out) const {
  out.clear();
  const SegmentTable& table = index_.segments(reverse);
  for (std::uint32_t i = 0; i < alignment.block_count; ++i) {
    const GenomeBlock& block = alignment.blocks[i];
    const std::uint32_t end = block.begin + block.size;
    std::uint32_t at = block.begin;
    for (std::size_t segment = table.segment_of(at); at < end; ++segment) {
      const std::uint32_t segment_end = segment + 1 < table.breakpoints.size() ? table.breakpoints[segment + 1] : end;
      const std::uint32_t bases = std::min(end, segment_end) - at;
      for (const SegmentGene& here : table.genes_of(segment)) {
        auto found = std::ranges::find(out, here.gene, &GeneOverlap::gene);
        if (found == out.end()) found = out.insert(out.end(), {here.gene, 0, 0, 0, kNoDistance});
        const std::uint32_t kinds = here.kinds();
        if (kinds == SegmentGene::kIntronic) {
          found->intronic += bases;
          continue;
        }
        found->exonic += bases;
        if ((kinds & SegmentGene::kIntronic) != 0) found->both += bases;
        const std::uint32_t rest = reverse ? at - table.breakpoints[segment] : segment_end - (at + bases);
        found->distance = std::min(found->distance, here.distance() + rest);
      }
      at += bases;
    }
  }
}

namespace {

/// STARsolo's order for GeneFull_Ex50pAS: a read goes to the first of these that some gene fulfils.
enum class Overlap : std::uint8_t {
  kExonic,
  kExonicAntisense,
  kHalfExonic,
  kHalfExonicAntisense,
  kIntronic,
  kIntronicAntisense,
  kNone
};

}  // namespace

ReadMapping ReadMapper::assign() {
  if (best_.empty()) return {ReadClass::kUnmapped, 0, 0};
  Overlap best = Overlap::kNone;
  ReadMapping mapping{ReadClass::kNoGene, 0, 0};
  tied_genes_.clear();
  std::uint8_t evidence = 0;
  for (const Alignment& alignment : best_) {
    const bool transcript_reverse = options_.sense ? alignment.reverse : !alignment.reverse;
    overlaps(alignment, transcript_reverse, sense_);
    const bool spliced = alignment.contig != ReferenceIndex::kNoContig;
    const auto has_junction = [&](std::uint32_t gene) {
      return std::ranges::find(index_.contig_genes(alignment.contig), gene) !=
             index_.contig_genes(alignment.contig).end();
    };
    const auto consider = [&](const GeneOverlap& overlap, bool antisense) {
      const bool own_junction = spliced && has_junction(overlap.gene);
      const bool exonic = overlap.exonic == alignment.aligned && (!spliced || own_junction);
      const bool inside = overlap.exonic + overlap.intronic == alignment.aligned;
      const bool half = inside && 2 * overlap.exonic >= alignment.aligned;
      Overlap type = exonic   ? Overlap::kExonic
                     : half   ? Overlap::kHalfExonic
                     : inside ? Overlap::kIntronic
                              : Overlap::kNone;
      if (type == Overlap::kNone || (!options_.introns && !exonic)) return;
      if (antisense) type = static_cast<Overlap>(static_cast<std::uint8_t>(type) + 1);
      const std::uint8_t own =
          antisense ? 0
                    : static_cast<std::uint8_t>((own_junction ? kJunction : 0) | (overlap.intronic > 0 ? kIntron : 0) |
                                                (overlap.both > 0 ? kEitherWay : 0) |
                                                (overlap.exonic > 0 ? far_bits(overlap.distance) : 0));
      if (type < best) {
        best = type;
        tied_genes_.assign(1, overlap.gene);
        mapping.gene = overlap.gene;
        evidence = own;
        mapping.read_class = antisense ? ReadClass::kAntisense : ReadClass::kGene;
      } else if (type == best) {
        if (overlap.gene != mapping.gene) {
          tied_genes_.push_back(overlap.gene);
        } else if (!antisense) {
          // What only some of the equally good places say is not known.
          evidence =
              static_cast<std::uint8_t>((evidence & own & ~unsigned{kEitherWay}) | ((evidence | own) & kEitherWay));
        }
      }
    };
    for (const GeneOverlap& overlap : sense_) consider(overlap, false);
    // Nothing on the other strand precedes exons of this one.
    if (best == Overlap::kExonic) continue;
    overlaps(alignment, !transcript_reverse, antisense_);
    for (const GeneOverlap& overlap : antisense_) consider(overlap, true);
  }
  if (mapping.read_class == ReadClass::kGene) {
    mapping.evidence = evidence;
    if (tied_genes_.size() > 1) {
      mapping.read_class = ReadClass::kSeveralGenes;
      mapping.gene = static_cast<std::uint32_t>(gene_lists_.size());
      std::ranges::sort(tied_genes_);
      tied_genes_.erase(std::ranges::unique(tied_genes_).begin(), tied_genes_.end());
      gene_lists_.push_back(static_cast<std::uint32_t>(tied_genes_.size()));
      gene_lists_.insert(gene_lists_.end(), tied_genes_.begin(), tied_genes_.end());
    }
  }
  return mapping;
}

}  // namespace immucan::scrna
