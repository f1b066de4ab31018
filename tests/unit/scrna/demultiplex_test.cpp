// Sample tags with planted samples, doublets and unmarked cells.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "io/byte_source.h"
#include "scrna/tag_demultiplexing.h"

using namespace immucan;
using scrna::TagClass;

namespace {

struct Pool {
  io::CsrMatrix counts;
  std::vector<TagClass> truth;
  std::vector<std::size_t> first, second;
};

struct PoolOptions {
  std::uint64_t seed = 1;
  std::size_t cells = 3000, tags = 6;
  double background = 8, positive = 200, size = 4;
  double doublets = 0.1, negatives = 0.05;
  std::size_t unused = 0;  ///< tags at the end that mark nobody
};

Pool make_pool(const PoolOptions& options) {
  core::Random random(options.seed);
  const auto draw = [&](double mean, double size) {
    return static_cast<double>(random.poisson(random.gamma(size, mean / size)));
  };
  Pool pool;
  pool.counts.rows = options.cells;
  pool.counts.columns = options.tags;
  for (std::size_t i = 0; i < options.cells; ++i) {
    const std::size_t used = options.tags - options.unused;
    const double kind = random.uniform();
    const std::size_t first = random.below(used);
    const std::size_t second = (first + 1 + random.below(used - 1)) % used;
    TagClass truth = TagClass::kSinglet;
    if (kind < options.negatives) truth = TagClass::kNegative;
    if (kind > 1 - options.doublets) truth = TagClass::kDoublet;
    for (std::size_t t = 0; t < options.tags; ++t) {
      // Antibodies differ in what they leave behind and how brightly they mark.
      const double factor = 0.5 + static_cast<double>(t) / static_cast<double>(options.tags);
      double count = draw(options.background * factor, 2);
      if (truth != TagClass::kNegative && t == first) count += draw(options.positive * factor, options.size);
      if (truth == TagClass::kDoublet && t == second) count += draw(options.positive * factor, options.size);
      if (count == 0) continue;
      pool.counts.column.push_back(static_cast<std::int32_t>(t));
      pool.counts.value.push_back(static_cast<float>(count));
    }
    pool.counts.row_start.push_back(static_cast<std::int64_t>(pool.counts.column.size()));
    pool.truth.push_back(truth);
    pool.first.push_back(first);
    pool.second.push_back(second);
  }
  return pool;
}

struct Score {
  double singlet_recall = 0, singlet_precision = 0, doublet_recall = 0, doublet_precision = 0, negative_recall = 0,
         uncertain = 0;
};

Score score(const Pool& pool) {
  const scrna::TagResult result = scrna::assign_tags(pool.counts, {});
  double singlets = 0, called = 0, right = 0, doublets = 0, called_doublets = 0, right_doublets = 0, negatives = 0,
         right_negatives = 0, uncertain = 0;
  for (std::size_t i = 0; i < pool.truth.size(); ++i) {
    const scrna::TagAssignment& cell = result.cells[i];
    singlets += pool.truth[i] == TagClass::kSinglet;
    doublets += pool.truth[i] == TagClass::kDoublet;
    negatives += pool.truth[i] == TagClass::kNegative;
    called += cell.tag_class == TagClass::kSinglet;
    called_doublets += cell.tag_class == TagClass::kDoublet;
    uncertain += cell.tag_class == TagClass::kUncertain;
    right += pool.truth[i] == TagClass::kSinglet && cell.tag_class == TagClass::kSinglet && cell.first == pool.first[i];
    right_doublets += pool.truth[i] == TagClass::kDoublet && cell.tag_class == TagClass::kDoublet &&
                      std::minmax(cell.first, cell.second) == std::minmax(pool.first[i], pool.second[i]);
    right_negatives += pool.truth[i] == TagClass::kNegative && cell.tag_class == TagClass::kNegative;
  }
  return {right / singlets,
          right / called,
          right_doublets / doublets,
          right_doublets / called_doublets,
          right_negatives / negatives,
          uncertain / static_cast<double>(pool.truth.size())};
}

}  // namespace

TEST_CASE("singlets, doublets and negatives of a pool") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const PoolOptions& options :
         {PoolOptions{.seed = seed}, PoolOptions{.seed = seed, .tags = 12, .unused = 3},
          PoolOptions{.seed = seed, .cells = 300, .tags = 3}, PoolOptions{.seed = seed, .tags = 2}}) {
      INFO("seed " << seed << ", " << options.tags << " tags");
      const Score s = score(make_pool(options));
      CHECK(s.singlet_recall >= 0.97);
      CHECK(s.singlet_precision >= 0.985);
      CHECK(s.doublet_recall >= 0.92);
      CHECK(s.doublet_precision >= 0.99);
      CHECK(s.negative_recall >= 0.65);
      CHECK(s.uncertain <= 0.04);
    }
  }
}

TEST_CASE("few molecules of tags: what cannot be told is uncertain, not wrong") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const PoolOptions& options : {PoolOptions{.seed = seed, .background = 1, .positive = 25},
                                       PoolOptions{.seed = seed, .background = 0.2, .positive = 12, .size = 8}}) {
      INFO("seed " << seed << ", " << options.positive << " molecules");
      const Score s = score(make_pool(options));
      CHECK(s.singlet_recall >= 0.92);
      CHECK(s.singlet_precision >= 0.985);
      CHECK(s.doublet_precision >= 0.95);
      CHECK(s.uncertain <= 0.12);
    }
  }
}

TEST_CASE("probabilities hold: of the cells given a class with probability p, p are of it") {
  double expected = 0, right = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const Pool pool = make_pool({.seed = seed, .background = 1, .positive = 25});
    const scrna::TagResult result = scrna::assign_tags(pool.counts, {.confidence = 0.5});
    for (std::size_t i = 0; i < pool.truth.size(); ++i) {
      expected += result.cells[i].singlet;
      right += pool.truth[i] == TagClass::kSinglet ? 1 : 0;
    }
  }
  CHECK(expected == Approx(right).epsilon(0.02));
}

TEST_CASE("tags that cannot be fitted are refused") {
  io::CsrMatrix one;
  one.columns = 1;
  CHECK_THROWS_AS(scrna::assign_tags(one, {}), core::Error);
  io::CsrMatrix few;
  few.columns = 2;
  few.rows = 3;
  few.row_start = {0, 0, 0, 0};
  CHECK_THROWS_AS(scrna::assign_tags(few, {}), core::Error);
  few.rows = 20;
  few.row_start.assign(21, 0);
  for (const auto& cell : scrna::assign_tags(few, {}).cells) CHECK(cell.tag_class != TagClass::kSinglet);
}

TEST_CASE("table of tags and samples") {
  const auto read = [](std::string_view text) { return scrna::read_tag_samples(io::open_memory(text, "tags.tsv")); };
  const auto table = read("sample\ttag\nP1\tHTO1\nP2\tHTO2\n");
  CHECK(table[1].tag == "HTO2");
  CHECK(table[1].sample == "P2");
  for (const char* broken :
       {"", "tag\n1\n", "tag\tsample\n", "tag\tsample\nA\tP1\nA\tP2\n", "tag\tsample\nA\tNA\n", "tag\tsample\nA\n"})
    CHECK_THROWS_AS(read(broken), core::Error);
}
