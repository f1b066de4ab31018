#include "microbiome/read_pieces.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "microbiome/kmer_index.h"
#include "microbiome/read_layout.h"
#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace {

/// Distance of the outer ends of two mates, where fewer fragments than these tell it (bases).
constexpr std::int32_t kUsualInsert = 350;
constexpr std::size_t kFewestInserts = 50;
/// An anchor this near to the end of a piece is at its end (bases).
constexpr std::int32_t kEndLength = 450;
/// Distinct k-mers seen twice or more, from which on their mean is a depth.
constexpr std::uint32_t kFewestRepeated = 15;

/// Where a sampled k-mer was seen first, and how often in all. Open addressing, 8 bytes per slot: 24 bits of the hash
/// beside those that the slot tells, so that of two million k-mers hardly one is taken for another.
class KmerPlaces {
 public:
  struct Place {
    std::uint32_t mate = 0;
    std::int32_t begin = 0;
    bool reversed = false;  ///< its canonical form is the reverse complement
  };

  explicit KmerPlaces(std::size_t kmers) : slots_(kmers + kmers / 3 + 16) {}

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[home(hash)]); }

  /// The place where it was seen first; none the first time.
  std::optional<Place> visit(std::uint64_t hash, const Place& place) {
    const std::uint64_t tag = hash & kTagMask;
    std::size_t at = home(hash);
    while ((slots_[at] & kCountMask) != 0 && (slots_[at] & kTagMask) != tag) at = at + 1 == slots_.size() ? 0 : at + 1;
    std::uint64_t& slot = slots_[at];
    if ((slot & kCountMask) == 0) {
      slot = tag | kOne | pack(place);
      return {};
    }
    if ((slot & kCountMask) != kCountMask) slot += kOne;
    return unpack(slot);
  }

  /// see(mate, count) for every k-mer; at most 255 are counted.
  template <class See>
  void for_each(See&& see) const {
    for (const std::uint64_t slot : slots_)
      if ((slot & kCountMask) != 0) see(unpack(slot).mate, static_cast<std::uint32_t>((slot & kCountMask) / kOne));
  }

 private:
  // From the lowest: reversed 1, begin 9, mate 22, count 8, tag 24 bits.
  static constexpr unsigned kBeginBits = 9, kMateShift = 1 + kBeginBits;
  static constexpr std::uint64_t kOne = std::uint64_t{1} << 32, kCountMask = 255 * kOne,
                                 kTagMask = ~((std::uint64_t{1} << 40) - 1);
  static_assert(UnmatchedReads::kLongest < (1U << kBeginBits));
  static_assert(UnmatchedReads::kMostMates + 2 < (std::uint64_t{1} << (32 - kMateShift)));

  // Bits that the tag does not hold.
  [[nodiscard]] std::size_t home(std::uint64_t hash) const {
    return static_cast<std::size_t>((hash & 0xffffffff) * slots_.size() >> 32);
  }
  static std::uint64_t pack(const Place& place) {
    return std::uint64_t{place.mate} << kMateShift | static_cast<std::uint64_t>(place.begin) << 1 |
           (place.reversed ? 1 : 0);
  }
  static Place unpack(std::uint64_t slot) {
    return {static_cast<std::uint32_t>(slot & 0xffffffff) >> kMateShift,
            static_cast<std::int32_t>((slot >> 1) & ((1U << kBeginBits) - 1)), (slot & 1) != 0};
  }

  std::vector<std::uint64_t> slots_;
};

struct SampledKmer {
  std::uint64_t hash = 0;
  KmerPlaces::Place place;
};

/// The k-mers of a mate of which one in kPieceDensity is taken. `sampled` has room for all; returns how many there are.
/// Without a branch for each: which is taken cannot be foreseen.
std::size_t sample_kmers(const sequence::PackedSequence& bases, const UnmatchedMate& mate, std::uint32_t number,
                         std::span<SampledKmer> sampled) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << (2 * kPieceKmer)) - 1;
  constexpr unsigned kTop = 2 * (kPieceKmer - 1);
  constexpr std::uint64_t kThreshold = std::numeric_limits<std::uint64_t>::max() / kPieceDensity;
  std::uint64_t forward = 0, reverse = 0, word = 0;
  std::size_t count = 0;
  for (unsigned i = 0; i < mate.length; ++i) {
    if (i % sequence::kBasesPerWord == 0) word = sequence::load_bases(bases.words().data(), mate.first_base + i);
    const std::uint64_t code = word & 3;
    word >>= 2;
    forward = ((forward << 2) | code) & kMask;
    reverse = (reverse >> 2) | ((code ^ 3) << kTop);
    const std::uint64_t hash = sequence::hash_kmer(std::min(forward, reverse));
    sampled[count] = {spread_hash(hash), {number, static_cast<std::int32_t>(i + 1 - kPieceKmer), reverse < forward}};
    count += hash < kThreshold && i + 1 >= kPieceKmer ? 1 : 0;
  }
  return count;
}

