#include "cytof/bead_normalisation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "core/random.h"
#include "cytof_helpers.h"
#include "io/tsv.h"

namespace {

using namespace immucan;
using cytof::BeadEvents;
using cytof::BeadMethod;

const std::vector<int> kBeta{139, 141, 159, 169, 175};
const std::vector<int> kDvs{140, 151, 153, 165, 175};

std::vector<double> column(const io::Table& table, std::string_view name) {
  std::vector<double> values;
  const std::size_t at = table.require(name);
  for (std::size_t row = 0; row < table.rows.size(); ++row) values.push_back(table.number(row, at).value());
  return values;
}

double relative(double a, double b) {
  return std::abs(a - b) / std::max(1e-300, std::abs(b));
}

TEST_CASE("finck: authors' runs, baseline and slopes") {
  const auto folder = test::cytof_data() / "bead_norm/finck";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  std::vector<BeadEvents> runs;
  for (const char* day : {"20120222", "20120229", "20120301", "20120302"}) {
    runs.push_back(test::beads_of(test::read_matrix(folder / (std::string(day) + "_beads.fcs")), kBeta));
  }
  const auto baseline = cytof::bead_baseline(BeadMethod::kFinck, runs);
  const auto expected_baseline = column(io::read_table(folder / "baseline.tsv", context), "baseline_median");
  for (std::size_t c = 0; c < 5; ++c) CHECK(relative(baseline[c], expected_baseline[c]) < 1e-7);

  const auto curve = cytof::fit_slopes(BeadMethod::kFinck, runs[0], baseline, 201);
  const io::Table slopes = io::read_table(folder / "20120222_slopes_expected.tsv", context);
  const auto time = column(slopes, "time"), expected = column(slopes, "slope");
  double worst = 0;
  for (std::size_t i = 0; i < time.size(); ++i) worst = std::max(worst, relative(curve.at(time[i]), expected[i]));
  CAPTURE(worst);
  CHECK(worst < 1e-9);
}

TEST_CASE("finck: bead values against the authors' normalised beads") {
  const auto folder = test::cytof_data() / "bead_norm/finck";
  if (test::skipped(folder)) return;
  std::vector<BeadEvents> runs;
  for (const char* day : {"20120222", "20120229", "20120301", "20120302"}) {
    runs.push_back(test::beads_of(test::read_matrix(folder / (std::string(day) + "_beads.fcs")), kBeta));
  }
  const auto baseline = cytof::bead_baseline(BeadMethod::kFinck, runs);
  const auto curve = cytof::fit_slopes(BeadMethod::kFinck, runs[0], baseline, 201);
  const auto authors = test::read_matrix(folder / "20120222_normalized_removedEvents.fcs");
  const cytof::Panel panel(authors.parameters);
  std::multimap<double, std::size_t> by_time;
  for (std::size_t row = 0; row < authors.rows(); ++row) by_time.emplace(authors.at(row, 0), row);
  std::size_t matched = 0, agree = 0;
  for (std::size_t i = 0; i < runs[0].size(); ++i) {
    const auto [begin, end] = by_time.equal_range(runs[0].time[i]);
    if (begin == end) continue;
    ++matched;
    const double slope = curve.at(runs[0].time[i]);
    const bool found = std::any_of(begin, end, [&](const auto& entry) {
      for (std::size_t c = 0; c < kBeta.size(); ++c) {
        const double theirs = authors.at(entry.second, panel.find_mass(kBeta[c]).value());
        if (relative(runs[0].intensities[c][i] * slope, theirs) > 1e-6) return false;
      }
      return true;
    });
    if (found) ++agree;
  }
  CAPTURE(matched, agree);
  CHECK(matched == 1749);
  CHECK(static_cast<double>(agree) >= 0.999 * static_cast<double>(matched));
}

TEST_CASE("premessa and catalyst: slopes of their own R code") {
  const auto folder = test::cytof_data() / "bead_norm";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const auto raw = test::read_matrix(folder / "raw_data_1.fcs");
  struct Case {
    const char* file;
    BeadMethod method;
    std::size_t window;
  };
  for (const Case& c : {Case{"raw_data_1.premessa_norm_events.tsv", BeadMethod::kPremessa, 201},
                        Case{"raw_data_1.catalyst_norm_k500_events.tsv", BeadMethod::kCatalyst, 501},
                        Case{"raw_data_1.catalyst_norm_k80_events.tsv", BeadMethod::kCatalyst, 81}}) {
    const io::Table table = io::read_table(folder / c.file, context);
    const auto is_bead = column(table, "is_bead"), expected = column(table, "slope");
    std::vector<bool> selected(is_bead.size());
    for (std::size_t i = 0; i < is_bead.size(); ++i) selected[i] = is_bead[i] == 1;
    const std::vector<BeadEvents> beads{test::beads_of(raw, kDvs, &selected)};
    // premessa's baseline pools this run with a second one.
    const auto baseline =
        c.method == BeadMethod::kPremessa
            ? column(io::read_table(folder / "raw_data_1.premessa_norm_beads.tsv", context), "baseline")
            : cytof::bead_baseline(c.method, beads);
    const auto curve = cytof::fit_slopes(c.method, beads[0], baseline, c.window);
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      worst = std::max(worst, relative(curve.at(raw.at(i, 0)), expected[i]));
    }
    CAPTURE(c.file, worst);
    CHECK(worst < 1e-9);
    if (c.method != BeadMethod::kPremessa) continue;
    const auto distance = cytof::BeadDistance::fit(beads[0], curve);
    const auto expected_distance = column(table, "beadDist");
    double worst_distance = 0;
    const cytof::Panel panel(raw.parameters);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      std::vector<double> x;
      for (const int mass : kDvs) x.push_back(raw.at(i, panel.find_mass(mass).value()) * curve.at(raw.at(i, 0)));
      worst_distance = std::max(worst_distance, relative((*distance)(x), expected_distance[i]));
    }
    CAPTURE(worst_distance);
    CHECK(worst_distance < 1e-6);
  }
}

TEST_CASE("finck: bead medians of the four runs lie as close together as the authors' own") {
  const auto folder = test::cytof_data() / "bead_norm/finck";
  if (test::skipped(folder)) return;
  std::vector<BeadEvents> runs;
  for (const char* day : {"20120222", "20120229", "20120301", "20120302"}) {
    runs.push_back(test::beads_of(test::read_matrix(folder / (std::string(day) + "_beads.fcs")), kBeta));
  }
  const auto baseline = cytof::bead_baseline(BeadMethod::kFinck, runs);
  // Largest over smallest median, as the authors' program left them.
  const std::vector<double> authors{1.29, 1.40, 1.10, 1.11, 1.08};
  for (std::size_t c = 0; c < 5; ++c) {
    double lowest = 1e300, highest = 0, lowest_before = 1e300, highest_before = 0;
    for (const BeadEvents& beads : runs) {
      const auto curve = cytof::fit_slopes(BeadMethod::kFinck, beads, baseline, 201);
      std::vector<double> before = beads.intensities[c], after = before;
      for (std::size_t i = 0; i < after.size(); ++i) after[i] *= curve.at(beads.time[i]);
      const double median = cytof::median_of(after), median_before = cytof::median_of(before);
      lowest = std::min(lowest, median);
      highest = std::max(highest, median);
      lowest_before = std::min(lowest_before, median_before);
      highest_before = std::max(highest_before, median_before);
    }
    CAPTURE(kBeta[c], highest / lowest);
    CHECK(highest_before / lowest_before > 2.5);
    CHECK(highest / lowest <= authors[c]);
  }
}

}  // namespace
