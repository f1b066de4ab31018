#include "scrna/barcodes.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "io/byte_source.h"
#include "io/fastq.h"

using namespace immucan;
using scrna::BarcodeClass;

namespace {

const scrna::Geometry kTiny("1{b[6]u[4]x:}2{r:}");

scrna::BarcodeCall call(const std::string& bases, const std::string& qualities, const scrna::Whitelist& whitelist) {
  scrna::BarcodeCall out;
  scrna::CutRead cut;
  REQUIRE(kTiny.cut(bases, qualities, "", "", cut) == scrna::CutOutcome::kWhole);
  scrna::call_barcode(cut, whitelist, out);
  return out;
}

void check_refused(const std::string& list, const std::string& part) {
  const auto path = std::filesystem::temp_directory_path() / "immucan-whitelist.txt";
  std::ofstream(path) << list;
  core::RunContext context("test", "0", "test");
  try {
    const scrna::Whitelist whitelist(std::span(&path, 1), kTiny, context);
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains("immucan-whitelist.txt"));
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
  std::filesystem::remove(path);
}

}  // namespace

TEST_CASE("every class of read 1") {
  const std::vector<std::string> list = {"AAAAAA", "AAAATT", "CCCCCC", "CCCCCG", "GTGTGT"};
  const scrna::Whitelist whitelist(list, 6);
  const std::string good(10, 'I');
  CHECK(call("GTGTGTACGT", good, whitelist).barcode_class == BarcodeClass::kExact);
  CHECK(whitelist.text(call("GTGTGTACGT", good, whitelist).rank) == "GTGTGT");
  CHECK(call("GTGTGAACGT", good, whitelist).barcode_class == BarcodeClass::kOneMismatch);
  CHECK(call("AAAAATACGT", good, whitelist).barcode_class == BarcodeClass::kMulti);
  CHECK(call("GGGGGGACGT", good, whitelist).barcode_class == BarcodeClass::kNoMatch);
  CHECK(call("GTGTGTANGT", good, whitelist).barcode_class == BarcodeClass::kUmiN);
  CHECK(call("GTGTGTCCCC", good, whitelist).barcode_class == BarcodeClass::kUmiHomopolymer);
  CHECK(call("GTGTGTCCCC", good, whitelist).listed);
  CHECK(call("NTGTGNACGT", good, whitelist).barcode_class == BarcodeClass::kBarcodeManyN);
  // One N: only its place is tried.
  CHECK(call("GTGTGNACGT", good, whitelist).barcode_class == BarcodeClass::kOneMismatch);
  CHECK(call("CCCCCNACGT", good, whitelist).barcode_class == BarcodeClass::kMulti);
  CHECK(call("GTGTNAACGT", good, whitelist).barcode_class == BarcodeClass::kNoMatch);
}

TEST_CASE("several candidates: reads and quality decide, at 0.975") {
  const std::vector<scrna::BarcodeCandidate> candidates = {{0, 30}, {1, 30}};
  const auto resolve = [&](std::vector<std::uint32_t> reads) { return scrna::resolve_candidates(candidates, reads); };
  CHECK(resolve({38, 0}).value() == 0);  // 39 of 40 = 0.975 exactly
  CHECK_FALSE(resolve({37, 0}));         // 38 of 39
  CHECK(resolve({0, 100}).value() == 1);
  CHECK_FALSE(resolve({50, 50}));
  const std::vector<scrna::BarcodeCandidate> unlike = {{0, 33}, {1, 2}};
  CHECK(scrna::resolve_candidates(unlike, std::vector<std::uint32_t>{9, 9}).value() == 1);
}

TEST_CASE("broken barcode lists") {
  check_refused("", "holds no barcode");
  check_refused("AAAAAA\nAAAA\n", ":2: barcode of 4 bases where the chemistry has 6");
  check_refused("AAAAAA\nAAANAA\n", ":2: not a barcode (\"AAANAA\")");
  check_refused("AAAAAA\n\nCCCCCC\n", ":2: barcode of 0 bases");
  check_refused("AAAAAA\nCCCCCC\nAAAAAA\n", "barcode AAAAAA appears twice");
}

