#include "scrna/molecules.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/random.h"
#include "scrna/bam_input.h"
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

scrna::CellCounts count(std::vector<MoleculeReads> records, scrna::MoleculeSummary& summary,
                        const scrna::CountingRules& rules = {}, const scrna::GeneSets& sets = {}) {
  std::ranges::sort(records, [](const MoleculeReads& a, const MoleculeReads& b) {
    return std::pair(a.gene, a.umi) < std::pair(b.gene, b.umi);
  });
  return scrna::count_cell(records, rules, sets, summary);
}

std::map<std::uint32_t, std::uint32_t> totals(const std::vector<MoleculeReads>& records,
                                              const scrna::CountingRules& rules = {}) {
  scrna::MoleculeSummary summary;
  std::map<std::uint32_t, std::uint32_t> out;
  for (const auto& gene : count(records, summary, rules).genes) out[gene.gene] = gene.total();
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

TEST_CASE("molecules far from the end of the transcript are unspliced where that is evidence") {
  const auto layers = [](std::uint8_t evidence, std::uint8_t unspliced_evidence) {
    scrna::MoleculeSummary summary;
    const auto counts = count({record(1, "AACC", 1, evidence)}, summary, {.unspliced_evidence = unspliced_evidence});
    return std::array{counts.genes[0].spliced, counts.genes[0].unspliced, counts.genes[0].ambiguous};
  };
  using Counts = std::array<std::uint32_t, 3>;
  CHECK(layers(0x18, 0) == Counts{1, 0, 0});
  CHECK(layers(0x18, 0x10) == Counts{0, 1, 0});
  CHECK(layers(0x08, 0x10) == Counts{1, 0, 0});
  CHECK(layers(0x18 | scrna::kJunction, 0x10) == Counts{1, 0, 0});
  CHECK(layers(0x18 | scrna::kEitherWay, 0x10) == Counts{0, 1, 0});
}

TEST_CASE("UMI rules differ where the reference says so") {
  using Totals = std::map<std::uint32_t, std::uint32_t>;
  const auto molecules = [](scrna::UmiRule rule, const std::vector<MoleculeReads>& records) {
    return totals(records, {.umi = rule})[1];
  };
  // A chain of three: joined as a whole, or step by step, or only where reads at least double.
  const std::vector<MoleculeReads> chain = {record(1, "CCCC", 3), record(1, "CCCA", 4), record(1, "CCAA", 8)};
  CHECK(molecules(scrna::UmiRule::kExact, chain) == 3);
  CHECK(molecules(scrna::UmiRule::k1mmAll, chain) == 1);
  CHECK(molecules(scrna::UmiRule::k1mmCr, chain) == 2);
  CHECK(molecules(scrna::UmiRule::kDirectional, chain) == 2);  // CCCA joins CCAA, 4 < 2 * 3 leaves CCCC alone
  const std::vector<MoleculeReads> steep = {record(1, "CCCC", 2), record(1, "CCCA", 4), record(1, "CCAA", 8)};
  CHECK(molecules(scrna::UmiRule::kDirectional, steep) == 1);  // transitive
  CHECK(molecules(scrna::UmiRule::kDirectional, {record(1, "CCCC", 1), record(1, "CCCA", 1)}) == 2);

  const std::vector<MoleculeReads> several = {record(1, "ACGT", 3), record(2, "ACGT", 1), record(1, "TTTT", 1),
                                              record(2, "TTTT", 1), record(3, "GGGG", 1)};
  const auto rule = [&](scrna::MultiGeneRule multi_gene) { return totals(several, {.multi_gene = multi_gene}); };
  CHECK(rule(scrna::MultiGeneRule::kCorrectedReads) == Totals{{1, 1}, {3, 1}});
  CHECK(rule(scrna::MultiGeneRule::kMostReads) == Totals{{1, 1}, {3, 1}});
  CHECK(rule(scrna::MultiGeneRule::kDrop) == Totals{{3, 1}});
  CHECK(rule(scrna::MultiGeneRule::kKeep) == Totals{{1, 2}, {2, 2}, {3, 1}});
  CHECK(rule(scrna::MultiGeneRule::kWinner) == Totals{{1, 1}, {3, 1}});
  // Two reads each: most-reads keeps both.
  CHECK(totals({record(1, "ACGT", 2), record(2, "ACGT", 2)}, {.multi_gene = scrna::MultiGeneRule::kMostReads}) ==
        Totals{{1, 1}, {2, 1}});
}

TEST_CASE("directional and connected UMIs by neighbours are those found pairwise") {
  core::Random random(15);
  std::vector<std::uint32_t> umis, reads;
  for (std::uint32_t code = 0; code < 1024; ++code) {
    if (random.below(5) == 0) umis.push_back(code);
  }
  for (std::size_t i = 0; i < umis.size(); ++i) reads.push_back(1 + static_cast<std::uint32_t>(random.below(9)));
  const auto directional = scrna::correct_umis(umis, reads, scrna::UmiRule::kDirectional);
  std::vector<std::size_t> order(umis.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return reads[i]; });
  std::vector<std::uint32_t> expected = umis;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (distance(umis[order[i]], umis[order[j]]) != 1 || reads[order[j]] < 2 * reads[order[i]]) continue;
      expected[order[i]] = expected[order[j]];
      break;
    }
  }
  CHECK(directional == expected);
  const auto all = scrna::correct_umis(umis, reads, scrna::UmiRule::k1mmAll);
  for (std::size_t i = 0; i < umis.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (distance(umis[i], umis[j]) == 1) CHECK(all[i] == all[j]);
    }
  }
}

