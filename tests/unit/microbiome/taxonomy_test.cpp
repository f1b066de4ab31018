#include "microbiome/taxonomy.h"

#include <catch2/catch.hpp>
#include <string>

#include "core/error.h"
#include "io/byte_source.h"

using namespace immucan;
using microbiome::Taxonomy;

namespace {

const std::string kNodes =
    "1\t|\t1\t|\tno rank\t|\t\t|\n"
    "2\t|\t1\t|\tsuperkingdom\t|\t\t|\n"
    "20\t|\t2\t|\tgenus\t|\t\t|\n"
    "200\t|\t20\t|\tspecies\t|\t\t|\n"
    "201\t|\t20\t|\tspecies\t|\t\t|\n"
    "2000\t|\t200\t|\tstrain\t|\t\t|\n";
const std::string kNames =
    "1\t|\troot\t|\t\t|\tscientific name\t|\n"
    "2\t|\tBacteria\t|\tBacteria <bacteria>\t|\tscientific name\t|\n"
    "2\t|\teubacteria\t|\t\t|\tgenbank common name\t|\n"
    "20\t|\tAkkermansia\t|\t\t|\tscientific name\t|\n"
    "200\t|\tAkkermansia muciniphila\t|\t\t|\tscientific name\t|\n"
    "2000\t|\tstrain x\t|\t\t|\tscientific name\t|\n";

Taxonomy nodes(const std::string& text) {
  return microbiome::read_nodes(io::open_memory(text, "nodes.dmp"));
}

/// The message of the Error of status 65 that `action` must throw.
template <class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace

TEST_CASE("a dump is read as a tree with names, ranks and merged taxids") {
  Taxonomy taxonomy = nodes(kNodes);
  microbiome::read_names(io::open_memory(kNames), taxonomy);
  microbiome::read_merged(io::open_memory("7\t|\t200\t|\n"), taxonomy);
  REQUIRE(taxonomy.size() == 6);
  CHECK(taxonomy[0].taxid == 1);
  const auto strain = taxonomy.find(2000).value(), species = taxonomy.find(200).value();
  CHECK(taxonomy[species].name == "Akkermansia muciniphila");
  CHECK(taxonomy[species].rank == "species");
  CHECK(taxonomy[strain].parent == species);
  CHECK(taxonomy.depth(strain) == 4);
  CHECK(taxonomy.find(7) == species);
  CHECK_FALSE(taxonomy.find(8).has_value());
  CHECK(taxonomy[taxonomy.find(201).value()].name == "taxid 201");  // no scientific name given
  CHECK(taxonomy.ancestor_of_rank(strain, "genus") == taxonomy.find(20));
  CHECK_FALSE(taxonomy.ancestor_of_rank(strain, "phylum").has_value());
  CHECK(taxonomy.lowest_common_ancestor(strain, taxonomy.find(201).value()) == taxonomy.find(20));
  CHECK(taxonomy.lowest_common_ancestor(strain, species) == species);
}

TEST_CASE("the order of the nodes does not matter, and the root may come last") {
  const Taxonomy taxonomy = nodes(
      "2000 | 200 | strain |\n200 | 20 | species |\n20 | 2 | genus |\n2 | 1 | superkingdom |\n1 | 1 | no rank |\n");
  CHECK(taxonomy[0].taxid == 1);
  auto at = taxonomy.find(2000).value();
  std::string path;
  while (at != 0) {
    path += std::to_string(taxonomy[at].taxid) + " ";
    at = taxonomy[at].parent;
  }
  CHECK(path == "2000 200 20 2 ");
  CHECK(taxonomy.depth(taxonomy.find(2000).value()) == 4);
}

TEST_CASE("rank codes are Kraken's") {
  Taxonomy taxonomy = nodes(kNodes + "3\t|\t2\t|\tclade\t|\n4\t|\t3\t|\tno rank\t|\n");
  const auto codes = microbiome::rank_codes(taxonomy);
  const auto code = [&](std::uint64_t taxid) { return codes[taxonomy.find(taxid).value()]; };
  CHECK(code(1) == "R");
  CHECK(code(2) == "D");
  CHECK(code(3) == "D1");
  CHECK(code(4) == "D2");
  CHECK(code(20) == "G");
  CHECK(code(200) == "S");
  CHECK(code(2000) == "S1");
}

TEST_CASE("broken nodes.dmp: file, line and value are named") {
  struct Case {
    std::string text, expected;
  };
  const std::vector<Case> cases{
      {"", "there is no node"},
      {kNodes + "x\t|\t1\t|\tgenus\t|\n", "nodes.dmp:7: the taxid 'x' is not a positive integer"},
      {kNodes + "0\t|\t1\t|\tgenus\t|\n", "nodes.dmp:7: the taxid '0'"},
      {kNodes + "-5\t|\t1\t|\tgenus\t|\n", "nodes.dmp:7: the taxid '-5'"},
      {kNodes + "99999999999999999999\t|\t1\t|\tgenus\t|\n", "nodes.dmp:7: the taxid '99999999999999999999'"},
      {kNodes + "9\t|\t\t|\tgenus\t|\n", "nodes.dmp:7: the parent taxid ''"},
      {kNodes + "9\t|\t1\t|\t\t|\n", "nodes.dmp:7: the rank ''"},
      {kNodes + "9\t|\t1\n", "nodes.dmp:7: 2 field(s)"},
      {kNodes + "9 1 genus\n", "nodes.dmp:7: 1 field(s)"},
      {kNodes + "200\t|\t2\t|\tspecies\t|\n", "nodes.dmp:7: the taxid 200 appears a second time"},
      {kNodes + "9\t|\t77\t|\tspecies\t|\n", "nodes.dmp:7: the parent 77 of taxid 9 is not in the file"},
      {kNodes + "9\t|\t9\t|\tno rank\t|\n", "nodes.dmp:7: a second root, 9 besides 1"},
      {kNodes + "8\t|\t9\t|\tgenus\t|\n9\t|\t8\t|\tgenus\t|\n", "is its own ancestor, a cycle"},
      {"5\t|\t6\t|\tgenus\t|\n6\t|\t5\t|\tgenus\t|\n", "there is no root"},
      {kNodes + std::string("9\t|\t1\t|\t") + std::string(100, 'r') + "\t|\n", "is empty or too long"},
      {std::string("\0\1\2binary", 9) + "\n", "nodes.dmp:1: 1 field(s)"}};
  for (const auto& [text, expected] : cases) {
    const std::string message = message_of([&] { (void)nodes(text); });
    INFO(message);
    CHECK(message.find(expected) != std::string::npos);
    CHECK(message.find("nodes.dmp") != std::string::npos);
  }
}

TEST_CASE("broken names.dmp and merged.dmp") {
  const auto names = [](const std::string& text) {
    return message_of([&] {
      Taxonomy taxonomy = nodes(kNodes);
      microbiome::read_names(io::open_memory(text, "names.dmp"), taxonomy);
    });
  };
  CHECK(names("") == "names.dmp: there is no line of class 'scientific name'. Give NCBI's names.dmp.");
  CHECK(names("1\t|\troot\n").find("names.dmp:1: 2 field(s)") == 0);
  CHECK(names("x\t|\troot\t|\t\t|\tscientific name\t|\n").find("names.dmp:1: the taxid 'x'") == 0);
  CHECK(names("5\t|\troot\t|\t\t|\tscientific name\t|\n").find("names.dmp:1: the taxid 5 is not in nodes.dmp") == 0);
  CHECK(names("1\t|\t\t|\t\t|\tscientific name\t|\n").find("names.dmp:1: the scientific name of taxid 1 is empty") ==
        0);
  CHECK(names(kNames + "2\t|\tB\t|\t\t|\tscientific name\t|\n").find("names.dmp:7: a second scientific name") == 0);
  const auto merged = [](const std::string& text) {
    return message_of([&] {
      Taxonomy taxonomy = nodes(kNodes);
      microbiome::read_merged(io::open_memory(text, "merged.dmp"), taxonomy);
    });
  };
  CHECK(merged("7\n").find("merged.dmp:1: less than two fields") == 0);
  CHECK(merged("y\t|\t2\t|\n").find("merged.dmp:1: the old taxid 'y'") == 0);
  CHECK(merged("7\t|\t8\t|\n").find("merged.dmp:1: the new taxid 8 is not in nodes.dmp") == 0);
  CHECK(merged("200\t|\t201\t|\n").find("merged.dmp:1: the old taxid 200 is still a node") == 0);
  CHECK(merged("7\t|\t2\t|\n7\t|\t20\t|\n").find("merged.dmp:2: the old taxid 7 appears a second time") == 0);
}

TEST_CASE("genome tables") {
  const auto read = [](const std::string& text) {
    return microbiome::read_genome_taxa(io::open_memory(text, "g.tsv"));
  };
  const auto table = read("genome\tgenome_taxid\tspecies_id\nA\t5\t4\nB\tNA\t4\n");
  CHECK(table.at("A").taxid == 5);
  CHECK(table.at("B").taxid == 0);
  CHECK(table.at("B").species_taxid == 4);
  CHECK(read("genome\ttaxid\nA\t5\n").at("A").taxid == 5);
  const auto broken = [&](const std::string& text) { return message_of([&] { (void)read(text); }); };
  CHECK(broken("").find("g.tsv") != std::string::npos);
  CHECK(broken("name\ttaxid\nA\t5\n").find("genome") != std::string::npos);
  CHECK(broken("genome\tid\nA\t5\n").find("taxid") != std::string::npos);
  CHECK(broken("genome\ttaxid\nA\t5\nA\t6\n").find("g.tsv:3") == 0);
  CHECK(broken("genome\ttaxid\nA\tx\n").find("g.tsv:2") == 0);
  CHECK(broken("genome\ttaxid\nA\t-1\n").find("g.tsv:2") == 0);
  CHECK(broken("genome\ttaxid\nA\t1.5\n").find("g.tsv:2") == 0);
  CHECK(broken("genome\ttaxid\nA\n").find("g.tsv:2") == 0);
  CHECK(broken("genome\ttaxid\nA\t1\t2\n").find("g.tsv:2") == 0);
  CHECK(broken("genome\ttaxid\nNA\t1\n").find("g.tsv:2") == 0);
}

TEST_CASE("GTDB lineages and lineage tables make the same tree") {
  const auto gtdb = microbiome::read_gtdb(io::open_memory(
      "G1\td__Bacteria;p__P;c__C;o__O;f__F;g__G;s__G one\nG2\td__Bacteria;p__P;c__C;o__O;f__F;g__G;s__G two\n"));
  const auto table = microbiome::read_lineages(
      io::open_memory("genome\tdomain\tphylum\tclass\torder\tfamily\tgenus\tspecies\n"
                      "G2\tBacteria\tP\tC\tO\tF\tG\tG two\nG1\tBacteria\tP\tC\tO\tF\tG\tG one\n"));
  REQUIRE(gtdb.taxonomy.size() == 9);
  REQUIRE(table.taxonomy.size() == 9);
  for (microbiome::TaxonIndex i = 0; i < 9; ++i) {
    CHECK(gtdb.taxonomy[i].taxid == table.taxonomy[i].taxid);
    CHECK(gtdb.taxonomy[i].name == table.taxonomy[i].name);
    CHECK(gtdb.taxonomy[i].rank == table.taxonomy[i].rank);
  }
  CHECK(gtdb.genomes.at("G2").taxid == table.genomes.at("G2").taxid);
  const auto broken_gtdb = [](const std::string& text) {
    return message_of([&] { (void)microbiome::read_gtdb(io::open_memory(text, "t")); });
  };
  CHECK(broken_gtdb("").find("there is no genome") != std::string::npos);
  CHECK(broken_gtdb("G1\n").find("t:1: not 'genome TAB lineage'") == 0);
  CHECK(broken_gtdb("G1\td__B;p__P\n").find("t:1: 2 ranks where 7") == 0);
  CHECK(broken_gtdb("G1\td__B;c__P;c__C;o__O;f__F;g__G;s__S\n").find("t:1: 'c__P' where p__ is expected") == 0);
  const std::string good = "G1\td__B;p__P;c__C;o__O;f__F;g__G;s__S\n";
  CHECK(broken_gtdb(good + good).find("t:2: the genome 'G1' appears a second time") == 0);
  const auto broken_table = [](const std::string& text) {
    return message_of([&] { (void)microbiome::read_lineages(io::open_memory(text, "t")); });
  };
  CHECK(broken_table("genome\nA\n").find("t:1: there is no column besides") == 0);
  CHECK(broken_table("genome\tspecies\nA\tNA\n").find("t:2") == 0);
  CHECK(broken_table("genome\tspecies\nA\tS\nA\tS\n").find("t:3") == 0);
  CHECK(broken_table("genome\tspecies\n").find("there is no genome") != std::string::npos);
}
