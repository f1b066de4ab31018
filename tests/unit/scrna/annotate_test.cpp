// Cell types, malignant cells, interactions and clonotypes with planted truth (tests/simulate/tumour_matrix.h).
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "io/byte_source.h"
#include "scrna/cell_annotation.h"
#include "scrna/clonotypes.h"
#include "scrna/gene_positions.h"
#include "scrna/ligand_receptor.h"
#include "scrna/malignancy.h"
#include "scrna/shipped_tables.h"
#include "simulate/tumour_matrix.h"
#include "unit/scrna/tumour_truth.h"

using namespace immucan;
using namespace immucan::scrna_test;

namespace {

scrna::CellTypes shipped_types() {
  return scrna::read_cell_types(io::open_memory(scrna::shipped_table("cell_markers.tsv"), "cell_markers.tsv"));
}

}  // namespace

TEST_CASE("shipped tables") {
  const scrna::CellTypes types = shipped_types();
  CHECK(types.types.size() >= 30);
  std::set<std::string> ids;
  for (const scrna::CellType& type : types.types) {
    CHECK(!type.cl_id.empty());
    CHECK(ids.insert(type.cl_id).second);
    CHECK(type.genes.size() >= 4);
  }
  const auto pairs = scrna::read_ligand_receptor(io::open_memory(scrna::shipped_table("ligand_receptor.tsv"), "pairs"));
  CHECK(pairs.size() >= 80);
  for (const char* file : {"cell_markers.tsv", "ligand_receptor.tsv"}) {
    const std::string text(scrna::shipped_table(file));
    CHECK(text.find("doi:10.") != std::string::npos);
  }
  CHECK(scrna::shipped_table("absent.tsv").empty());
}

TEST_CASE("cells get their type") {
  const scrna::CellTypes types = shipped_types();
  double right = 0, wrong = 0, cells = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto set = simulate::simulate_tumour_matrix(
        {.seed = seed, .cells = 800, .further_genes = 1500, .molecules = seed == 1 ? 700.0 : 2500.0});
    const auto annotation = scrna::annotate_cells(set.counts.counts, names_of(set), types, {}, Context());
    for (std::size_t i = 0; i < set.type.size(); ++i) {
      const auto& label = annotation.label[0][i];
      cells += 1;
      right += label && types.types[*label].name == kMajor.at(set.type[i]) ? 1 : 0;
      wrong += label && types.types[*label].name != kMajor.at(set.type[i]) ? 1 : 0;
      if (set.type[i] == "CD8_T" && annotation.label[1][i])
        CHECK(types.types[*annotation.label[1][i]].name == "CD8 T cell");
    }
  }
  CHECK(right / cells >= 0.95);
  CHECK(wrong / cells <= 0.01);
}

TEST_CASE("random marker genes name few cells") {
  const scrna::CellTypes types = shipped_types();
  const auto set = simulate::simulate_tumour_matrix({.seed = 6, .cells = 150, .further_genes = 600, .molecules = 1500});
  std::vector<std::string> names = names_of(set);
  core::Random random(6, 77);
  double named = 0, cells = 0;
  for (int shuffle = 0; shuffle < 40; ++shuffle) {
    random.shuffle(std::span(names));
    const auto annotation = scrna::annotate_cells(set.counts.counts, names, types, {}, Context());
    for (const auto& label : annotation.label[0]) {
      named += label ? 1 : 0;
      cells += 1;
    }
  }
  CHECK(named / cells <= 0.03);
}

TEST_CASE("lower levels keep what is not divided, and nothing is named without genes") {
  const scrna::CellTypes types = shipped_types();
  const auto set = simulate::simulate_tumour_matrix({.seed = 4, .cells = 300, .further_genes = 500});
  const auto annotation = scrna::annotate_cells(set.counts.counts, names_of(set), types, {}, Context(1));
  const auto again = scrna::annotate_cells(set.counts.counts, names_of(set), types, {}, Context(4));
  CHECK(annotation.label == again.label);
  for (std::size_t i = 0; i < set.type.size(); ++i) {
    if (annotation.label[0][i] && types.types[*annotation.label[0][i]].name == "Fibroblast")
      CHECK(annotation.label[2][i] == annotation.label[0][i]);
    if (!annotation.label[0][i]) CHECK_FALSE(annotation.label[2][i]);
  }
  const std::vector<std::string> other(set.counts.features.size(), "none");
  const auto nothing = scrna::annotate_cells(set.counts.counts, other, types, {}, Context());
  CHECK(nothing.without_genes.size() == types.types.size());
  for (const auto& label : nothing.label[0]) CHECK_FALSE(label);
}

TEST_CASE("malignant cells are told from normal epithelium") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const double molecules : {600.0, 2500.0}) {
      INFO("seed " << seed << ", " << molecules << " molecules");
      const auto set = simulate::simulate_tumour_matrix({.seed = seed, .cells = 800, .molecules = molecules});
      const auto result = malignant_of(set);
      REQUIRE(result.assessable);
      CHECK(compare(set, result).f1() >= 0.95);
      CHECK(result.reference_called <= 0.05);
    }
  }
}

