// Cell calling, doublets and ambient RNA on simulated droplets with planted truth.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "scrna/ambient.h"
#include "scrna/barcode_ranks.h"
#include "scrna/cell_calling.h"
#include "scrna/count_matrix.h"
#include "scrna/doublets.h"
#include "scrna/empty_drops.h"
#include "scrna/good_turing.h"
#include "simulate/tumour_matrix.h"
#include "unit/scrna/tumour_truth.h"

using namespace immucan;
using namespace immucan::scrna_test;

TEST_CASE("cells of much and little RNA are told from empty droplets") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    INFO("seed " << seed);
    const auto set = simulate::simulate_tumour_matrix(
        {.seed = seed, .cells = 400, .empty = 6000, .further_genes = 1500, .molecules = 4000, .poor_share = 0.3});
    const Called result = call(set);
    CHECK(result.recall() >= 0.99);
    CHECK(result.precision() >= 0.99);
    CHECK(result.by_molecules < 350);  // the poor ones are found by their profile or size
  }
}

TEST_CASE("1,500 cells of 16,500 droplets") {
  const auto set = simulate::simulate_tumour_matrix(
      {.seed = 4, .cells = 1500, .empty = 15000, .further_genes = 1500, .molecules = 3000, .poor_share = 0.2});
  const Called result = call(set);
  CHECK(result.recall() >= 0.99);
  CHECK(result.precision() >= 0.99);
}

TEST_CASE("p-values of empty droplets are those of their own ambient profile") {
  const auto set = simulate::simulate_tumour_matrix({.seed = 2, .cells = 200, .empty = 6000, .further_genes = 1000});
  const Context context;
  const auto totals = scrna::barcode_totals(set.counts.counts);
  const auto first = scrna::call_cells(totals.molecules, std::nullopt);
  const auto more =
      scrna::empty_drops(set.counts.counts, totals.molecules, first.cells, {.least_molecules = 60}, context);
  double empty = 0, low = 0;
  for (const auto& candidate : more.candidates) {
    if (set.droplet[candidate.barcode] != simulate::Droplet::kEmpty) continue;
    empty += 1;
    low += candidate.p <= 0.05 ? 1 : 0;
  }
  REQUIRE(empty > 1000);
  // The estimated profile is not the true one: the plain multinomial rejects a little too often (Lun et al. 2019).
  CHECK(low / empty < 0.09);
  CHECK(low / empty > 0.03);
}

