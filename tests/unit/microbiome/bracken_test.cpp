// Kraken reports, and Bracken's redistribution against Bracken's own sample files.
#include "microbiome/bracken.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "microbiome/apportion.h"

using namespace immucan;
using namespace immucan::microbiome;
namespace fs = std::filesystem;

namespace {

KrakenReport parse(const std::string& text) {
  return read_kraken_report(io::open_memory(text, "r.kreport"));
}

std::string failure(const std::string& text) {
  try {
    (void)parse(text);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "";
}

const std::string kReport =
    " 10.00\t10\t10\tU\t0\tunclassified\n"
    " 90.00\t90\t5\tR\t1\troot\n"
    " 85.00\t85\t15\tG\t10\t  Genus\n"
    " 40.00\t40\t30\tS\t100\t    Genus alpha\n"
    " 10.00\t10\t10\tS1\t1000\t      strain\n"
    " 20.00\t20\t20\tS\t101\t    Genus beta\n"
    " 10.00\t10\t10\tS\t102\t    Genus gamma\n";

const std::string kDistribution =
    "mapped_taxid\tgenome_taxids:kmers_mapped:total_genome_kmers\n"
    "100\t100:600:1000 1000:100:1000\n"
    "1000\t1000:500:1000\n"
    "101\t101:800:1000\n"
    "10\t100:400:1000 1000:400:1000 101:200:1000 999:500:1000\n";

BrackenResult redistribute(const std::string& report, const BrackenOptions& options) {
  return redistribute_reads(parse(report), read_kmer_distribution(io::open_memory(kDistribution)), options, "r");
}

}  // namespace

TEST_CASE("a report is read and written back") {
  const auto report = parse(kReport);
  CHECK(report.unclassified == 10);
  CHECK(report.total() == 100);
  REQUIRE(report.rows.size() == 6);
  CHECK(report.rows[3].name == "strain");
  CHECK(report.rows[3].depth == 3);
  CHECK(report.parents == std::vector<std::size_t>{0, 0, 1, 2, 1, 1});
  auto rows = report.rows;
  rows.insert(rows.begin(), {10, 10, "U", 0, 0, "unclassified"});
  CHECK(write_kraken_report(rows, 100, false) == kReport);
  const auto eight = write_kraken_report(rows, 100, true);
  CHECK(parse(eight).kmer_columns);
  CHECK(write_kraken_report(rows, 100, true).find("\t40\t30\t0\t0\tS\t100\t") != std::string::npos);
}

TEST_CASE("codes of Kraken 1 are made from the line above") {
  const auto report = parse(
      "100\t9\t0\t-\t1\troot\n100\t9\t1\t-\t2\t  cellular organisms\n88\t8\t0\tG\t3\t    g\r\n88\t8\t8\t\t4\t      "
      "x\n");
  CHECK(report.rows[0].code == "R");
  CHECK(report.rows[1].code == "R1");
  CHECK(report.rows[3].code == "G1");
  CHECK(report.rows[2].name == "g");
}

TEST_CASE("broken reports are told by line") {
  CHECK(failure("").find("the report is empty") != std::string::npos);
  CHECK(failure("1\t2\t3\n").find("r.kreport:1: 3 columns") != std::string::npos);
  CHECK(failure("1\tx\t3\tR\t1\troot\n").find("'x'") != std::string::npos);
  CHECK(failure("1\t-2\t3\tR\t1\troot\n").find("'-2'") != std::string::npos);
  CHECK(failure("1\t2\t2\tR\t1\troot\n1\t2\t2\tR\t2\troot\n").find("r.kreport:2: there is a second root") !=
        std::string::npos);
  CHECK(failure("1\t2\t2\tR\t1\troot\n1\t2\t2\tS\t1\t  x\n").find("taxid 1 appears a second time") !=
        std::string::npos);
  CHECK(failure("1\t2\t0\tR\t1\troot\n1\t2\t2\tS\t2\t    x\n").find("levels below") != std::string::npos);
  CHECK(failure("1\t2\t0\tR\t1\troot\n1\t2\t2\tS\t2\t   x\n").find("odd number") != std::string::npos);
  CHECK(failure("1\t2\t2\tQ\t1\troot\n").find("rank code 'Q'") != std::string::npos);
  CHECK(failure("1\t3\t2\tU\t0\tunclassified\n").find("unclassified") != std::string::npos);
  // The last line is missing.
  CHECK(failure(kReport.substr(0, kReport.rfind(" 10.00")))
            .find("r.kreport:3: 85 reads of 'Genus' are not its own 15 plus 60") != std::string::npos);
  CHECK(failure(kReport + " 1.0\t1\t1\t0\t0\tS\t103\t    x\n").find("six and of eight") != std::string::npos);
}

TEST_CASE("reads above species are divided by Bayes' rule, and none is lost") {
  const auto result = redistribute(kReport, {"S", 10});
  REQUIRE(result.rows.size() == 3);
  // alpha: 30/0.6 · 0.4 + 10/0.5 · 0.4 = 28; beta: 20/0.8 · 0.2 = 5; the 15 reads of the genus are split 28 : 5.
  CHECK(result.rows[0].added == 13);
  CHECK(result.rows[1].added == 2);
  CHECK(result.rows[2].added == 0);
  CHECK(result.kept == 70);
  CHECK(result.distributed == 15);
  CHECK(result.not_distributed == 5);  // of the root, to which no genome maps
  CHECK(result.rows[0].fraction == Approx(53.0 / 85));
  REQUIRE(result.report.size() == 6);
  CHECK(result.report[1].clade == 90);
  CHECK(result.report[1].direct == 5);
  CHECK(bracken_table(result.rows, result.level).find("Genus alpha\t100\tS\t40\t13\t53\t0.62353\n") !=
        std::string::npos);
}

TEST_CASE("taxa under the threshold get nothing and keep their reads") {
  const auto result = redistribute(kReport, {"S", 21});
  REQUIRE(result.rows.size() == 1);
  CHECK(result.rows[0].added == 15);
  CHECK(result.below_threshold == 30);
  CHECK(result.report[1].clade == 90);
  CHECK_THROWS_WITH(redistribute(kReport, {"S", 1000}), Catch::Contains("none of 3 taxa of rank 'S' has 1000 reads"));
}

TEST_CASE("levels are codes of the report, also below species") {
  const auto genus = redistribute(kReport, {"G", 10});
  REQUIRE(genus.rows.size() == 1);
  CHECK(genus.rows[0].assigned == 85);
  const auto strain = redistribute(kReport, {"S1", 10});
  REQUIRE(strain.rows.size() == 1);
  // Reads of the species and the genus can only be of the strain when nothing else is at this level.
  CHECK(strain.rows[0].assigned == 10);
  CHECK(strain.rows[0].added == 45);
  CHECK_THROWS_WITH(redistribute(kReport, {"F", 10}),
                    Catch::Contains("no taxon has the rank code 'F'") && Catch::Contains("G, R, S, S1"));
}

TEST_CASE("broken distributions") {
  const auto fails = [](const std::string& text, const std::string& words) {
    CHECK_THROWS_WITH(read_kmer_distribution(io::open_memory(text, "d")), Catch::Contains(words));
  };
  const std::string header = "mapped_taxid\tgenome_taxids:kmers_mapped:total_genome_kmers\n";
  fails("", "header");
  fails("1\t2:3:4\n", "header");
  fails(header + "x\t1:2:3\n", "d:2: 'x");
  fails(header + "1\n", "does not begin");
  fails(header + "1\t2:3\n", "'2:3' is not genome:mapped:total");
  fails(header + "1\t2:3:0\n", "'2:3:0'");
  fails(header + "1\t2:5:4\n", "5 of 4");
  fails(header + "1\t2:3:4\n1\t2:3:4\n", "a second time");
  fails(header + "1\t \n", "no genome");
}

TEST_CASE("parts are whole, sum up, and are within one of the exact share") {
  CHECK(apportion(10, {1, 1, 1}) == std::vector<std::uint64_t>{4, 3, 3});
  CHECK(apportion(7, {0, 0}) == std::vector<std::uint64_t>{0, 0});
  const auto parts = apportion(1000003, {0.1, 2.7, 3e-9, 5});
  CHECK(std::accumulate(parts.begin(), parts.end(), std::uint64_t{0}) == 1000003);
  CHECK(apportion_in_order(10, {1, 1, 1}) == std::vector<std::uint64_t>{3, 4, 3});
  CHECK(apportion_in_order(10, {0, 3, 0}) == std::vector<std::uint64_t>{0, 10, 0});
  CHECK(apportion_in_order(1, {0, 0}) == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("Bracken's sample is reproduced within one read (T13)") {
  const fs::path data = fs::path(IMMUCAN_SHARED_DATA) / "microbiome/bracken";
  if (!fs::exists(data)) {
    std::cout << "SKIPPED: shared data microbiome/bracken not there\n";
    return;
  }
  core::RunContext run("test", "0.0.0", "test");
  const auto report = read_kraken_report(io::open_source(data / "sample_test.report", run));
  const auto distribution = read_kmer_distribution(io::open_source(data / "sample_kmer_distr_75mers.txt", run));
  const auto result = redistribute_reads(report, distribution, {}, "sample_test.report");

  io::TsvReader table(io::open_source(data / "sample_output_species_abundance.txt", run));
  std::map<std::uint64_t, BrackenRow> ours;
  for (const auto& row : result.rows) ours[row.taxid] = row;
  std::size_t rows = 0;
  while (table.next()) {
    ++rows;
    const auto taxid = static_cast<std::uint64_t>(table.integer(table.require("taxonomy_id")).value());
    REQUIRE(ours.contains(taxid));
    const auto& row = ours.at(taxid);
    INFO(row.name);
    CHECK(row.name == table.field(table.require("name")));
    CHECK(static_cast<std::int64_t>(row.assigned) == table.integer(table.require("kraken_assigned_reads")));
    const auto estimate = table.integer(table.require("new_est_reads")).value();
    CHECK(std::abs(static_cast<std::int64_t>(row.assigned + row.added) - estimate) <= 1);
    CHECK(std::abs(row.fraction - table.number(table.require("fraction_total_reads")).value()) < 1.01e-5);
  }
  CHECK(rows == result.rows.size());
  CHECK(result.kept + result.distributed ==
        std::accumulate(result.rows.begin(), result.rows.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const BrackenRow& row) { return sum + row.assigned + row.added; }));

  // Bracken's own report: its clades are sums of truncated reads, so it cannot be read with the check of sums.
  io::LineReader lines(io::open_source(data / "sample_output_bracken.report", run));
  std::map<std::uint64_t, std::uint64_t> clades;
  for (const auto& row : result.report) clades[row.taxid] = row.clade;
  std::string_view line;
  std::size_t nodes = 0;
  while (lines.next(line)) {
    const auto fields = core::split(line, '\t');
    const auto taxid = core::parse_unsigned(fields[4]).value();
    const auto clade = static_cast<std::int64_t>(core::parse_unsigned(fields[1]).value());
    INFO(line);
    CHECK(std::abs(static_cast<std::int64_t>(clades[taxid]) - clade) <= 1);
    ++nodes;
  }
  CHECK(nodes == 968);
  CHECK(result.report[1].clade + result.report[0].clade == report.total());
}
