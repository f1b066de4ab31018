// The geometry language, lists of barcode parts, and lists found in the reads.
#include "scrna/geometry.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "scrna/barcode_discovery.h"
#include "scrna/barcodes.h"
#include "scrna/chemistry.h"
#include "scrna/whitelist.h"

using namespace immucan;
using scrna::CutOutcome;

namespace {

std::string quality_of(const std::string& bases) {
  std::string out;
  for (std::size_t i = 0; i < bases.size(); ++i) out.push_back(static_cast<char>('!' + i % 90));
  return out;
}

/// A pair that is cut; keeps what the views point into.
struct Cut {
  Cut(const std::string& geometry, std::string one, std::string two)
      : read1(std::move(one)), read2(std::move(two)), quality1(quality_of(read1)), quality2(quality_of(read2)) {
    outcome = scrna::Geometry(geometry).cut(read1, quality1, read2, quality2, cut);
  }
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;
  std::string read1, read2, quality1, quality2;
  scrna::CutRead cut;
  CutOutcome outcome;
};

std::string refusal(const std::string& text) {
  try {
    (void)scrna::Geometry(text);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kUsage);
    return error.what();
  }
  return "accepted";
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("immucan-geometry-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("pieces of either read are cut where the geometry says") {
  const Cut simple("1{b[4]u[3]x:}2{r:}", "AACCGGTTTT", "ACGTACGT");
  CHECK(simple.outcome == CutOutcome::kWhole);
  CHECK(simple.cut.barcode[0] == "AACC");
  CHECK(simple.cut.quality[0] == "!\"#$");
  CHECK(simple.cut.umi == "GGT");
  CHECK(simple.cut.rna == "ACGTACGT");
  const Cut other("1{r[5]}2{u[2]b[3]x[1]b[2]u[2]}", "ACGTACGT", "AACCCTGGTT");
  CHECK(other.cut.rna == "ACGTA");
  CHECK(other.cut.parts == 2);
  CHECK(other.cut.barcode[0] == "CCC");
  CHECK(other.cut.barcode[1] == "GG");
  CHECK(other.cut.umi == "AATT");
  CHECK(Cut("1{b[4]u[3]}2{r:}", "AACCGG", "").outcome == CutOutcome::kTooShort);
  CHECK(Cut("1{b[4]u[3]}2{r:}", "AACCGGT", "").cut.rna.empty());
  CHECK(Cut("1{b[4]u[3]}2{x[4]r:}", "AACCGGT", "AC").cut.rna.empty());
}

TEST_CASE("fixed sequences anchor pieces of variable length") {
  const std::string geometry = "1{x[0-3]b[4]f[GTGAC]b[3]u[2]}2{r:}";
  for (const std::string insert : {"", "A", "GT", "TCA"}) {
    const Cut whole(geometry, insert + "AACC" + "GTGAC" + "TTA" + "CG" + "TTTT", "A");
    CHECK(whole.outcome == CutOutcome::kWhole);
    CHECK(whole.cut.barcode[0] == "AACC");
    CHECK(whole.cut.barcode[1] == "TTA");
    CHECK(whole.cut.umi == "CG");
    const Cut one_error(geometry, insert + "AACC" + "GTCAC" + "TTA" + "CG" + "TTTT", "A");
    CHECK(one_error.outcome == CutOutcome::kWhole);
    CHECK(one_error.cut.barcode[0] == "AACC");
  }
  CHECK(Cut(geometry, "AACCAAAAATTACGTTTT", "A").outcome == CutOutcome::kNoFixed);
  const Cut variable("1{b[3-4]f[CAGAGC]u[2]}2{r:}", "AACCAGAGCTG", "A");
  CHECK(variable.cut.barcode[0] == "AAC");
  CHECK(variable.cut.umi == "TG");
}

TEST_CASE("geometries that cannot be") {
  CHECK_THAT(refusal("b[16]"), Catch::Contains("'1' expected at character 1"));
  CHECK_THAT(refusal("1{b[16]u[12]}"), Catch::Contains("'2' expected at character 14"));
  CHECK_THAT(refusal("1{}2{r:}"), Catch::Contains("a read without pieces"));
  CHECK_THAT(refusal("1{b[16]}2{r:}"), Catch::Contains("no UMI"));
  CHECK_THAT(refusal("1{u[16]}2{r:}"), Catch::Contains("no barcode"));
  CHECK_THAT(refusal("1{b[16]u[12]}2{x:}"), Catch::Contains("one RNA piece"));
  CHECK_THAT(refusal("1{b[16]u[12]r:}2{r:}"), Catch::Contains("one RNA piece"));
  CHECK_THAT(refusal("1{b[17]u[12]}2{r:}"), Catch::Contains("at most 16 bases"));
  CHECK_THAT(refusal("1{b[8]u[12]u[5]}2{r:}"), Catch::Contains("at most 16 bases"));
  CHECK_THAT(refusal("1{b[8-9]u[12]}2{r:}"), Catch::Contains("needs a fixed sequence"));
  CHECK_THAT(refusal("1{b[8-9]x[0-1]f[AC]u[12]}2{r:}"), Catch::Contains("between them"));
  CHECK_THAT(refusal("1{b[8]u[3-4]f[AC]}2{r:}"), Catch::Contains("one length"));
  CHECK_THAT(refusal("1{x:b[8]u[3]}2{r:}"), Catch::Contains("must be the last"));
  CHECK_THAT(refusal("1{b:u[3]}2{r:}"), Catch::Contains("need a length"));
  CHECK_THAT(refusal("1{b[8]u[3]f[AXC]}2{r:}"), Catch::Contains("']' expected at character 14"));
  CHECK_THAT(refusal("1{b[99999999999999999999]u[3]}2{r:}"), Catch::Contains("a length from 0 to 1000"));
  CHECK_THAT(refusal("1{b[8]u[3]}2{r:} "), Catch::Contains("behind the second read"));
  CHECK_THAT(refusal("1{x[0-999]f[A]b[8]u[3]}2{r:}"), Catch::Contains("too many combinations"));
}

TEST_CASE("every chemistry known by name has the lengths of its protocol") {
  const auto check = [](const char* name, std::size_t parts, std::uint32_t barcode, std::uint32_t umi, std::size_t read,
                        std::uint32_t bases, bool sense) {
    const scrna::Chemistry chemistry = scrna::find_chemistry(name).value();
    INFO(name);
    CHECK(chemistry.geometry.part_lengths().size() == parts);
    CHECK(chemistry.geometry.barcode_length() == barcode);
    CHECK(chemistry.geometry.umi_length() == umi);
    CHECK(chemistry.geometry.shortest_read(read) == bases);
    CHECK(chemistry.geometry.rna_read() == 1 - read);
    CHECK(chemistry.sense == sense);
  };
  check("10xv2", 1, 16, 10, 0, 26, true);
  check("10xv3", 1, 16, 12, 0, 28, true);
  check("10xv4", 1, 16, 12, 0, 28, true);
  check("10x5p", 1, 16, 10, 0, 26, false);
  check("10x5pv3", 1, 16, 12, 0, 28, false);
  check("dropseq", 1, 12, 8, 0, 20, true);
  check("splitseq", 3, 24, 10, 1, 94, true);
  check("splitseq2", 3, 24, 10, 1, 86, true);
  check("bd", 3, 27, 8, 0, 60, true);
  check("bd-enhanced", 3, 27, 8, 0, 43, true);
  CHECK_FALSE(scrna::find_chemistry("10xv9"));
}

TEST_CASE("barcodes of several parts: combinations, one substitution in each part") {
  const Folder folder;
  const scrna::Geometry geometry("1{b[4]b[4]b[4]u[4]}2{r:}");
  core::RunContext context("test", "0", "test");
  const std::vector<std::filesystem::path> lists = {
      folder.write("1", "AAAA\nCCCC\n"), folder.write("2", "AAAA\nAACC\nGGGG\n"), folder.write("3", "TTTT\n")};
  const scrna::Whitelist whitelist(lists, geometry, context);
  REQUIRE(whitelist.size() == 6);
  CHECK(whitelist.text(0) == "AAAAAAAATTTT");
  CHECK(whitelist.text(5) == "CCCCGGGGTTTT");
  const auto call = [&](const std::string& barcode) {
    scrna::CutRead cut;
    const std::string read = barcode + "ACGT", quality(read.size(), 'I');
    REQUIRE(geometry.cut(read, quality, "", "", cut) == CutOutcome::kWhole);
    scrna::BarcodeCall out;
    scrna::call_barcode(cut, whitelist, out);
    return out;
  };
  using scrna::BarcodeClass;
  CHECK(call("CCCCGGGGTTTT").barcode_class == BarcodeClass::kExact);
  CHECK(call("CCCCGGGGTTTT").rank == 5);
  CHECK(call("CCCAGGGGTTTT").rank == 5);
  CHECK(call("CCCAGGGATTTA").barcode_class == BarcodeClass::kOneMismatch);
  CHECK(call("CCNCGGGNTNTT").rank == 5);
  CHECK(call("CCAAGGGGTTTT").barcode_class == BarcodeClass::kNoMatch);
  CHECK(call("CCNNGGGGTTTT").barcode_class == BarcodeClass::kBarcodeManyN);
  const auto several = call("AAAAAAACTTTT");  // AAAA or AACC
  CHECK(several.barcode_class == BarcodeClass::kMulti);
  REQUIRE(several.candidates.size() == 2);
  CHECK(several.candidates[0].rank + several.candidates[1].rank == 1);
}

TEST_CASE("one file for several parts: columns, a shared list, whole barcodes, parts of several lengths") {
  const Folder folder;
  core::RunContext context("test", "0", "test");
  const auto load = [&](const std::string& text, const std::string& geometry) {
    const std::vector<std::filesystem::path> lists = {folder.write("list", text)};
    return scrna::Whitelist(lists, scrna::Geometry(geometry), context);
  };
  const std::string two = "1{b[4]b[4]u[4]}2{r:}";
  CHECK(load("AAAA CCCC\n- GGGG\n", two).size() == 2);
  CHECK(load("AAAA\nCCCC\n", two).size() == 4);
  const auto joined = load("AAAACCCC\nGGGGTTTT\n", two);
  CHECK(joined.size() == 2);
  CHECK(joined.parts().size() == 1);
  scrna::CutRead cut;
  scrna::BarcodeCall call;
  const std::string read = "GGGGTTTAACGT", quality(12, 'I');
  REQUIRE(scrna::Geometry(two).cut(read, quality, "", "", cut) == CutOutcome::kWhole);
  scrna::call_barcode(cut, joined, call);
  CHECK(call.barcode_class == scrna::BarcodeClass::kOneMismatch);
  CHECK(joined.text(call.rank) == "GGGGTTTT");
  const auto lengths = load("AAAAA\nCCCC\nAAAA\n", "1{b[4-5]f[GTGTGT]u[4]}2{r:}");
  CHECK(lengths.size() == 3);
  CHECK(lengths.text(0) == "AAAA");
  CHECK(lengths.text(2) == "AAAAA");
  CHECK(load("AAAA\tCCCC\n", "1{b[4]u[4]}2{r:}").text(0) == "AAAA");  // a translation list
  CHECK_THROWS_AS(load("AAAA CCCC\nAAAA\n", two), core::Error);
  CHECK_THROWS_AS(load("AAAA CCC\n", two), core::Error);
}

TEST_CASE("the knee of barcode counts") {
  std::vector<std::uint64_t> counts(100, 1000);
  counts.insert(counts.end(), 5000, 3);
  counts.insert(counts.end(), 3000, 1);
  CHECK(scrna::knee_of(counts) == 100);
  CHECK(scrna::knee_of(std::vector<std::uint64_t>{5, 5, 5, 5}) == 4);
  CHECK(scrna::knee_of(std::vector<std::uint64_t>{7}) == 1);
}

TEST_CASE("a list is found in the reads: cells, without their errors and without the background") {
  const Folder folder;
  core::Random random(3);
  const auto bases = [&](std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out.push_back("ACGT"[random.below(4)]);
    return out;
  };
  std::vector<std::string> cells;
  for (int i = 0; i < 30; ++i) cells.push_back(bases(12));
  std::string one, two;
  int number = 0;
  const auto add = [&](const std::string& barcode) {
    const std::string read = barcode + bases(8), title = "@r" + std::to_string(number++) + "\n";
    one += title + read + "\n+\n" + std::string(read.size(), 'I') + "\n";
    two += title + "ACGT\n+\nIIII\n";
  };
  for (const std::string& cell : cells) {
    for (std::uint64_t i = 0; i < 150 + random.below(100); ++i) add(cell);
    std::string error = cell;
    error[3] = error[3] == 'A' ? 'C' : 'A';
    for (int i = 0; i < 3; ++i) add(error);
  }
  for (int i = 0; i < 4000; ++i) add(bases(12));
  const std::vector<std::filesystem::path> read1 = {folder.write("1.fq", one)}, read2 = {folder.write("2.fq", two)};
  const auto chemistry = scrna::find_chemistry("dropseq").value();
  std::sort(cells.begin(), cells.end());
  for (const unsigned threads : {1U, 3U}) {
    core::RunContext context("test", "0", "test");
    context.threads = threads;
    const auto list = scrna::discover_barcodes(read1, read2, chemistry, {}, context);
    REQUIRE(list.size() == cells.size());
    for (std::uint32_t i = 0; i < cells.size(); ++i) CHECK(list.text(i) == cells[i]);
    CHECK(scrna::discover_barcodes(read1, read2, chemistry, 30, context).size() == cells.size());
  }
}
