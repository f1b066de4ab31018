#include "sequence/dictionary.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/random.h"
#include "sequence/base_packing.h"
#include "sequence/packed_sequence.h"

using namespace immucan;
using sequence::Seed;

namespace {

std::string random_bases(std::size_t size, std::uint64_t seed) {
  core::Random random(seed);
  std::string bases;
  for (std::size_t i = 0; i < size; ++i) bases.push_back("ACGT"[random.below(4)]);
  return bases;
}

std::string reversed(std::string bases) {
  std::ranges::reverse(bases);
  for (char& base : bases) base = "TGCA"[sequence::base_code(base)];
  return bases;
}

std::vector<std::uint8_t> codes_of(const std::string& bases) {
  std::vector<std::uint8_t> codes;
  for (const char base : bases) codes.push_back(sequence::base_code(base));
  return codes;
}

std::vector<Seed> seeds_of(const std::string& bases, const sequence::SeedShape& shape) {
  sequence::SeedScratch scratch;
  std::vector<Seed> seeds;
  sequence::collect_seeds(codes_of(bases), shape, scratch, seeds);
  return seeds;
}

}  // namespace

TEST_CASE("bases are packed and loaded from any position") {
  const std::string bases = random_bases(200, 3);
  sequence::PackedSequence packed;
  packed.append(bases);
  REQUIRE(packed.size() == 200);
  for (std::size_t at = 0; at < 200; ++at) {
    const std::uint64_t word = sequence::load_bases(packed.words().data(), at);
    for (std::size_t i = 0; i < 32 && at + i < 200; ++i)
      CHECK(((word >> (2 * i)) & 3) == sequence::base_code(bases[at + i]));
  }
  sequence::PackedSequence other;
  other.append(bases.substr(0, 96));
  CHECK(std::popcount(sequence::differing_bases(sequence::load_bases(packed.words().data(), 64), other.words()[2])) ==
        0);
  std::uint64_t expected = 0;
  const std::string back = reversed(bases.substr(0, 32));
  for (std::size_t i = 0; i < 32; ++i) expected |= std::uint64_t{sequence::base_code(back[i])} << (2 * i);
  CHECK(sequence::reverse_complement(packed.words()[0]) == expected);
}

TEST_CASE("seeds are the same on both strands, dense enough, and never across an unknown base") {
  const sequence::SeedShape shape{21, 11};
  std::string bases = random_bases(5000, 7);
  bases[2500] = 'N';
  const auto forward = seeds_of(bases, shape);
  std::string turned = reversed(bases.substr(2501));
  turned += 'N' + reversed(bases.substr(0, 2500));
  auto backward = seeds_of(turned, shape);
  REQUIRE(forward.size() == backward.size());
  std::ranges::reverse(backward);
  for (std::size_t i = 0; i < forward.size(); ++i) {
    CHECK(forward[i].hash == backward[i].hash);
    CHECK(forward[i].reversed != backward[i].reversed);
    CHECK(forward[i].offset + shape.k + backward[i].offset == bases.size());
    CHECK((forward[i].offset + shape.k <= 2500 || forward[i].offset > 2500));
  }
  // One at least among every k - s + 1 consecutive k-mers.
  for (std::size_t i = 1; i < forward.size(); ++i) {
    if (forward[i].offset < 2500 || forward[i - 1].offset > 2500)
      CHECK(forward[i].offset - forward[i - 1].offset <= shape.k - shape.s + 1);
  }
}

TEST_CASE("short and unknown sequences have no seeds") {
  const sequence::SeedShape shape{21, 11};
  CHECK(seeds_of("", shape).empty());
  CHECK(seeds_of("ACGTACGTACGTACGTACGT", shape).empty());
  CHECK(seeds_of(std::string(100, 'N'), shape).empty());
}

