#include "cytof/bead_gate.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "core/random.h"
#include "cytof_helpers.h"
#include "io/tsv.h"

namespace {

using namespace immucan;

double f1_of(const test::Matrix& matrix, const std::vector<int>& masses, const std::vector<bool>& truth,
             std::size_t& found_out) {
  const cytof::Panel panel(matrix.parameters);
  const auto dna = panel.dna();
  std::vector<std::size_t> columns;
  for (const int mass : masses) columns.push_back(panel.find_mass(mass).value());
  const auto row_of = [&](std::size_t row) {
    std::vector<double> x;
    for (const std::size_t column : columns) x.push_back(matrix.at(row, column));
    return x;
  };
  cytof::EvenSample sample(masses.size(), dna.has_value());
  for (std::size_t row = 0; row < matrix.rows(); ++row) sample.add(row_of(row), matrix.at(row, dna.value()));
  const auto gate = cytof::BeadGate::fit(sample.sample());
  REQUIRE(gate.has_value());
  std::size_t found = 0, right = 0, expected = 0;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    const bool is_bead = gate->contains(row_of(row), matrix.at(row, *dna));
    found += is_bead ? 1 : 0;
    right += is_bead && truth[row] ? 1 : 0;
    expected += truth[row] ? 1 : 0;
  }
  found_out = found;
  return 2 * static_cast<double>(right) / static_cast<double>(found + expected);
}

std::vector<bool> flags(const std::filesystem::path& path) {
  core::RunContext context("test", "0", "test");
  const io::Table table = io::read_table(path, context);
  std::vector<bool> result;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    result.push_back(table.number(row, table.require("is_bead")) == 1.0);
  }
  return result;
}

TEST_CASE("automatic bead gate against the manual gate of Finck's run") {
  const auto folder = test::cytof_data() / "bead_norm/finck";
  if (test::skipped(folder)) return;
  std::size_t found = 0;
  const double f1 = f1_of(test::read_matrix(folder / "20120222_raw_reconstructed.fcs"), {139, 141, 159, 169, 175},
                          flags(folder / "20120222_slopes_expected.tsv"), found);
  CAPTURE(found);
  WARN("20120222: F1 " << f1 << ", " << found << " beads");
  CHECK(f1 >= 0.96);
}

/// The surroundings of the beads are known of one run only. A run of another day is put together from that day's beads,
/// with the DNA of the first run's beads, and the first run's other events, brought to that day's sensitivity.
test::Matrix day_rebuilt(const test::Matrix& first, const std::vector<bool>& is_bead, const test::Matrix& beads,
                         const std::vector<int>& masses, std::vector<bool>& expected) {
  const cytof::Panel panel(first.parameters), bead_panel(beads.parameters);
  std::vector<std::size_t> bead_rows;
  for (std::size_t row = 0; row < first.rows(); ++row) {
    if (is_bead[row]) bead_rows.push_back(row);
  }
  test::Matrix run{first.parameters, first.columns, {}};
  const auto add = [&](std::size_t row, bool bead) {
    run.values.insert(run.values.end(), first.values.begin() + static_cast<std::ptrdiff_t>(row * first.columns),
                      first.values.begin() + static_cast<std::ptrdiff_t>((row + 1) * first.columns));
    expected.push_back(bead);
    return run.values.data() + run.values.size() - run.columns;
  };
  const auto theirs = test::beads_of(beads, masses), ours = test::beads_of(first, masses, &is_bead);
  std::vector<double> gain;
  for (std::size_t c = 0; c < masses.size(); ++c) {
    auto a = theirs.intensities[c], b = ours.intensities[c];
    gain.push_back(cytof::median_of(a) / cytof::median_of(b));
  }
  for (std::size_t row = 0; row < first.rows(); ++row) {
    if (is_bead[row]) continue;
    double* values = add(row, false);
    for (std::size_t c = 0; c < masses.size(); ++c) values[panel.find_mass(masses[c]).value()] *= gain[c];
  }
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    double* values = add(bead_rows[i % bead_rows.size()], true);
    for (std::size_t c = 0; c < masses.size(); ++c) {
      values[panel.find_mass(masses[c]).value()] = theirs.intensities[c][i];
    }
  }
  return run;
}

TEST_CASE("automatic bead gate on the other three days, rebuilt from their beads") {
  const auto folder = test::cytof_data() / "bead_norm/finck";
  if (test::skipped(folder)) return;
  const std::vector<int> beta{139, 141, 159, 169, 175};
  const auto first = test::read_matrix(folder / "20120222_raw_reconstructed.fcs");
  const auto is_bead = flags(folder / "20120222_slopes_expected.tsv");
  for (const char* day : {"20120229", "20120301", "20120302"}) {
    std::vector<bool> expected;
    const auto run =
        day_rebuilt(first, is_bead, test::read_matrix(folder / (std::string(day) + "_beads.fcs")), beta, expected);
    std::size_t found = 0;
    const double f1 = f1_of(run, beta, expected, found);
    WARN(day << " (rebuilt): F1 " << f1 << ", " << found << " beads");
    CHECK(f1 >= 0.96);
  }
}

TEST_CASE("automatic bead gate against both R programs on a run of another instrument") {
  const auto folder = test::cytof_data() / "bead_norm";
  if (test::skipped(folder)) return;
  const auto raw = test::read_matrix(folder / "raw_data_1.fcs");
  for (const char* table : {"raw_data_1.premessa_norm_events.tsv", "raw_data_1.catalyst_norm_k500_events.tsv"}) {
    std::size_t found = 0;
    const double f1 = f1_of(raw, {140, 151, 153, 165, 175}, flags(folder / table), found);
    WARN(table << ": F1 " << f1 << ", " << found << " beads");
    CHECK(f1 >= 0.96);
  }
}

TEST_CASE("no bead cloud, no gate") {
  core::Random random(1);
  cytof::EvenSample few(2, true);
  for (int i = 0; i < 3; ++i) few.add(std::vector<double>{100, 100}, 0);
  CHECK_FALSE(cytof::BeadGate::fit(few.sample()));
  cytof::EvenSample empty(5, true);
  CHECK_FALSE(cytof::BeadGate::fit(empty.sample()));
  cytof::EvenSample cells_and_debris(3, true);
  for (int i = 0; i < 5000; ++i) {
    std::vector<double> x;
    for (int c = 0; c < 3; ++c) x.push_back(random.exponential(1.0));
    cells_and_debris.add(x, i % 5 == 0 ? random.exponential(1.0) : 500 * random.lognormal(0, 0.2));
  }
  CHECK_FALSE(cytof::BeadGate::fit(cells_and_debris.sample()));
}

TEST_CASE("an even sample keeps its capacity and spans the run") {
  cytof::EvenSample sample(1, false, 64);
  for (int i = 0; i < 10000; ++i) sample.add(std::vector<double>{5 * std::sinh(static_cast<double>(i))}, 0);
  CHECK(sample.sample().events() <= 64);
  CHECK(sample.sample().events() >= 32);
}

}  // namespace
