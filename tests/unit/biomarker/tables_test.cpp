// Gene sets and expression tables: what is read, and thirty files that must not be.
#include <catch2/catch.hpp>
#include <cmath>

#include "biomarker_helpers.h"
#include "core/random.h"
#include "core/text.h"
#include "io/gmt.h"
#include "io/matrix_table.h"

using namespace immucan;

namespace {
io::GeneSets sets_of(std::string_view text) {
  return io::read_gene_sets(io::open_memory(text, "s.gmt"));
}
io::MatrixTable matrix_of(std::string_view text) {
  return io::read_matrix_table(io::open_memory(text, "e.tsv"));
}
}  // namespace

TEST_CASE("GMT: sets, repeated genes, comments, empty fields at the end", "[gmt]") {
  const auto sets = sets_of("# exported\nA\tfirst\tCD8A\tGZMB\tCD8A\t\t\r\n\nB\t\tIFNG");
  REQUIRE(sets.sets.size() == 2);
  CHECK(sets.sets[0].genes == std::vector<std::string>{"CD8A", "GZMB"});
  CHECK(sets.sets[0].description == "first");
  CHECK(sets.sets[1].genes == std::vector<std::string>{"IFNG"});
  CHECK(sets.repeated_genes == 1);
}

TEST_CASE("gene sets as a long table", "[gmt]") {
  const auto sets = sets_of("gene\tset\nCD8A\tA\nIFNG\tB\nGZMB\tA\nCD8A\tA\n");
  REQUIRE(sets.sets.size() == 2);
  CHECK(sets.sets[0].genes == std::vector<std::string>{"CD8A", "GZMB"});
  CHECK(sets.repeated_genes == 1);
}

TEST_CASE("GMT: broken files name file and line", "[gmt]") {
  const auto bad = [](std::string_view text, std::initializer_list<std::string_view> fragments) {
    INFO(text);
    test::expect_error([&] { (void)sets_of(text); }, core::Status::kBadInput, fragments);
  };
  bad("", {"s.gmt", "no gene set"});
  bad("\n\n# only a comment\n", {"s.gmt", "no gene set"});
  bad("A\n", {"s.gmt:1", "1 column where"});
  bad("A\tx\tCD8A\nB\tx\n", {"s.gmt:2", "2 columns where"});
  bad("A,x,CD8A\n", {"s.gmt:1", "tabs"});
  bad("\tx\tCD8A\n", {"s.gmt:1:1", "missing"});
  bad("NA\tx\tCD8A\n", {"s.gmt:1:1", "NA is not an id"});
  bad("A\tx\tCD8A\nA\ty\tIFNG\n", {"s.gmt:2:1", "'A' occurs twice"});
  bad("A\tx\tCD8A\t\tIFNG\n", {"s.gmt:1:4", "missing"});
  bad("A\tx\tCD8A\tNA\n", {"s.gmt:1:4", "missing"});
  bad(std::string_view("A\tx\tCD\0A\n", 9), {"s.gmt:1:3", "control character"});
  bad("A\tx\t\t\t\n", {"s.gmt:1", "2 columns where"});
  bad("set\tgene\nA\n", {"s.gmt:2", "1 columns where the header has 2"});
  bad("set\tgene\n\tCD8A\n", {"s.gmt:2:1", "missing"});
  bad("set\tgene\n", {"no gene set"});
  bad("\x1f\x8b\x08", {"s.gmt"});
}

TEST_CASE("expression table: numbers of every spelling, GCT, line ends", "[matrix]") {
  const auto table = matrix_of("gene\tP1\tP2\r\nA\t1\t-2.5\r\nB\t1e-3\t0.1\nC\t123456789012345678901234567890\t-0");
  REQUIRE(table.rows() == 3);
  CHECK(table.column_names == std::vector<std::string>{"P1", "P2"});
  CHECK(table.row(0)[1] == -2.5);
  CHECK(table.row(1)[0] == 1e-3);
  CHECK(table.row(1)[1] == 0.1);
  CHECK(table.row(2)[0] == 123456789012345678901234567890.0);
  CHECK(std::signbit(table.row(2)[1]));
  const auto gct = matrix_of("#1.2\n1\t2\nName\tDescription\tP1\tP2\nA\tna\t1\t2\n");
  CHECK(gct.columns() == 2);
  CHECK(gct.row(0)[1] == 2);
}