TEST_CASE("the dictionary finds every place of every seed, and the same for any number of threads") {
  const sequence::SeedShape shape{15, 7};
  std::string bases = random_bases(20000, 11);
  const std::string repeat = random_bases(300, 12);
  for (const std::size_t at : {1000U, 7000U, 15000U})
    bases.replace(at, repeat.size(), at == 7000U ? reversed(repeat) : repeat);
  sequence::PackedSequence text;
  text.append(bases);
  const std::vector<sequence::TextPiece> pieces = {{0, 9000}, {9000, 11000}};
  const sequence::SeedTable one = sequence::build_seed_table(text, pieces, shape, 1);
  const sequence::SeedTable three = sequence::build_seed_table(text, pieces, shape, 3);
  CHECK(one.bucket_starts == three.bucket_starts);
  REQUIRE(one.places.size() == three.places.size());
  for (std::size_t i = 0; i < one.places.size(); ++i) {
    CHECK(one.places[i].position == three.places[i].position);
    CHECK(one.places[i].tag_and_strand == three.places[i].tag_and_strand);
  }
  const sequence::SeedDictionary dictionary(one.bucket_starts, one.places);
  REQUIRE(dictionary.consistent());
  // Oracle: canonical k-mers by comparing text.
  std::map<std::uint64_t, std::set<std::uint32_t>> expected;
  std::map<std::uint64_t, std::string> canonical;
  for (const auto& piece : pieces) {
    for (const Seed& seed : seeds_of(bases.substr(piece.begin, piece.size), shape)) {
      expected[seed.hash].insert(piece.begin + seed.offset);
      const std::string kmer = bases.substr(piece.begin + seed.offset, shape.k);
      const std::string least = std::min(kmer, reversed(kmer));
      const auto [entry, fresh] = canonical.emplace(seed.hash, least);
      CHECK(entry->second == least);
    }
  }
  std::size_t several = 0;
  for (const auto& [hash, positions] : expected) {
    std::set<std::uint32_t> found;
    for (const auto& place : dictionary.find(hash)) found.insert(place.position);
    CHECK(found == positions);
    several += positions.size() > 1 ? 1 : 0;
  }
  CHECK(several > 50);
  CHECK(dictionary.find(0x123456789abcdefULL).empty());
}

TEST_CASE("bases packed sixteen at a time are as those packed one by one") {
  core::Random random(11);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bases = random_bases(size, 100 + size);
    const std::string letters = "acgtuUNnRx.@`\x01\x7f\xc1";
    for (char& base : bases) {
      if (size % 3 != 0 && random.below(8) == 0) base = letters[random.below(letters.size())];
    }
    const std::size_t words = sequence::words_for(size);
    std::vector<std::uint64_t> fast(words, 1), fast_unknown(words, 2), plain(words, 3), plain_unknown(words, 4);
    const bool any = sequence::pack_bases(bases, fast.data(), fast_unknown.data());
    CHECK(any == sequence::pack_bases_plainly(bases, plain.data(), plain_unknown.data()));
    CHECK(fast == plain);
    CHECK(fast_unknown == plain_unknown);
  }
}

TEST_CASE("seeds of packed bases are those of codes") {
  for (const sequence::SeedShape& shape : {sequence::SeedShape{21, 11}, {31, 15}, {15, 9}, {5, 3}}) {
    for (std::size_t size = 1; size < 30000; size = size < 100 ? size + 1 : size * 3) {
      const std::string bases = random_bases(size, 7 * size);
      std::vector<std::uint64_t> words(sequence::words_for(size) + 1, 0), unknown(sequence::words_for(size), 0);
      sequence::pack_bases(bases, words.data(), unknown.data());
      for (const bool disjoint : {false, true}) {
        sequence::SeedScratch scratch;
        std::vector<Seed> of_codes, of_words;
        sequence::collect_seeds(codes_of(bases), shape, scratch, of_codes, disjoint);
        sequence::collect_packed_seeds(words.data(), static_cast<std::uint32_t>(size), shape, scratch, of_words,
                                       disjoint);
        REQUIRE(of_words.size() == of_codes.size());
        CHECK(std::ranges::equal(of_words, of_codes, [](const Seed& a, const Seed& b) {
          return a.hash == b.hash && a.offset == b.offset && a.reversed == b.reversed;
        }));
      }
    }
  }
}