TEST_CASE("without copy-number changes no epithelium is malignant") {
  double wrong = 0, normal = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto set = simulate::simulate_tumour_matrix({.seed = seed,
                                                       .cells = 800,
                                                       .molecules = seed == 1 ? 600.0 : 2500.0,
                                                       .malignant = 0,
                                                       .normal_epithelium = 0.3});
    const Hits hits = compare(set, malignant_of(set));
    wrong += hits.wrong;
    normal += hits.normal;
  }
  CHECK(wrong / normal <= 0.05);
}

TEST_CASE("malignancy: all malignant, threads, nothing to compare with") {
  const auto set =
      simulate::simulate_tumour_matrix({.seed = 2, .cells = 600, .malignant = 0.3, .normal_epithelium = 0});
  const auto result = malignant_of(set, 1);
  CHECK_FALSE(result.own_baseline);
  CHECK(compare(set, result).f1() >= 0.95);
  const auto again = malignant_of(set, 4);
  for (std::size_t i = 0; i < set.type.size(); ++i) {
    if (set.malignant[i]) CHECK(result.probability[i] == again.probability[i]);
  }
  const auto few = simulate::simulate_tumour_matrix({.seed = 2, .cells = 15, .further_genes = 200});
  CHECK_FALSE(malignant_of(few).assessable);
}

TEST_CASE("planted pairs are found, others are not") {
  double called = 0, wrong = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto set = simulate::simulate_tumour_matrix(
        {.seed = seed, .cells = 800, .further_genes = 1500, .molecules = seed == 1 ? 700.0 : 2500.0});
    const Typed cells = typed(set);
    const auto pairs = pairs_of(set);
    const auto result = scrna::score_interactions(set.counts.counts, names_of(set), cells.type, cells.names.size(),
                                                  pairs, {}, Context());
    const Found found = compare(result, pairs, cells.names, planted_names(set));
    called += found.found + found.wrong;
    wrong += found.wrong;
    CHECK(found.found == found.planted);
  }
  CHECK(wrong / called <= 0.05);
}

TEST_CASE("p of interactions holds its level") {
  double low = 0, tested = 0, one_low = 0, one = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const auto set =
        simulate::simulate_tumour_matrix({.seed = seed, .cells = 600, .further_genes = 500, .molecules = 800});
    const Typed cells = typed(set);
    // One side is true: the planted ligand in its sender, any other receiver.
    const auto pairs = pairs_of(set);
    const auto whole = scrna::score_interactions(set.counts.counts, names_of(set), cells.type, cells.names.size(),
                                                 pairs, {.permutations = 500}, Context());
    for (const auto& row : whole.tested) {
      const simulate::PlantedPair& pair = set.pairs[row.pair];
      if (pair.sender.empty() || cells.names[row.sender] != pair.sender || cells.names[row.receiver] == pair.receiver)
        continue;
      one += 1;
      one_low += row.p <= 0.05 ? 1 : 0;
    }
    auto shuffled = cells.type;
    core::Random random(seed, 3);
    random.shuffle(std::span(shuffled));
    const auto result = scrna::score_interactions(set.counts.counts, names_of(set), shuffled, cells.names.size(), pairs,
                                                  {.permutations = 500}, Context());
    for (const auto& row : result.tested) {
      tested += 1;
      low += row.p <= 0.05 ? 1 : 0;
      CHECK_FALSE(row.called);
    }
  }
  REQUIRE(tested > 1000);
  CHECK(low / tested <= 0.06);
  CHECK(one_low / one <= 0.08);
}

TEST_CASE("the subunits of a complex are all needed; threads do not matter") {
  const auto set = simulate::simulate_tumour_matrix({.seed = 5, .cells = 400, .further_genes = 300});
  const Typed cells = typed(set);
  const std::vector<scrna::LigandReceptor> pairs = {
      {{"LIG01"}, {"REC01"}}, {{"LIG01"}, {"REC01", "REC39"}}, {{"LIG01"}, {"ABSENT"}}};
  const auto run = [&](unsigned threads) {
    return scrna::score_interactions(set.counts.counts, names_of(set), cells.type, cells.names.size(), pairs,
                                     {.permutations = 300}, Context(threads));
  };
  const auto one = run(1), four = run(4);
  REQUIRE(one.tested.size() == four.tested.size());
  std::map<std::pair<std::size_t, std::size_t>, double> simple;
  for (std::size_t i = 0; i < one.tested.size(); ++i) {
    const auto& row = one.tested[i];
    CHECK(row.p == four.tested[i].p);
    CHECK(row.pair != 2);
    if (row.pair == 0) simple[{row.sender, row.receiver}] = row.p;
    if (row.pair == 1) CHECK(row.p >= simple.at({row.sender, row.receiver}));
  }
}