TEST_CASE("expression table: fast numbers are the correctly rounded ones", "[matrix]") {
  core::Random random(2);
  std::vector<std::string> texts;
  std::string all = "g\ts";
  for (int round = 0; round < 20000; ++round) {
    std::string& text = texts.emplace_back(random.bernoulli(0.3) ? "-" : "");
    const auto digits = 1 + random.below(20);
    const auto point = random.below(digits + 1);
    for (std::uint64_t i = 0; i < digits; ++i) {
      if (i == point && i > 0) text += '.';
      text += static_cast<char>('0' + random.below(10));
    }
    all += "\nG" + std::to_string(round) + "\t" + text;
  }
  const auto table = matrix_of(all);
  for (std::size_t row = 0; row < texts.size(); ++row) {
    if (table.row(row)[0] != core::parse_double(texts[row])) FAIL(texts[row]);
  }
  SUCCEED();
}

TEST_CASE("expression table: many blocks, the same as written", "[matrix]") {
  std::string text = "gene";
  constexpr int kColumns = 300, kRows = 1500;
  for (int i = 0; i < kColumns; ++i) text += "\tS" + std::to_string(i);
  for (int r = 0; r < kRows; ++r) {
    text += "\nG" + std::to_string(r);
    for (int i = 0; i < kColumns; ++i) text += '\t' + std::to_string((r * 7919 + i * 31) % 1000) + ".25";
  }
  const auto table = matrix_of(text);
  REQUIRE(table.rows() == kRows);
  bool same = true;
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kColumns; ++i) {
      same = same &&
             table.row(static_cast<std::size_t>(r))[static_cast<std::size_t>(i)] == (r * 7919 + i * 31) % 1000 + 0.25;
    }
  }
  CHECK(same);
}

TEST_CASE("expression table: broken files name file, place and value", "[matrix]") {
  const auto bad = [](std::string_view text, std::initializer_list<std::string_view> fragments) {
    INFO(text);
    test::expect_error([&] { (void)matrix_of(text); }, core::Status::kBadInput, fragments);
  };
  bad("", {"e.tsv", "empty"});
  bad("gene\n", {"e.tsv:1", "no sample"});
  bad("gene,P1\nA,1\n", {"e.tsv:1", "tabs"});
  bad("gene\tP1\n", {"e.tsv", "no rows"});
  bad("gene\tP1\tP1\nA\t1\t2\n", {"e.tsv:1:3", "'P1' occurs twice"});
  bad("gene\tP1\tNA\nA\t1\t2\n", {"e.tsv:1:3", "missing"});
  bad("gene\tP1\tP2\nA\t1\t2\nA\t1\t2\n", {"e.tsv:3:1", "'A' occurs twice", "line 2"});
  bad("gene\tP1\tP2\n\t1\t2\n", {"e.tsv:2:1", "missing"});
  bad("gene\tP1\tP2\nA\t1\n", {"e.tsv:2", "2 fields where the header has 3"});
  bad("gene\tP1\tP2\nA\t1\t2\t3\n", {"e.tsv:2", "4 fields where the header has 3"});
  bad("gene\tP1\tP2\nA\t1\thigh\n", {"e.tsv:2:3", "'high' of P2 is not a number"});
  bad("gene\tP1\tP2\nA\t1\tNA\n", {"e.tsv:2:3", "missing value"});
  bad("gene\tP1\tP2\nA\t\t2\n", {"e.tsv:2:2", "missing value"});
  bad("gene\tP1\tP2\nA\t1\tnan\n", {"e.tsv:2:3", "not a finite value"});
  bad("gene\tP1\tP2\nA\tinf\t2\n", {"e.tsv:2:2", "not a finite value"});
  bad("gene\tP1\tP2\nA\t1e400\t2\n", {"e.tsv:2:2", "'1e400'"});
  bad("gene\tP1\tP2\nA\t1,5\t2\n", {"e.tsv:2:2", "'1,5'"});
  bad("gene\tP1\tP2\nA\t1 \t2\n", {"e.tsv:2:2", "'1 '"});
  bad("gene\tP1\tP2\nA", {"e.tsv:2", "1 fields where the header has 3"});
  bad("#1.2\n", {"e.tsv:1", "GCT"});
}
