// Reads laid side by side, and pieces of unknown sequence whose depth, ends and composition are known.
#include "microbiome/read_pieces.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "microbiome/composition.h"
#include "microbiome/read_layout.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

constexpr std::size_t kRead = 150, kInsert = 350;
constexpr std::uint32_t kAnchorClass = 7;

/// Pairs of `genome` at a depth; where the outer parts of it match the database, mates in them are left out, and their
/// partners anchored.
struct PairMaker {
  core::Random random;
  UnmatchedReads reads{};
  std::uint64_t fragment = 0;

  void add(const std::string& genome, double depth, std::size_t matching_end) {
    const auto pairs = static_cast<std::size_t>(depth * static_cast<double>(genome.size()) / (2 * kRead));
    for (std::size_t i = 0; i < pairs; ++i, ++fragment) {
      const std::size_t begin = random.below(genome.size() - kInsert + 1);
      const std::string insert = genome.substr(begin, kInsert);
      const bool turned = random.bernoulli(0.5);
      std::string mates[2] = {insert.substr(0, kRead), reverse_complement(insert.substr(kInsert - kRead))};
      // A mate matches where at least half of it does.
      const auto is_known = [&](std::size_t first) {
        const std::size_t middle = first + kRead / 2;
        return middle < matching_end || middle >= genome.size() - matching_end;
      };
      bool matches[2] = {is_known(begin), is_known(begin + kInsert - kRead)};
      if (turned) {
        std::swap(mates[0], mates[1]);
        std::swap(matches[0], matches[1]);
      }
      for (std::uint8_t mate = 0; mate < 2; ++mate)
        if (!matches[mate])
          reads.add(fragment, mate, mutated(random, mates[mate], 0.003),
                    matches[1 - mate] ? kAnchorClass : UnmatchedReads::kNoPartner);
    }
  }
};

const ReadPiece& largest(const ReadPieces& pieces) {
  return *std::ranges::max_element(pieces.pieces, {}, &ReadPiece::mates);
}

}  // namespace

TEST_CASE("a layout finds the place of every read, whatever the order of the joins") {
  // Reads at known places and in known directions; each is joined to others by what both places say.
  core::Random random(5);
  struct Known {
    int first;  // where base 0 lies
    bool reversed;
  };
  std::vector<Known> known;
  for (int i = 0; i < 200; ++i) known.push_back({static_cast<int>(random.below(5000)), random.bernoulli(0.5)});
  ReadLayout layout(known.size());
  const auto join = [&](std::uint32_t a, std::uint32_t b) {
    // Base x of a lies at known[a].first ± x; in b's coordinates that is (place - known[b].first), turned with b.
    const int difference = known[a].first - known[b].first;
    layout.join(a, b, known[b].reversed ? -difference : difference, known[a].reversed != known[b].reversed);
  };
  for (int i = 0; i < 150; ++i)
    join(static_cast<std::uint32_t>(random.below(200)), static_cast<std::uint32_t>(random.below(200)));
  for (std::uint32_t i = 1; i < known.size(); ++i) join(i, i - 1);
  const auto zero = layout.place(0);
  for (std::uint32_t i = 0; i < known.size(); ++i) {
    const auto place = layout.place(i);
    REQUIRE(place.root == zero.root);
    const bool turned = zero.reversed != known[0].reversed;
    CHECK((place.reversed != known[i].reversed) == turned);
    const int moved = known[i].first - known[0].first;
    CHECK(place.offset - zero.offset == (turned ? -moved : moved));
  }
}

TEST_CASE("words of both strands are counted together") {
  core::Random random(6);
  const std::string text = random_genome(random, 3000);
  WordCounts forward{}, backward{}, packed{};
  count_words(text, forward);
  count_words(reverse_complement(text), backward);
  sequence::PackedSequence bases;
  bases.append(std::string(17, 'C'));
  bases.append(text);
  count_words(bases, 17, text.size(), packed);
  CHECK(packed == forward);
  const Composition a = composition_of(forward), b = composition_of(backward);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] == b[i]);
    sum += a[i];
  }
  CHECK(sum == Approx(1));
  WordCounts broken{};
  count_words("ACGNACGTA", broken);
  CHECK(std::ranges::count(broken, 1U) == 2);
}

