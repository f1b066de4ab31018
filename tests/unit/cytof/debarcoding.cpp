#include "cytof/debarcoding.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "core/text.h"
#include "cytof/yield_plot.h"
#include "cytof_helpers.h"
#include "io/tsv.h"

namespace {

using namespace immucan;

std::vector<float> barcodes(const test::Matrix& matrix, const cytof::BarcodeKey& key) {
  const cytof::Panel panel(matrix.parameters);
  std::vector<float> values;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    for (const int mass : key.masses)
      values.push_back(static_cast<float>(matrix.at(row, panel.find_mass(mass).value())));
  }
  return values;
}

TEST_CASE("debarcoding against CATALYST and premessa on the 20-plex sample") {
  const auto folder = test::cytof_data() / "debarcode";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const auto key = cytof::read_barcode_key(folder / "sample_key.csv", context);
  const auto values = barcodes(test::read_matrix(folder / "sample_ff.fcs"), key);
  REQUIRE(key.positives == 3);

  const auto result = cytof::debarcode(key, values, {.cofactor = 5, .cutoff = std::nullopt, .mahalanobis = 30});
  const io::Table theirs = io::read_table(folder / "sample_ff.catalyst_debarcode.tsv", context);
  REQUIRE(theirs.rows.size() == result.label.size());
  std::size_t same_preliminary = 0, same_label = 0;
  double worst_delta = 0, worst_distance = 0;
  const auto name = [&](std::int32_t label) { return label < 0 ? "0" : key.labels[static_cast<std::size_t>(label)]; };
  for (std::size_t i = 0; i < theirs.rows.size(); ++i) {
    same_preliminary += theirs.rows[i][theirs.require("prelim")] == name(result.preliminary[i]) ? 1 : 0;
    same_label += theirs.rows[i][theirs.require("bc_id")] == name(result.label[i]) ? 1 : 0;
    worst_delta = std::max(worst_delta, std::abs(result.delta[i] - theirs.number(i, theirs.require("delta")).value()));
    const auto distance = theirs.number(i, theirs.require("mhl_dist"));
    CHECK(distance.has_value() == !std::isnan(result.mahalanobis2[i]));
    if (distance) worst_distance = std::max(worst_distance, std::abs(result.mahalanobis2[i] / *distance - 1));
  }
  CHECK(same_preliminary == 20000);
  CHECK(same_label == 20000);
  CHECK(worst_delta < 1e-6);
  CHECK(worst_distance < 1e-6);
  const io::Table cutoffs = io::read_table(folder / "sample_ff.catalyst_cutoffs.tsv", context);
  for (std::size_t i = 0; i < cutoffs.rows.size(); ++i) {
    CHECK(std::abs(result.cutoffs[i] - cutoffs.number(i, cutoffs.require("sep_cutoff")).value()) < 1e-3);
  }

  const auto ten = cytof::debarcode(key, values, {.cofactor = 10, .cutoff = 0.3, .mahalanobis = 30});
  const io::Table premessa = io::read_table(folder / "sample_ff.premessa_debarcode.tsv", context);
  double worst = 0;
  std::size_t same = 0;
  for (std::size_t i = 0; i < premessa.rows.size(); ++i) {
    same += premessa.rows[i][premessa.require("label")] == name(ten.preliminary[i]) ? 1 : 0;
    worst = std::max(worst, std::abs(ten.delta[i] - premessa.number(i, premessa.require("delta")).value()));
  }
  CHECK(same == 20000);
  CHECK(worst < 1e-6);
}

TEST_CASE("debarcoding: a key without constant number of positives uses the widest gap") {
  const cytof::BarcodeKey key{{102, 104, 105}, {"one", "two"}, {0b001, 0b110}, std::nullopt};
  const std::vector<float> values{1000, 2, 1, 3, 900, 1100, 500, 700, 600, -1, -2, -300};
  const auto result = cytof::debarcode(key, values, {.cofactor = 5, .cutoff = 0.1, .mahalanobis = 30});
  CHECK(result.preliminary[0] == 0);
  CHECK(result.preliminary[1] == 1);
  CHECK(result.preliminary[3] == cytof::Debarcoding::kUnassigned);
  CHECK(std::isnan(result.delta[3]));
}

TEST_CASE("debarcoding: yields fall from one and are drawn for every sample") {
  const cytof::BarcodeKey key{{102, 104}, {"one", "two <2>", "none"}, {1, 2, 3}, std::nullopt};
  cytof::Debarcoding result;
  result.preliminary = {0, 0, 0, 0, 1, -1};
  result.delta = {0.1, 0.2, 0.3, 0.955, 1.5, NAN};
  result.cutoffs = {0.25, 0.5, 1};
  const auto yields = cytof::barcode_yields(key, result);
  CHECK(yields[0][0] == 1);
  CHECK(yields[0][10] == 1);
  CHECK(yields[0][11] == 0.75);
  CHECK(yields[0][95] == 0.25);
  CHECK(yields[0][96] == 0);
  CHECK(yields[1][100] == 1);
  CHECK(std::isnan(yields[2][0]));
  const std::string svg = cytof::yield_plot("run", key, result);
  CHECK_THAT(svg, Catch::StartsWith("<svg") && Catch::Contains("two &lt;2&gt;: cut-off 0.5"));
  CHECK_THAT(svg, !Catch::Contains("nan"));
}

TEST_CASE("debarcoding: no deltas, no cut-off") {
  CHECK(cytof::estimate_cutoff({}) == 1);
}

TEST_CASE("barcode keys: mistakes are named with their line") {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("immucan-key-{}.csv", ::getpid());
  core::RunContext context("test", "0", "test");
  const auto read = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return cytof::read_barcode_key(path, context);
  };
  const auto message = [&](const std::string& text) -> std::string {
    try {
      (void)read(text);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      return error.what();
    }
    return "no error";
  };
  const auto key = read("\"\",\"Pd102Di\",\"104\"\r\n\"a\",1,0\r\nb,0,1\r\n\r\n");
  CHECK(key.masses == std::vector<int>{102, 104});
  CHECK(key.labels == std::vector<std::string>{"a", "b"});
  CHECK(key.codes == std::vector<std::uint64_t>{1, 2});
  CHECK_THAT(message(""), Catch::Contains("empty"));
  CHECK_THAT(message(",102,x\n"), Catch::Contains("'x' is no isotope mass"));
  CHECK_THAT(message(",102,102\n"), Catch::Contains("given twice"));
  CHECK_THAT(message(",102\n"), Catch::Contains("1 barcode channels"));
  CHECK_THAT(message(",102,104\na,1,0\n\nb,0,1\n"), Catch::Contains(":3: a blank row"));
  CHECK_THAT(message(",102,104\na,1,0\na,0,1\n"), Catch::Contains(":3:1: sample 'a' is given twice"));
  CHECK_THAT(message(",102,104\na,1,0\nb,1,0\n"), Catch::Contains(":3: samples 'a' and 'b' have the same code"));
  CHECK_THAT(message(",102,104\na,2,0\n"), Catch::Contains("'2' is neither 0 nor 1"));
  CHECK_THAT(message(",102,104\na,0,0\n"), Catch::Contains("positive in 0 of 2"));
  CHECK_THAT(message(",102,104\na,1\n"), Catch::Contains("2 fields where the header has 3"));
  CHECK_THAT(message(",102,104\n,1,0\n"), Catch::Contains("no sample label"));
  CHECK_THAT(message(",102,104\na,1,0\n"), Catch::Contains("1 samples"));
  std::filesystem::remove(path);
}

}  // namespace