TEST_CASE("molecules of several genes go where single genes are, STARsolo's way") {
  scrna::GeneSets sets;
  const std::vector<std::uint32_t> both = {1, 2}, other = {2, 3};
  const std::uint32_t set = sets.intern(both), set2 = sets.intern(other);
  CHECK(sets.intern(both) == set);
  const auto shares = [&](std::vector<MoleculeReads> records, bool correct) {
    scrna::CountingRules rules;
    rules.expectation_maximisation = true;
    rules.correct_shared = correct;
    scrna::MoleculeSummary summary;
    std::map<std::uint32_t, double> out;
    for (const auto& share : count(std::move(records), summary, rules, sets).shared) out[share.gene] = share.molecules;
    return out;
  };
  // Three of gene 1, one of gene 2: a shared molecule goes three to one, near enough after convergence.
  const std::vector<MoleculeReads> records = {record(1, "AACC", 1), record(1, "CCAA", 1), record(1, "GGTT", 1),
                                              record(2, "TTGG", 1), record(set, "ACAC", 1)};
  const auto part = shares(records, false);
  CHECK(part.at(1) == Approx(0.75).margin(0.01));
  CHECK(part.at(1) + part.at(2) == Approx(1));
  // Reads of one UMI: only the genes they have in common.
  const auto common = shares({record(set, "ACAC", 1), record(set2, "ACAC", 4)}, false);
  CHECK(common.size() == 1);
  CHECK(common.at(2) == Approx(1));
  // A UMI that single genes have is not counted again.
  CHECK(shares({record(1, "ACAC", 1), record(set, "ACAC", 1)}, false).empty());
  // Correction: one substitution from more reads of a gene in common.
  const std::vector<MoleculeReads> wrong = {record(set, "ACAC", 5), record(set2, "ACAA", 1), record(set, "GGGG", 1),
                                            record(1, "GGGT", 3)};
  const auto sum = [](const std::map<std::uint32_t, double>& all) {
    double value = 0;
    for (const auto& [gene, share] : all) value += share;
    return value;
  };
  CHECK(sum(shares(wrong, false)) == Approx(3));
  CHECK(sum(shares(wrong, true)) == Approx(1));
}

TEST_CASE("the store merges equal reads; order, threads and memory do not matter") {
  core::Random random(9);
  std::vector<MoleculeReads> reads;
  for (int i = 0; i < 300000; ++i) {
    reads.push_back({static_cast<std::uint32_t>(random.below(50)), static_cast<std::uint32_t>(random.below(20)),
                     static_cast<std::uint32_t>(random.below(300)) * 977, MoleculeReads::kOneRead});
  }
  const auto matrix_of = [&](unsigned threads, std::uint64_t budget) {
    scrna::MoleculeStore store(budget, std::filesystem::temp_directory_path());
    scrna::MoleculeStore::Scratch scratch;
    for (std::size_t at = 0; at < reads.size(); at += 1000) store.add(std::span(reads).subspan(at, 1000), scratch);
    CHECK(store.spilled() == (budget != scrna::MoleculeStore::kUnlimited));
    scrna::MoleculeSummary summary;
    const auto cells = scrna::count_molecules(store, {}, {}, threads, nullptr, summary);
    CHECK(summary.reads == reads.size());
    CHECK(std::ranges::is_sorted(cells, {}, &scrna::CellCounts::cell));
    std::uint64_t sum = 0;
    for (const auto& cell : cells) sum += cell.reads;
    CHECK(sum == reads.size());
    return scrna::make_matrix(cells, 20, scrna::Layer::kTotal);
  };
  const auto one = matrix_of(1, scrna::MoleculeStore::kUnlimited);
  std::ranges::reverse(reads);
  for (const auto& other : {matrix_of(4, scrna::MoleculeStore::kUnlimited), matrix_of(2, 1)}) {
    CHECK(one.row_start == other.row_start);
    CHECK(one.column == other.column);
    CHECK(one.value == other.value);
  }
}