TEST_CASE("unmatched mates keep their longest clean stretch, and are thinned out by whole fragments") {
  UnmatchedReads reads;
  reads.add(0, 0, "ACGNACGTTNA", UnmatchedReads::kNoPartner);
  reads.add(0, 1, "NNNN", UnmatchedReads::kNoPartner);
  REQUIRE(reads.mates().size() == 1);
  CHECK(reads.mates()[0].length == 5);
  CHECK(reads.bases().at(reads.mates()[0].first_base + 4) == 3);
  core::Random random(3);
  const std::string mate = random_genome(random, 20);
  UnmatchedReads many;
  const std::uint64_t fragments = UnmatchedReads::kMostMates;
  for (std::uint64_t f = 0; f < fragments; ++f)
    for (std::uint8_t m = 0; m < 2; ++m) many.add(f, m, mate, UnmatchedReads::kNoPartner);
  CHECK(many.mates().size() <= UnmatchedReads::kMostMates);
  CHECK(many.kept_share() < 1);
  CHECK(static_cast<double>(many.mates().size()) ==
        Approx(2 * static_cast<double>(fragments) * many.kept_share()).epsilon(0.02));
  bool paired = many.mates().size() % 2 == 0, same = true;
  for (std::size_t i = 0; paired && i < many.mates().size(); i += 2) {
    paired = many.mates()[i].fragment == many.mates()[i + 1].fragment;
    for (std::size_t base = 0; base < mate.size(); base += 7)
      same = same && many.bases().at(many.mates()[i].first_base + base) == sequence::base_code(mate[base]);
  }
  CHECK(paired);
  CHECK(same);
}

TEST_CASE("a missing stretch becomes one piece with its depth, its length and both its ends") {
  PairMaker maker{core::Random(11)};
  const std::string genome = random_genome(maker.random, 21000);
  maker.add(genome, 12, 500);
  const ReadPieces pieces = join_reads(maker.reads);
  CHECK(pieces.insert == Approx(kInsert).margin(3));
  CHECK(pieces.read_length == Approx(kRead));
  const ReadPiece& piece = largest(pieces);
  CHECK(piece.mates > 0.97 * static_cast<double>(maker.reads.mates().size()));
  CHECK(piece.length == Approx(20000).margin(400));
  const double per_kmer = static_cast<double>(kRead - kPieceKmer + 1) / kRead * std::pow(1 - 0.003 * 0.75, kPieceKmer);
  CHECK(piece.kmer_depth == Approx(12 * per_kmer).epsilon(0.1));
  CHECK(2 * piece.fragments + piece.anchors == piece.mates);
  std::map<bool, int> ends;
  for (const PieceAnchor& anchor : pieces.anchors_of(piece)) {
    CHECK(anchor.class_number == kAnchorClass);
    CHECK(anchor.at_end);
    ++ends[anchor.left];
  }
  CHECK(ends[false] >= 2);
  CHECK(ends[true] >= 2);
}

TEST_CASE("pieces of two genomes stay apart, and say their depths") {
  PairMaker maker{core::Random(12)};
  const std::string a = random_genome(maker.random, 15000), b = random_genome(maker.random, 15000);
  maker.add(a, 10, 0);
  maker.add(b, 30, 0);
  const ReadPieces pieces = join_reads(maker.reads);
  std::vector<ReadPiece> large;
  for (const ReadPiece& piece : pieces.pieces)
    if (piece.mates > 500) large.push_back(piece);
  REQUIRE(large.size() == 2);
  CHECK(large[1].kmer_depth / large[0].kmer_depth == Approx(3).epsilon(0.1));
  CHECK(large[0].anchors + large[1].anchors == 0);
  CHECK(large[0].composition != large[1].composition);
}

TEST_CASE("repeats fold a layout but not the depth of a piece") {
  PairMaker maker{core::Random(13)};
  const std::string repeat = random_genome(maker.random, 1500);
  std::string genome;
  for (int i = 0; i < 6; ++i) genome += random_genome(maker.random, 4000) + repeat;
  maker.add(genome, 10, 0);
  const ReadPieces pieces = join_reads(maker.reads);
  const ReadPiece& piece = largest(pieces);
  const double layout_depth = static_cast<double>(piece.mates) * kRead / piece.length;
  const double per_kmer = static_cast<double>(kRead - kPieceKmer + 1) / kRead * std::pow(1 - 0.003 * 0.75, kPieceKmer);
  CHECK(layout_depth > 15);
  CHECK(piece.kmer_depth / per_kmer == Approx(11.5).epsilon(0.15));
}

TEST_CASE("no reads make no pieces") {
  const ReadPieces pieces = join_reads(UnmatchedReads{});
  CHECK(pieces.pieces.empty());
  CHECK(pieces.anchors.empty());
}