/// Mean of a Poisson variable that is known to be 2 or more, as a function of the variable's own mean; and back.
double poisson_of_repeated(double mean) {
  double low = 1e-3, high = 1e3;
  for (int i = 0; i < 60; ++i) {
    const double rate = std::sqrt(low * high), none = std::exp(-rate);
    const double value = rate < 1e-2 ? 2 + rate / 3 : rate * (1 - none) / (1 - none - rate * none);
    (value < mean ? low : high) = rate;
  }
  return std::sqrt(low * high);
}

class Joiner {
 public:
  explicit Joiner(const UnmatchedReads& reads) : reads_(reads), mates_(reads.mates()), layout_(mates_.size()) {}

  ReadPieces run() {
    ReadPieces result;
    KmerPlaces kmers = join_by_kmers();
    result.insert = join_partners();
    number_pieces(result);
    measure_depth(kmers, result);
    measure_composition(result);
    double bases = 0;
    for (const UnmatchedMate& mate : mates_) bases += mate.length;
    result.read_length = mates_.empty() ? 0 : bases / static_cast<double>(mates_.size());
    return result;
  }

 private:
  KmerPlaces join_by_kmers() {
    std::uint64_t sampled = 0;
    for (const UnmatchedMate& mate : mates_) sampled += mate.length < kPieceKmer ? 0 : mate.length - kPieceKmer + 1;
    KmerPlaces kmers(static_cast<std::size_t>(sampled * 21 / 20 / kPieceDensity));
    std::array<SampledKmer, UnmatchedReads::kLongest + 1> found;
    // Asked for some way ahead of their use.
    std::array<SampledKmer, 64> waiting;
    std::size_t count = 0;
    const auto use = [&](const SampledKmer& kmer) {
      if (const auto first = kmers.visit(kmer.hash, kmer.place)) join_at(kmer.place, *first);
    };
    for (std::uint32_t m = 0; m < mates_.size(); ++m) {
      for (const SampledKmer& kmer : std::span(found).first(sample_kmers(reads_.bases(), mates_[m], m, found))) {
        SampledKmer& slot = waiting[count % waiting.size()];
        if (count >= waiting.size()) use(slot);
        slot = kmer;
        kmers.prefetch(kmer.hash);
        ++count;
      }
    }
    const std::size_t left = std::min(count, waiting.size());
    for (std::size_t i = count - left; i < count; ++i) use(waiting[i % waiting.size()]);
    return kmers;
  }

  void join_at(const KmerPlaces::Place& here, const KmerPlaces::Place& there) {
    // Neighbouring k-mers mostly meet the same mate again.
    if (here.mate == there.mate || (here.mate == last_here_ && there.mate == last_there_)) return;
    last_here_ = here.mate;
    last_there_ = there.mate;
    if (here.reversed == there.reversed)
      layout_.join(here.mate, there.mate, there.begin - here.begin, false);
    else
      layout_.join(here.mate, there.mate, there.begin + here.begin + static_cast<std::int32_t>(kPieceKmer) - 1, true);
  }

  /// visit(first, second) for every fragment of which both mates were kept.
  template <class Visit>
  void for_each_pair(Visit&& visit) const {
    for (std::uint32_t m = 0; m + 1 < mates_.size(); ++m)
      if (mates_[m].fragment == mates_[m + 1].fragment) visit(m, m + 1);
  }

  /// Joins both mates of a fragment at the usual distance, which pairs tell that the k-mers have joined. Returns it.
  double join_partners() {
    std::vector<std::int32_t> inserts;
    for_each_pair([&](std::uint32_t first, std::uint32_t second) {
      const auto a = layout_.place(first), b = layout_.place(second);
      if (a.root == b.root && a.reversed != b.reversed)
        inserts.push_back(a.reversed ? a.offset - b.offset + 1 : b.offset - a.offset + 1);
    });
    std::int32_t usual = kUsualInsert;
    if (inserts.size() >= kFewestInserts) {
      const auto middle = inserts.begin() + static_cast<std::ptrdiff_t>(inserts.size() / 2);
      std::ranges::nth_element(inserts, middle);
      if (*middle > 0) usual = *middle;
    }
    for_each_pair([&](std::uint32_t first, std::uint32_t second) { layout_.join(second, first, usual - 1, true); });
    return usual;
  }

