// CAMI's format: reading, and OPAL's published scores of stored profiles (T12).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "core/error.h"
#include "io/tsv.h"
#include "microbiome/cami_profile.h"
#include "unit/microbiome/opal_scores.h"

using namespace immucan;
using namespace immucan::microbiome;
namespace fs = std::filesystem;

namespace {

std::string failure(const std::string& text) {
  try {
    (void)read_cami_profiles(io::open_memory(text, "p"));
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "";
}

const std::string kHead = "@SampleID:a\n@Version:0.9.1\n@Ranks:superkingdom|phylum\n";
const std::string kColumns = "@@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE\n";

CamiSample read_one(const fs::path& path, core::RunContext& run) {
  auto samples = read_cami_profiles(io::open_source(path, run));
  REQUIRE(samples.size() == 1);
  return std::move(samples[0]);
}

}  // namespace

TEST_CASE("profiles of several samples are read, whatever else stands in them") {
  const auto samples = read_cami_profiles(io::open_memory(
      "# words\n" + kHead + "@x:y:z\n\n" + kColumns + "2\tsuperkingdom\t2\tBacteria\t99.5\n#-1\tnone\n" + kHead +
      "@@PERCENTAGE\tTAXID\tRANK\tTAXPATH\tmore\n1e1\t5.1\tphylum\t2|5.1\tx\r\n"));
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].rows.size() == 1);
  CHECK(samples[1].rows[0].taxid == "5.1");
  CHECK(samples[1].rows[0].percentage == 10);
  CHECK(samples[1].rows[0].path == std::vector<std::string>{"2", "5.1"});
}

TEST_CASE("broken profiles are told by line") {
  const auto has = [](const std::string& text, const std::string& words) {
    INFO(text);
    CHECK(failure(text).find(words) != std::string::npos);
  };
  has("", "there is no profile");
  has("2\tsuperkingdom\t2\tB\t3\n", "p:1: a line of data before");
  has(kHead, "the line of columns is missing");
  has("@SampleID:a\n@Ranks:x\n" + kColumns, "p:3: @Version is missing");
  has("@Version:1\n" + kColumns, "@SampleID is missing");
  has(kHead + "@nothing\n", "p:4: '@nothing'");
  has(kHead + "@@TAXID\tRANK\n", "a column of");
  has(kHead + kColumns + "2\tsuperkingdom\n", "p:5: 2 fields where");
  has(kHead + kColumns + "2\tphylum\t2\tB\t-3\n", "'-3'");
  has(kHead + kColumns + "2\tphylum\t2\tB\tnan\n", "'nan'");
  has(kHead + kColumns + "\tphylum\t2\tB\t3\n", "TAXID is missing");
}

TEST_CASE("the strict check of our own files notices what is wrong") {
  const std::string good = kHead + kColumns + "2\tsuperkingdom\t2\tB\t100\n7\tphylum\t2|7\tB|P\t60.5\n";
  CHECK(cami_violation(good).empty());
  CHECK(cami_violation(kHead + kColumns + "2\tsuperkingdom\t2\tB\t50\n7\tphylum\t2|7\tB|P\t60\n") ==
        "children of 2 exceed it");
  CHECK(cami_violation(kHead + kColumns + "7\tphylum\t2|7\tB|P\t60\n") == "the parent of 7 has no row");
  CHECK(cami_violation(kHead + kColumns + "7\tphylum\t7\tP\t60\n") == "path length of 7");
  CHECK(cami_violation(good + "7\tphylum\t2|7\tB|P\t1\n") == "7 twice");
  CHECK(cami_violation("@Version:0.9.1\n" + good) == "metadata");
}

