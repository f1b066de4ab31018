#include "scrna/molecules.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/random.h"
#include "scrna/cell_calling.h"
#include "scrna/read_mapping.h"

using namespace immucan;
using scrna::MoleculeReads;

namespace {

std::uint32_t umi(const std::string& bases) {
  std::uint32_t code = 0;
  for (const char base : bases) code = code * 4 + static_cast<std::uint32_t>(std::string("ACGT").find(base));
  return code;
}

MoleculeReads record(std::uint32_t gene, const std::string& bases, std::uint32_t reads, std::uint32_t evidence = 0) {
  return {7, gene, umi(bases), reads * MoleculeReads::kOneRead | evidence};
}

scrna::CellCounts count(std::vector<MoleculeReads> records, scrna::MoleculeSummary& summary) {
  std::ranges::sort(records, [](const MoleculeReads& a, const MoleculeReads& b) {
    return std::pair(a.gene, a.umi) < std::pair(b.gene, b.umi);
  });
  return scrna::count_cell(records, summary);
}

std::map<std::uint32_t, std::uint32_t> totals(const std::vector<MoleculeReads>& records) {
  scrna::MoleculeSummary summary;
  std::map<std::uint32_t, std::uint32_t> out;
  for (const auto& gene : count(records, summary).genes) out[gene.gene] = gene.total();
  return out;
}

int distance(std::uint32_t a, std::uint32_t b) {
  int different = 0;
  for (int i = 0; i < 16; ++i) different += ((a >> (2 * i)) & 3) != ((b >> (2 * i)) & 3) ? 1 : 0;
  return different;
}

/// The rule as it is worded: the highest-ranked UMI above it at one substitution.
std::vector<std::uint32_t> correct_slowly(const std::vector<std::uint32_t>& umis,
                                          const std::vector<std::uint32_t>& reads) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < umis.size(); ++i) {
    std::pair<std::uint32_t, std::uint32_t> best{reads[i], umis[i]};
    for (std::size_t j = 0; j < umis.size(); ++j) {
      if (distance(umis[i], umis[j]) == 1) best = std::max(best, {reads[j], umis[j]});
    }
    out.push_back(best.second);
  }
  return out;
}

}  // namespace

TEST_CASE("UMI correction is the worded rule, pairwise and by neighbours") {
  core::Random random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> umis, reads;
    const std::size_t size = 2 + random.below(round % 2 == 0 ? 30 : 150);
    while (umis.size() < size) {
      const auto candidate = static_cast<std::uint32_t>(random.below(1024));
      if (std::ranges::find(umis, candidate) == umis.end()) umis.push_back(candidate);
    }
    for (std::size_t i = 0; i < size; ++i) reads.push_back(1 + static_cast<std::uint32_t>(random.below(4)));
    CHECK(scrna::correct_umis(umis, reads) == correct_slowly(umis, reads));
  }
}

TEST_CASE("correction is not transitive") {
  // CCCC (1) -> CCCA (2) -> CCAA (5): two UMIs remain, CCCA and CCAA.
  CHECK(totals({record(1, "CCCC", 1), record(1, "CCCA", 2), record(1, "CCAA", 5)}) ==
        std::map<std::uint32_t, std::uint32_t>{{1, 2}});
}

TEST_CASE("a UMI of several genes goes to the gene with most reads, or to none") {
  using Totals = std::map<std::uint32_t, std::uint32_t>;
  CHECK(totals({record(1, "ACGT", 3), record(2, "ACGT", 1)}) == Totals{{1, 1}});
  CHECK(totals({record(1, "ACGT", 2), record(2, "ACGT", 2)}).empty());
  CHECK(totals({record(1, "ACGT", 2), record(2, "ACGT", 2), record(3, "TTTT", 1)}) == Totals{{3, 1}});
  // Gene 1 leads only by what was corrected to ACGT (2 + 2 against 3): given up.
  CHECK(totals({record(1, "ACGT", 2), record(1, "ACGA", 2), record(2, "ACGT", 3)}).empty());
}

TEST_CASE("layers follow what the reads of a molecule say") {
  scrna::MoleculeSummary summary;
  const auto counts =
      count({record(1, "AACC", 1, scrna::kJunction), record(1, "GGTT", 1, scrna::kIntron), record(1, "CATG", 1),
             record(1, "TGCA", 1, scrna::kJunction | scrna::kIntron), record(1, "CCAA", 1, scrna::kEitherWay)},
            summary);
  REQUIRE(counts.genes.size() == 1);
  CHECK(counts.genes[0].spliced == 2);
  CHECK(counts.genes[0].unspliced == 1);
  CHECK(counts.genes[0].ambiguous == 2);
  CHECK(counts.molecules() == 5);
  CHECK(counts.reads == 5);
  CHECK(summary.molecules == 5);
}

TEST_CASE("the store merges equal reads; order and threads do not matter") {
  core::Random random(9);
  std::vector<std::array<std::uint32_t, 3>> reads;
  for (int i = 0; i < 300000; ++i) {
    reads.push_back({static_cast<std::uint32_t>(random.below(50)), static_cast<std::uint32_t>(random.below(20)),
                     static_cast<std::uint32_t>(random.below(300)) * 977});
  }
  const auto matrix_of = [&](unsigned threads) {
    scrna::MoleculeStore store;
    for (const auto& [cell, gene, code] : reads) store.add(cell, gene, code, 0);
    store.finish(threads, nullptr);
    scrna::MoleculeSummary summary;
    const auto cells = scrna::count_molecules(store, threads, nullptr, summary);
    CHECK(store.reads() == reads.size());
    CHECK(std::ranges::is_sorted(cells, {}, &scrna::CellCounts::cell));
    std::uint64_t sum = 0;
    for (const auto& cell : cells) sum += cell.reads;
    CHECK(sum == reads.size());
    return scrna::make_matrix(cells, 20, scrna::Layer::kTotal);
  };
  const auto one = matrix_of(1);
  std::ranges::reverse(reads);
  const auto four = matrix_of(4);
  CHECK(one.row_start == four.row_start);
  CHECK(one.column == four.column);
  CHECK(one.value == four.value);
}

TEST_CASE("cells stand out from the background") {
  std::vector<std::uint64_t> molecules(5000, 3);
  core::Random random(2);
  std::vector<std::size_t> planted;
  for (std::size_t i = 0; i < 200; ++i) {
    planted.push_back(i * 17);
    molecules[i * 17] = static_cast<std::uint64_t>(random.lognormal(7, 0.4));
  }
  CHECK(scrna::call_cells(molecules, std::nullopt).cells == planted);
  CHECK(scrna::call_cells(molecules, 200).cells == planted);
  // Cell Ranger 2.2 by hand: rank round(3000 * 0.01) = 30 of the sorted counts, a tenth of it.
  auto sorted = molecules;
  std::ranges::sort(sorted, std::greater{});
  CHECK(scrna::call_cells(molecules, 3000).threshold ==
        static_cast<std::uint64_t>(std::round(static_cast<double>(sorted[30]) / 10)));
  CHECK(scrna::call_cells({}, std::nullopt).cells.empty());
}
