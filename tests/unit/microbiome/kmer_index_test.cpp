#include "microbiome/kmer_index.h"

#include <catch2/catch.hpp>
#include <map>
#include <unordered_map>

#include "core/random.h"
#include "microbiome/entry_counts.h"
#include "microbiome/genome_set.h"
#include "sequence/kmer.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

/// All buckets of an index of these hashes.
std::vector<IndexBucket> buckets_of(const std::unordered_map<std::uint64_t, UnitIndex>& units, unsigned bits) {
  std::map<std::uint64_t, UnitIndex> sorted;
  for (const auto& [hash, unit] : units) sorted[spread_hash(hash)] = unit;
  std::vector<IndexBucket> buckets;
  IndexWriter writer(sorted.size(), bits, [&](std::span<const IndexBucket> more) {
    buckets.insert(buckets.end(), more.begin(), more.end());
  });
  for (const auto& [key, unit] : sorted) writer.insert(key, unit);
  writer.finish();
  CHECK(buckets.size() == bucket_count(sorted.size()));
  return buckets;
}

}  // namespace

TEST_CASE("the index finds what was put in, in order, and nothing else") {
  core::Random random(3);
  constexpr std::uint64_t kUnits = 70000;
  std::unordered_map<std::uint64_t, UnitIndex> expected;
  // Small hashes, as sampling leaves them: all below 2^60.
  while (expected.size() < 50000)
    expected.emplace(random.next() >> 4, static_cast<UnitIndex>(1 + random.below(kUnits)));
  const unsigned bits = bits_for_units(kUnits);
  const auto buckets = buckets_of(expected, bits);
  const KmerIndex index(buckets, bits);
  CHECK(index.check_units(kUnits));

  std::vector<std::uint64_t> queries;
  for (const auto& [hash, unit] : expected) {
    queries.push_back(hash);
    queries.push_back(random.next() >> 4);  // absent but for chances of 1e-13
  }
  std::vector<IndexHit> hits;
  index.lookup(queries, hits);
  REQUIRE(hits.size() == expected.size());
  for (std::size_t i = 0; i < hits.size(); ++i) {
    REQUIRE(hits[i].query == 2 * i);
    REQUIRE(hits[i].unit == expected.at(queries[2 * i]));
    REQUIRE(index.unit_at(hits[i].entry) == hits[i].unit);
    REQUIRE(hits[i].entry < index.entries());
  }
}

TEST_CASE("an index without entries answers no") {
  const auto buckets = buckets_of({}, 1);
  const KmerIndex index(buckets, 1);
  std::vector<IndexHit> hits;
  index.lookup(std::vector<std::uint64_t>{0, 1, ~std::uint64_t{0}}, hits);
  CHECK(hits.empty());
}

TEST_CASE("units that are too large are noticed") {
  const auto buckets = buckets_of({{5, 9}}, 4);
  const KmerIndex index(buckets, 4);
  CHECK(index.check_units(9));
  CHECK_FALSE(index.check_units(8));
}

TEST_CASE("the dense filter has no false negatives and few false positives") {
  core::Random random(5);
  std::vector<std::uint64_t> hashes(20000);
  for (auto& hash : hashes) hash = random.next();
  std::vector<std::uint64_t> words(DenseFilter::word_count(hashes.size()));
  CHECK((words.size() & (words.size() - 1)) == 0);
  for (const auto hash : hashes) DenseFilter::insert(words, hash);
  const DenseFilter filter(words);
  for (const auto hash : hashes) REQUIRE(filter.may_contain(hash));
  int passed = 0;
  for (int i = 0; i < 100000; ++i) passed += filter.may_contain(random.next()) ? 1 : 0;
  CHECK(passed < 100000 / 12);  // 16 bits per k-mer: at most one in 16 and chance
}

TEST_CASE("sets are numbered once, single genomes by themselves") {
  GenomeSets sets(5);
  core::Random random(9);
  std::unordered_map<std::string, std::uint32_t> expected;
  for (int i = 0; i < 4000; ++i) {
    std::vector<std::uint32_t> genomes;
    for (std::uint32_t genome = 0; genome < 5; ++genome)
      if (random.bernoulli(0.5)) genomes.push_back(genome);
    if (genomes.empty()) continue;
    const std::uint32_t number = sets.intern(genomes);
    std::string key;
    for (const auto genome : genomes) key += std::to_string(genome) + ",";
    const auto [entry, is_new] = expected.emplace(key, number);
    REQUIRE(entry->second == number);
    if (genomes.size() == 1) REQUIRE(number == genomes[0]);
    const auto members =
        sets.members().subspan(sets.offsets()[number], sets.offsets()[number + 1] - sets.offsets()[number]);
    REQUIRE(std::vector<std::uint32_t>(members.begin(), members.end()) == genomes);
  }
  CHECK(expected.size() == 31);
  CHECK(sets.offsets().size() == 32);
}

TEST_CASE("a number map agrees with std::unordered_map while it grows") {
  NumberMap map;
  std::unordered_map<std::uint64_t, std::uint32_t> expected;
  core::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t key = random.below(9000);
    const auto next = static_cast<std::uint32_t>(expected.size());
    const auto number = map.find_or_insert(key, next);
    REQUIRE(expected.emplace(key, next).first->second == number);
  }
  CHECK(map.size() == expected.size());
}

TEST_CASE("counts of entries are the same for small and large indexes") {
  core::Random random(21);
  constexpr std::uint64_t kEntries = 4'000'000;
  EntryCounts small(kEntries), large(kEntries, 1);
  std::unordered_map<std::uint64_t, unsigned> expected;
  const auto contents = [](const EntryCounts& counts) {
    std::map<std::uint64_t, unsigned> seen;
    counts.for_each([&](std::uint64_t entry, std::uint8_t count) { CHECK(seen.emplace(entry, count).second); });
    return seen;
  };
  for (int i = 0; i < 300000; ++i) {
    // One entry is seen more than 255 times.
    const std::uint64_t entry = i % 100 == 0 ? kEntries - 1 : random.below(kEntries);
    small.add(entry);
    large.add(entry);
    expected[entry] = std::min(255U, expected[entry] + 1);
    if (i == 20000) CHECK(contents(large) == contents(small));  // still in slots
  }
  CHECK(contents(small) == std::map<std::uint64_t, unsigned>(expected.begin(), expected.end()));
  CHECK(contents(large) == contents(small));
}