TEST_CASE("a partition is sorted by cell, gene and UMI and distinct, whatever bits these use") {
  core::Random random(11);
  std::map<std::array<std::uint32_t, 3>, std::uint32_t> expected;
  std::vector<MoleculeReads> reads;
  const std::array<std::uint32_t, 4> cells = {0, 77, 0x00ff1234, 0xfffffff0};
  for (int i = 0; i < 200000; ++i) {
    const std::uint32_t cell = cells[random.below(cells.size())];
    const std::uint32_t gene =
        static_cast<std::uint32_t>(random.below(2000)) | (random.below(4) == 0 ? scrna::GeneSets::kSetBit : 0U);
    const auto umi = static_cast<std::uint32_t>(random.below(5)) * 0x33333331U;
    reads.push_back({cell, gene, umi, MoleculeReads::kOneRead | (1U << random.below(3))});
    std::uint32_t& sum = expected[{cell, gene, umi}];
    sum = (sum + MoleculeReads::kOneRead) | reads.back().evidence();
  }
  scrna::MoleculeStore store;
  scrna::MoleculeStore::Scratch scratch;
  store.add(reads, scratch);
  std::map<std::array<std::uint32_t, 3>, std::uint32_t> found;
  for (std::size_t i = 0; i < scrna::MoleculeStore::kPartitions; ++i) {
    const std::vector<MoleculeReads> records = store.take(i);
    CHECK(std::ranges::is_sorted(
        records, {}, [](const MoleculeReads& record) { return std::array{record.cell, record.gene, record.umi}; }));
    for (const MoleculeReads& record : records)
      CHECK(found.emplace(std::array{record.cell, record.gene, record.umi}, record.reads_and_evidence).second);
  }
  CHECK(found == expected);
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

TEST_CASE("molecules one by one: corrected UMIs with the reads of all that were joined; reads per molecule") {
  scrna::MoleculeSummary summary;
  const auto counts = count({record(3, "AAAAAAAAAACC", 5), record(3, "AAAAAAAAAACG", 1), record(3, "GGTTGGTTGGTT", 1),
                             record(9, "ACACACACACAC", 2)},
                            summary, {.keep_molecules = true});
  REQUIRE(counts.kept.size() == 3);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> kept;
  for (const auto& molecule : counts.kept) kept[{molecule.gene, molecule.umi}] = molecule.reads;
  CHECK(kept.at({3, umi("AAAAAAAAAACC")}) == 6);
  CHECK(kept.at({3, umi("GGTTGGTTGGTT")}) == 1);
  CHECK(kept.at({9, umi("ACACACACACAC")}) == 2);
  CHECK(summary.reads_per_molecule == std::vector<std::uint64_t>{0, 1, 1, 0, 0, 0, 1});
  scrna::MoleculeSummary other = summary;
  other += summary;
  CHECK(other.reads_per_molecule == std::vector<std::uint64_t>{0, 2, 2, 0, 0, 0, 2});
  CHECK(count({record(3, "AAAAAAAAAACC", 5)}, summary).kept.empty());
}

TEST_CASE("the rules of the STARsolo run that wrote a BAM") {
  using scrna::MultiGeneRule;
  using scrna::UmiRule;
  const auto rules = [](const std::string& options) {
    const auto found = scrna::starsolo_rules("@HD\tVN:1.4\n@CO\tuser command line: STAR --soloType CB_UMI_Simple" +
                                             options + "\n@CO\t--soloUMIdedup Exact\n");
    return found ? std::pair(found->umi, found->multi_gene) : std::pair(UmiRule::kExact, MultiGeneRule::kWinner);
  };
  CHECK(rules("") == std::pair(UmiRule::k1mmAll, MultiGeneRule::kKeep));
  CHECK(rules(" --soloUMIdedup 1MM_CR --soloUMIfiltering MultiGeneUMI_CR") ==
        std::pair(UmiRule::k1mmCr, MultiGeneRule::kCorrectedReads));
  CHECK(rules(" --soloUMIfiltering - --soloUMIdedup 1MM_Directional") ==
        std::pair(UmiRule::kDirectional, MultiGeneRule::kKeep));
  CHECK(rules(" --soloUMIfiltering MultiGeneUMI_All --soloUMIdedup Exact") ==
        std::pair(UmiRule::kExact, MultiGeneRule::kKeep));
  CHECK(rules(" --soloUMIfiltering MultiGeneUMI") == std::pair(UmiRule::k1mmAll, MultiGeneRule::kMostReads));
  CHECK(!scrna::starsolo_rules("@CO\tuser command line: STAR --genomeDir x\n"));
  CHECK(!scrna::starsolo_rules("@PG\tID:bwa\n"));
}