TEST_CASE("OPAL's published scores of four tools on CAMI's first low-complexity sample (T12)") {
  const fs::path data = fs::path(IMMUCAN_SHARED_DATA) / "microbiome/opal";
  if (!fs::exists(data / "results.tsv")) {
    std::cout << "SKIPPED: shared data microbiome/opal not there\n";
    return;
  }
  const char* gold_standard = std::getenv("OPAL_GOLD_STANDARD");
  if (gold_standard == nullptr) {
    std::cout << "SKIPPED: OPAL_GOLD_STANDARD does not name OPAL's data/goldstandard_low_1.bin\n";
    return;
  }
  core::RunContext run("test", "0.0.0", "test");
  std::map<std::string, double> published;  // tool/rank/metric
  io::TsvReader table(io::open_source(data / "results.tsv", run));
  while (table.next())
    published[std::string(table.field(0)) + "/" + std::string(table.field(1)) + "/" + std::string(table.field(2))] =
        table.number(4).value();
  // The truth that the table was made with leaves out viruses and plasmids; the stored one has four decimals.
  CamiSample truth = read_one(gold_standard, run);
  std::erase_if(truth.rows, [](const CamiRow& row) { return row.path[0] == "10239" || row.path[0].empty(); });
  truth = normalised(truth);
  const auto expected = percentages_of(truth);
  constexpr double kExact = 1e-12, kRounded = 5e-5;
  const std::map<std::string, std::string> tools{{"cranky_wozniak_13.gz", "TIPP_1.1"},
                                                 {"evil_darwin_13", "mOTU_1.1.1"},
                                                 {"furious_elion_13", "MetaPhlAn2.0 db_v20"},
                                                 {"grave_wright_13.gz", "Quickr"}};
  // Unweighted UniFrac that OPAL's own program of January 2018 gives for these files. It is not the published one to
  // the unit, either: inner nodes count as present where the difference of rounded percentages happens to be above 0.
  const std::map<std::string, double> unweighted{{"TIPP_1.1", 6048.850190},
                                                 {"mOTU_1.1.1", 2323.135037},
                                                 {"MetaPhlAn2.0 db_v20", 474.708841},
                                                 {"Quickr", 8856.621456}};
  std::size_t compared = 0;
  for (const auto& [file, tool] : tools) {
    const CamiSample sample = normalised(read_one(data / file, run));
    const auto found = percentages_of(sample);
    for (const auto& [rank, taxa] : found) {
      if (!expected.contains(rank)) continue;  // "no rank"
      const RankScores scores = rank_scores(expected.at(rank), taxa);
      const auto check = [&](const char* metric, double value, double tolerance) {
        const auto entry = published.find(tool + "/" + rank + "/" + metric);
        if (entry == published.end()) return;  // OPAL has no F1 where nothing is right
        INFO(tool << " " << rank << " " << metric);
        CHECK(std::abs(value - entry->second) <= tolerance * std::max(1.0, std::abs(entry->second)));
        ++compared;
      };
      check("Taxon counts", scores.taxa, kExact);
      check("Shannon diversity", scores.shannon, kExact);
      // The version that made the table divides by the logarithm of all taxa listed, those at 0 % too.
      const auto listed = std::ranges::count(sample.rows, rank, &CamiRow::rank);
      check("Shannon equitability", listed > 1 ? scores.shannon / std::log(static_cast<double>(listed)) : 0, kExact);
      check("True positives", scores.true_positives, kExact);
      check("False positives", scores.false_positives, kExact);
      check("False negatives", scores.false_negatives, kExact);
      check("Purity (precision)", scores.precision, kExact);
      check("Completeness (recall)", scores.recall, kExact);
      check("F1 score", scores.f1, kExact);
      check("Jaccard index", scores.jaccard, kExact);
      check("L1 norm error", scores.l1, kRounded);
      check("Bray-Curtis distance", scores.bray_curtis, kRounded);
    }
    const double unifrac = weighted_unifrac(truth, sample);
    INFO(tool);
    CHECK(std::abs(unifrac - published.at(tool + "/na/Weighted UniFrac error")) <= kRounded);
    ++compared;
    const double off = unweighted_unifrac(truth, sample, 1e-12) - unweighted.at(tool);
    CHECK(std::abs(off) < 6);
    CHECK(std::abs(off - std::round(off)) < 1e-3);
    CHECK(std::abs(unweighted.at(tool) - published.at(tool + "/na/Unweighted UniFrac error")) < 15);
  }
  CHECK(compared > 300);
  CHECK(unweighted_unifrac(truth, truth, 0) == Approx(0).margin(1e-12));
  CHECK(weighted_unifrac(truth, truth) == Approx(0).margin(1e-12));
  // The other stored files are read too.
  CHECK(read_cami_profiles(io::open_source(data / "gs_cami_i_hc.profile.gz", run)).size() == 5);
  CHECK(read_one(data / "test1.profile", run).rows.size() == 100);
  CHECK(read_one(data / "small1.profile", run).rows.size() == 6);
}