TEST_CASE("emptydrops is the same for any number of threads, and without empty droplets calls nothing") {
  const auto set = simulate::simulate_tumour_matrix(
      {.seed = 3, .cells = 100, .empty = 1000, .further_genes = 300, .poor_share = 0.5});
  const auto totals = scrna::barcode_totals(set.counts.counts);
  const auto first = scrna::call_cells(totals.molecules, std::nullopt);
  const auto one = scrna::empty_drops(set.counts.counts, totals.molecules, first.cells, {}, Context(1));
  const auto four = scrna::empty_drops(set.counts.counts, totals.molecules, first.cells, {}, Context(4));
  REQUIRE(one.candidates.size() == four.candidates.size());
  for (std::size_t i = 0; i < one.candidates.size(); ++i) CHECK(one.candidates[i].p == four.candidates[i].p);
  std::vector<std::size_t> all(set.counts.barcodes.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  CHECK(scrna::empty_drops(set.counts.counts, totals.molecules, all, {}, Context(1)).cells.empty());
}

TEST_CASE("the rule of Cell Ranger in data of its size") {
  // 50,000 barcodes: ambient ranks from 45,000 on are scaled, least molecules are not.
  std::vector<std::uint64_t> molecules(50000, 5);
  std::fill_n(molecules.begin(), 1000, 5000);
  io::CsrMatrix counts;
  counts.rows = molecules.size();
  counts.columns = 20;
  for (std::size_t i = 0; i < molecules.size(); ++i) {
    counts.column.push_back(static_cast<std::int32_t>(i % 20));
    counts.value.push_back(static_cast<float>(molecules[i]));
    counts.row_start.push_back(static_cast<std::int64_t>(counts.column.size()));
  }
  std::vector<std::size_t> called(1000);
  std::iota(called.begin(), called.end(), std::size_t{0});
  const auto result = scrna::empty_drops(counts, molecules, called, {}, Context(1));
  CHECK(result.least_molecules == 500);
  CHECK(result.ambient_first == 1000 + 49000 / 4);
  CHECK(result.ambient_last == 50000);
  CHECK(result.candidates.empty());
}

TEST_CASE("Simple Good-Turing: Gale and Sampson's example") {
  // The prosody data of their paper (table 1): r and the number of items that have it; N = 30902, and p(1), p(2), p(3),
  // p(1918) of their table 2 with N1/N for what was never seen.
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> rows = {
      {1, 120},  {2, 40},   {3, 24},   {4, 13},   {5, 15},   {6, 5},    {7, 11},   {8, 2},   {9, 2},
      {10, 1},   {12, 3},   {14, 2},   {15, 1},   {16, 1},   {17, 3},   {19, 1},   {20, 3},  {21, 2},
      {23, 3},   {24, 3},   {25, 3},   {26, 2},   {27, 2},   {28, 1},   {31, 2},   {32, 2},  {33, 1},
      {34, 2},   {36, 2},   {41, 3},   {43, 1},   {45, 3},   {46, 1},   {47, 1},   {50, 1},  {71, 1},
      {84, 1},   {101, 1},  {105, 1},  {121, 1},  {124, 1},  {146, 1},  {162, 1},  {193, 1}, {199, 1},
      {224, 1},  {226, 1},  {254, 1},  {257, 1},  {339, 1},  {421, 1},  {456, 1},  {481, 1}, {483, 1},
      {1140, 1}, {1256, 1}, {1322, 1}, {1530, 1}, {2131, 1}, {2395, 1}, {6925, 1}, {7846, 1}};
  std::vector<std::uint64_t> counts(10, 0);
  for (const auto& [r, items] : rows) counts.insert(counts.end(), items, r);
  REQUIRE(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 30902);
  const auto p = scrna::good_turing(counts);
  CHECK(std::accumulate(p.begin(), p.end(), 0.0) == Approx(1).epsilon(1e-12));
  CHECK(p[0] * 10 == Approx(0.003883).epsilon(2e-4));
  CHECK(p[10] * 30902 == Approx(0.7628).epsilon(2e-3));       // r* of 1
  CHECK(p[10 + 120] * 30902 == Approx(1.706).epsilon(2e-3));  // of 2
  CHECK(p[10 + 160] * 30902 == Approx(2.679).epsilon(3e-3));  // of 3
  CHECK(p.back() * 30902 == Approx(7839).epsilon(1e-3));
  CHECK(scrna::good_turing(std::vector<std::uint64_t>{0, 0}).empty());
  const auto few = scrna::good_turing(std::vector<std::uint64_t>{0, 3, 3});
  CHECK(few[0] == Approx(1.0 / 9));
}

TEST_CASE("knee and inflection of a step") {
  std::vector<std::uint64_t> molecules;
  for (std::uint64_t i = 0; i < 500; ++i) molecules.push_back(10000 - 10 * i);
  for (std::uint64_t i = 0; i < 3000; ++i) molecules.push_back(400 - i / 20);
  const auto ranks = scrna::barcode_ranks(molecules);
  REQUIRE(ranks);
  CHECK(ranks->inflection == 5010);
  CHECK(ranks->knee >= 5010);
  CHECK_FALSE(scrna::barcode_ranks(std::vector<std::uint64_t>{500, 500, 3}));
}

TEST_CASE("doublets of two kinds are found, and their scores are probabilities") {
  double expected = 0, planted = 0;
  for (const std::uint64_t seed : {1, 2}) {
    INFO("seed " << seed);
    const auto set = simulate::simulate_tumour_matrix(
        {.seed = seed, .cells = 1000, .further_genes = 1500, .molecules = 2000, .doublets = 0.08});
    const auto result = scrna::score_doublets(set.counts.counts, {}, Context());
    double called = 0, right = 0, mixed = 0, mixed_right = 0;
    for (std::size_t i = 0; i < set.droplet.size(); ++i) {
      const bool doublet = set.droplet[i] == simulate::Droplet::kDoublet;
      const bool two_kinds = doublet && set.type[i] != set.second_type[i];
      planted += doublet ? 1 : 0;
      mixed += two_kinds ? 1 : 0;
      called += result.called[i];
      right += doublet && result.called[i] != 0 ? 1 : 0;
      mixed_right += two_kinds && result.called[i] != 0 ? 1 : 0;
      expected += result.scores[i];
    }
    CHECK(mixed_right / mixed >= 0.9);
    CHECK(right / called >= 0.95);
    CHECK(result.rate == Approx(0.08).margin(0.03));
  }
  CHECK(expected == Approx(planted).epsilon(0.15));
}

TEST_CASE("few doublets are called where there are none; few cells get no score") {
  const auto set = simulate::simulate_tumour_matrix({.seed = 8, .cells = 800, .further_genes = 800, .molecules = 2000});
  const auto result = scrna::score_doublets(set.counts.counts, {}, Context());
  CHECK(std::accumulate(result.called.begin(), result.called.end(), 0.0) <= 0.01 * 800);
  const auto few = simulate::simulate_tumour_matrix({.seed = 8, .cells = 20, .further_genes = 100});
  CHECK(scrna::score_doublets(few.counts.counts, {}, Context()).scores == std::vector<double>(20, 0.0));
}

TEST_CASE("the share of ambient RNA in cells") {
  for (const double planted : {0.02, 0.1}) {
    const auto set = simulate::simulate_tumour_matrix(
        {.seed = 5, .cells = 800, .further_genes = 1500, .molecules = 2000, .ambient = planted});
    const Context context;
    const auto estimate =
        scrna::estimate_ambient(set.counts.counts, scrna::coarse_clusters(set.counts.counts, context), set.ambient);
    CHECK(estimate.fraction == Approx(planted).margin(0.015));
    CHECK(estimate.evidence > 100);
  }
}

TEST_CASE("features by type, barcodes by row") {
  io::TenxMatrix matrix{{"AA", "CC"}, {{"g1", "G1"}, {"t1", "T1", "Antibody Capture"}, {"g2", "G2"}}, {}};
  matrix.counts.rows = 2;
  matrix.counts.columns = 3;
  matrix.counts.row_start = {0, 2, 4};
  matrix.counts.column = {0, 1, 1, 2};
  matrix.counts.value = {1, 2, 3, 4};
  const auto genes = scrna::features_of_type(matrix, scrna::kGeneExpression);
  CHECK(genes.counts.column == std::vector<std::int32_t>{0, 1});
  CHECK(genes.counts.value == std::vector<float>{1, 4});
  CHECK(genes.features[1].id == "g2");
  const auto totals = scrna::barcode_totals(matrix.counts);
  CHECK(totals.molecules == std::vector<std::uint64_t>{3, 7});
  CHECK(scrna::feature_types(matrix).size() == 2);
  CHECK(scrna::select_barcodes(matrix, std::vector<std::size_t>{1}).barcodes == std::vector<std::string>{"CC"});
}
