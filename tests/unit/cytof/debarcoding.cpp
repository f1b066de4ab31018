#include "cytof/debarcoding.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>

#include "core/error.h"
#include "core/random.h"
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

/// Share of `events` simulated events that get the code they were made with; three kinds of sample in four channels.
/// A channel without barcode holds `empty`, one with it up to `brightest` counts and at least 0.4 of that.
double share_right(bool second_gap, double brightest, const std::function<double(core::Random&)>& empty) {
  const cytof::BarcodeKey key{
      {102, 104, 105, 106}, {"one", "two", "other two", "three"}, {0b0001, 0b0011, 0b1100, 0b1110}, std::nullopt};
  core::Random random(5, 0);
  std::vector<float> values;
  std::vector<std::int32_t> truth;
  for (int event = 0; event < 2000; ++event) {
    const auto sample = static_cast<std::size_t>(4 * random.uniform());
    truth.push_back(static_cast<std::int32_t>(sample));
    for (std::size_t c = 0; c < 4; ++c) {
      const bool positive = (key.codes[sample] >> c & 1U) != 0;
      values.push_back(static_cast<float>(positive ? brightest / (1 + 1.5 * random.uniform()) : empty(random)));
    }
  }
  const auto result = cytof::debarcode(key, values, {.second_gap = second_gap});
  double right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) right += result.preliminary[i] == truth[i] ? 1 : 0;
  return right / 2000;
}

TEST_CASE("debarcoding: a planted truth with varying numbers of positives, and which gap decides") {
  // Zero to a few counts: the widest gap is right, and the second is never asked.
  const auto counts = [](core::Random& random) { return 4 * random.uniform(); };
  CHECK(share_right(false, 400, counts) == 1);
  CHECK(share_right(true, 400, counts) == 1);
  // Randomised by less than a count (x - U(0, 1)): the values below the gap are negative though nothing is wrong.
  const auto below_zero = [](core::Random& random) { return -random.uniform(); };
  CHECK(share_right(false, 400, below_zero) == 1);
  CHECK(share_right(true, 400, below_zero) < 0.3);
  // The old ±100 randomisation: a quarter of the empty channels near -100 counts, the others near 0, dim barcodes. An
  // event with both kinds fools the widest gap, one with -100 alone the second.
  const auto shifted = [](core::Random& random) {
    return random.uniform() < 0.25 ? -100 - 5 * random.uniform() : 1.5 * random.uniform();
  };
  const double widest = share_right(false, 100, shifted), second = share_right(true, 100, shifted);
  CAPTURE(widest, second);
  CHECK(widest < 0.75);
  CHECK(second > 0.85);
}

TEST_CASE("debarcoding: the second gap on events worked out by hand") {
  const cytof::BarcodeKey key{{102, 104, 105}, {"one", "two"}, {0b001, 0b110}, std::nullopt};
  const std::vector<float> values{
      200, 1,   -300,  // widest below 1, whose lower value is negative; second below 200: "one"
      200, 250, -300,  // second gap stands between 250 and 200: the code 010 is no sample's
      -1,  -2,  -300,  // second gap has a negative value above it: nothing decides
      1,   200, 210,   // value below the widest gap is not negative: "two"
  };
  const auto result = cytof::debarcode(key, values, {.cofactor = 5, .cutoff = 0.0, .second_gap = true});
  CHECK(result.preliminary == std::vector<std::int32_t>{0, -1, -1, 1});
  const double scale = std::asinh(40.0);
  CHECK(result.delta[0] == Approx((std::asinh(40.0) - std::asinh(0.2)) / scale));
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