TEST_CASE("barcode classes of real reads are those of an independent implementation") {
  const std::filesystem::path data = std::filesystem::path(IMMUCAN_SHARED_DATA) / "scrna";
  const auto reads = data / "pbmc_chr21_10xv3" / "Chromium_3p_GEX_Human_PBMC_chr21_100000_S1_L001_R1_001.fastq.gz";
  const auto list = data / "whitelists" / "10xv3_subset_hamming1_of_open_pbmc.txt.gz";
  if (!std::filesystem::exists(reads) || !std::filesystem::exists(list)) {
    std::puts("SKIPPED: the shared PBMC reads are not there");
    return;
  }
  core::RunContext context("test", "0", "test");
  const scrna::Geometry geometry("1{b[16]u[12]x:}2{r:}");
  const scrna::Whitelist whitelist(std::span(&list, 1), geometry, context);
  std::map<std::string, int> classes;
  std::vector<std::uint32_t> exact(whitelist.size(), 0);
  std::vector<std::pair<std::vector<scrna::BarcodeCandidate>, std::uint32_t>> waiting;
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::set<std::uint32_t> barcodes;
  io::FastqBatchReader reader({{{reads}}}, {}, context);
  io::FastqBatch batch;
  scrna::BarcodeCall one;
  scrna::CutRead cut;
  while (reader.next(batch)) {
    io::parse(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      REQUIRE(geometry.cut(batch.mates[0].sequence(i), batch.mates[0].quality(i), "", "", cut) ==
              scrna::CutOutcome::kWhole);
      scrna::call_barcode(cut, whitelist, one);
      if (one.listed) ++exact[one.rank];
      ++classes[std::string(scrna::name_of(one.barcode_class))];
      if (one.barcode_class == BarcodeClass::kMulti) waiting.emplace_back(one.candidates, one.umi);
      if (one.barcode_class == BarcodeClass::kExact || one.barcode_class == BarcodeClass::kOneMismatch)
        pairs.emplace(one.rank, one.umi);
    }
  }
  int resolved = 0;
  for (const auto& [candidates, umi] : waiting) {
    const auto rank = scrna::resolve_candidates(candidates, exact);
    if (!rank) continue;
    ++resolved;
    pairs.emplace(*rank, umi);
  }
  for (const auto& [rank, umi] : pairs) barcodes.insert(rank);
  // expect_barcodes.json, made by bc_expect.py.
  CHECK(classes["exact"] == 91935);
  CHECK(classes["one_mismatch"] == 903);
  CHECK(classes["no_match"] == 5115);
  CHECK(classes["umi_homopolymer"] == 50);
  CHECK(resolved == 378);
  CHECK(classes["multi"] - resolved == 1619);
  CHECK(barcodes.size() == 30508);
  CHECK(pairs.size() == 89415);
}

TEST_CASE("the neighbours of a code are all listed ones at one substitution, by position") {
  core::Random random(5);
  for (const std::uint32_t length : {1U, 2U, 5U, 8U, 13U, 16U}) {
    const std::uint32_t letters = length < 16 ? (1U << (2 * length)) - 1 : 0xffffffffU;
    std::set<std::uint32_t> codes;
    // Dense around one code, so that there are neighbours.
    const std::uint32_t centre = static_cast<std::uint32_t>(random.below(letters));
    for (int i = 0; i < 300; ++i) {
      std::uint32_t code = centre;
      for (std::uint64_t changes = random.below(3); changes > 0; --changes)
        code ^= (1U + static_cast<std::uint32_t>(random.below(3))) << (2 * random.below(length));
      codes.insert(code & letters);
    }
    scrna::BarcodePart part;
    for (const std::uint32_t code : codes) part.add(code, length);
    REQUIRE(!part.index());
    std::vector<scrna::BarcodePart::Neighbour> found;
    for (std::uint32_t change = 0; change < 3; ++change) {
      for (std::uint32_t unknown = 0; unknown <= length; ++unknown) {
        std::uint32_t code = centre ^ change;
        const bool any = unknown < length;
        const unsigned shift = any ? 2 * (length - 1 - unknown) : 0;
        if (any) code &= ~(3U << shift);  // as an unknown base is encoded
        std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;
        for (std::uint32_t position = 0; position < length; ++position) {
          if (any && position != unknown) continue;
          const unsigned at = 2 * (length - 1 - position);
          for (std::uint32_t base = 0; base < 4; ++base) {
            const std::uint32_t other = (code & ~(3U << at)) | (base << at);
            if (other == code && !any) continue;
            if (const auto rank = part.find(other, length)) expected.emplace_back(*rank, position);
          }
        }
        part.neighbours(code, length, any ? std::optional(unknown) : std::nullopt, found);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i)
          CHECK(std::pair(found[i].rank, found[i].position) == expected[i]);
      }
    }
  }
}