  void number_pieces(ReadPieces& result) {
    constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> number(mates_.size(), kNone);
    std::vector<std::int32_t> first_base, last_base;
    piece_of_.resize(mates_.size());
    for (std::uint32_t m = 0; m < mates_.size(); ++m) {
      const auto place = layout_.place(m);
      if (number[place.root] == kNone) {
        number[place.root] = static_cast<std::uint32_t>(result.pieces.size());
        result.pieces.emplace_back();
        first_base.push_back(std::numeric_limits<std::int32_t>::max());
        last_base.push_back(std::numeric_limits<std::int32_t>::min());
      }
      const std::uint32_t piece = piece_of_[m] = number[place.root];
      const auto [first, last] = extent(m, place);
      first_base[piece] = std::min(first_base[piece], first);
      last_base[piece] = std::max(last_base[piece], last);
      ++result.pieces[piece].mates;
      result.pieces[piece].anchors += mates_[m].anchor != UnmatchedReads::kNoPartner ? 1 : 0;
    }
    for_each_pair([&](std::uint32_t first, std::uint32_t) { ++result.pieces[piece_of_[first]].fragments; });
    std::uint32_t anchors = 0;
    for (std::size_t p = 0; p < result.pieces.size(); ++p) {
      result.pieces[p].length = static_cast<std::uint32_t>(last_base[p] - first_base[p] + 1);
      result.pieces[p].first_anchor = anchors;
      anchors += result.pieces[p].anchors;
    }
    result.anchors.resize(anchors);
    std::vector<std::uint32_t> filled(result.pieces.size());
    for (std::uint32_t m = 0; m < mates_.size(); ++m) {
      if (mates_[m].anchor == UnmatchedReads::kNoPartner) continue;
      const std::uint32_t piece = piece_of_[m];
      const auto place = layout_.place(m);
      const auto [first, last] = extent(m, place);
      // The partner lies where the mate's last base points to.
      const bool near =
          place.reversed ? first - first_base[piece] <= kEndLength : last_base[piece] - last <= kEndLength;
      result.anchors[result.pieces[piece].first_anchor + filled[piece]++] = {mates_[m].anchor, near, place.reversed};
    }
  }

  [[nodiscard]] std::pair<std::int32_t, std::int32_t> extent(std::uint32_t mate, const ReadLayout::Place& place) const {
    const std::int32_t length = mates_[mate].length;
    return place.reversed ? std::pair{place.offset - length + 1, place.offset}
                          : std::pair{place.offset, place.offset + length - 1};
  }

  void measure_depth(const KmerPlaces& kmers, ReadPieces& result) const {
    std::vector<std::uint32_t> repeated(result.pieces.size());
    std::vector<std::uint64_t> seen(result.pieces.size());
    kmers.for_each([&](std::uint32_t mate, std::uint32_t count) {
      if (count < 2) return;
      ++repeated[piece_of_[mate]];
      seen[piece_of_[mate]] += count;
    });
    for (std::size_t p = 0; p < result.pieces.size(); ++p) {
      ReadPiece& piece = result.pieces[p];
      if (piece.mates < kJudgedMates || repeated[p] < kFewestRepeated) continue;
      piece.kmer_depth = poisson_of_repeated(static_cast<double>(seen[p]) / repeated[p]);
      // Mates, not k-mers, are what was drawn; at low depth those seen once would say more than those left.
      piece.log_error = std::sqrt((1.6 + 0.3 / std::max(piece.kmer_depth, 0.3)) / piece.mates);
    }
  }

  void measure_composition(ReadPieces& result) const {
    std::vector<WordCounts> words;
    std::vector<std::uint32_t> numbers(result.pieces.size(), ReadPiece::kNoComposition);
    for (std::uint32_t m = 0; m < mates_.size(); ++m) {
      const std::uint32_t piece = piece_of_[m];
      if (result.pieces[piece].kmer_depth <= 0) continue;
      if (numbers[piece] == ReadPiece::kNoComposition) {
        numbers[piece] = static_cast<std::uint32_t>(words.size());
        words.emplace_back();
      }
      count_words(reads_.bases(), mates_[m].first_base, mates_[m].length, words[numbers[piece]]);
    }
    for (std::size_t p = 0; p < result.pieces.size(); ++p) result.pieces[p].composition = numbers[p];
    result.compositions.reserve(words.size());
    for (const WordCounts& counts : words) result.compositions.push_back(composition_of(counts));
  }

  const UnmatchedReads& reads_;
  const std::vector<UnmatchedMate>& mates_;
  ReadLayout layout_;
  std::vector<std::uint32_t> piece_of_;  ///< by mate
  std::uint32_t last_here_ = 0, last_there_ = 0;
};

}  // namespace

ReadPieces join_reads(const UnmatchedReads& reads) {
  return Joiner(reads).run();
}

}  // namespace immucan::microbiome