TEST_CASE("clonotypes of cells") {
  const auto read = [](std::string_view text) { return scrna::read_clonotypes(io::open_memory(text, "airr.tsv")); };
  const auto found = read(
      "cell_id\tlocus\tv_call\tj_call\tjunction_aa\tproductive\tduplicate_count\n"
      "A\tTRA\tTRAV1*01\tTRAJ1\tCAVF\tT\t9\nA\tTRB\tTRBV7-2*01,TRBV7-3*01\tTRBJ1-1\tCASSF\tT\t5\nA\tTRB\tTRBV2\tTRBJ1-"
      "1\tCASRF\tT\t7\n"
      "A\tIGH\tIGHV1\tIGHJ1\tCARW\tT\t2\nB\tTRB\tTRBV2*02\tTRBJ1-1\tCASRF\tF\t7\nC\tTRA\tTRAV1*"
      "02\tTRAJ1\tCAVF\tT\t1\n");
  CHECK(found.rows == 6);
  CHECK(found.unproductive == 1);
  CHECK(found.of_cell.at("A").size() == 2);
  CHECK(found.of_cell.at("A")[0].clonotype == "TRB:TRBV2:TRBJ1-1:CASRF");
  CHECK(found.of_cell.at("A")[1].clonotype == "IGH:IGHV1:IGHJ1:CARW");
  CHECK_FALSE(found.of_cell.contains("B"));
  CHECK(found.of_cell.at("C")[0].clonotype == "TRA:TRAV1:TRAJ1:CAVF");
  CHECK(read("cell_id\tlocus\tclone_id\nA\tTRB\tk1\nA\tTRA\tk1\n").of_cell.at("A")[0].clonotype == "k1");
  const auto summary = scrna::summarise_clonotypes({"a", "a", "a", "b"});
  CHECK(summary.clonotypes == 2);
  CHECK(summary.expanded_cells == 3);
  CHECK(*summary.clonality == Approx(1 - 0.5623351446 / 0.6931471806).epsilon(1e-8));
  CHECK_FALSE(scrna::summarise_clonotypes({"a"}).clonality);
}

TEST_CASE("broken tables are refused") {
  const auto types = [](std::string_view text) { (void)scrna::read_cell_types(io::open_memory(text, "t")); };
  for (const char* broken :
       {"", "cell_type\nT\n", "cell_type\tgene\n", "cell_type\tgene\nT\tNA\n", "cell_type\tgene\nNA\tA\n",
        "cell_type\tgene\nT\tA\nT\tA\n", "cell_type\tgene\tweight\nT\tA\t0\n", "cell_type\tgene\tweight\nT\tA\tx\n",
        "cell_type\tgene\tweight\nT\tA\t-1\n", "cell_type\tgene\tlevel\nT\tA\tmiddle\n",
        "cell_type\tgene\tlevel\nT\tA\tminor\n", "cell_type\tgene\tcl_id\nT\tA\tCL:84\n",
        "cell_type\tgene\tcompartment\nT\tA\tblood\n", "cell_type\tgene\nunassigned\tA\n",
        "cell_type\tgene\tparent\nT\tA\tX\n", "cell_type\tgene\tparent\nT\tA\tT\n",
        "cell_type\tgene\tcl_id\nT\tA\tCL:0000084\nT\tB\tCL:0000085\n"}) {
    INFO(broken);
    CHECK_THROWS_AS(types(broken), core::Error);
  }
  const auto pairs = [](std::string_view text) { (void)scrna::read_ligand_receptor(io::open_memory(text, "p")); };
  for (const char* broken :
       {"", "ligand\nA\n", "ligand\treceptor\n", "ligand\treceptor\nA\tNA\n", "ligand\treceptor\nA\tB+\n",
        "ligand\treceptor\nA\tB+B\n", "ligand\treceptor\nA\tB\nA\tB\n"}) {
    INFO(broken);
    CHECK_THROWS_AS(pairs(broken), core::Error);
  }
  const auto airr = [](std::string_view text) { (void)scrna::read_clonotypes(io::open_memory(text, "a")); };
  for (const char* broken :
       {"", "cell_id\tlocus\nA\tTRB\n", "cell_id\tlocus\tjunction_aa\n", "cell_id\tlocus\tjunction_aa\nNA\tTRB\tC\n",
        "cell_id\tlocus\tjunction_aa\nA\tTRX\tC\n", "cell_id\tlocus\tjunction_aa\tproductive\nA\tTRB\tC\tmaybe\n",
        "cell_id\tlocus\tjunction_aa\tumi_count\nA\tTRB\tC\tmany\n",
        "cell_id\tlocus\tclone_id\nA\tTRB\t1\nA\tTRA\t2\n"}) {
    INFO(broken);
    CHECK_THROWS_AS(airr(broken), core::Error);
  }
  const auto places = [](std::string_view text) { (void)scrna::read_gene_positions(io::open_memory(text, "g")); };
  for (const char* broken :
       {"", "gene\tchromosome\nA\t1\n", "gene\tchromosome\tstart\n", "gene\tchromosome\tstart\nA\t1\t-5\n",
        "gene\tchromosome\tstart\nA\tNA\t5\n", "gene\tchromosome\tstart\nA\t1\t5\nA\t1\t6\n"}) {
    INFO(broken);
    CHECK_THROWS_AS(places(broken), core::Error);
  }
  CHECK(scrna::read_gene_positions(io::open_memory("gene\tchromosome\tstart\nA\tchr1\t5\n", "g")).at("A").start == 5);
}
