#include "cytof/bead_spool.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "core/random.h"
#include "cytof/bead_finding.h"
#include "cytof/catalyst_gate.h"
#include "cytof/drift_plot.h"
#include "cytof_helpers.h"
#include "io/fcs_writer.h"
#include "io/tsv.h"

namespace {

using namespace immucan;
using cytof::BeadMethod;

const std::filesystem::path kFolder = std::filesystem::temp_directory_path();

cytof::BeadEvents simulated_beads(std::size_t count, bool time_falls) {
  core::Random random(count + (time_falls ? 1 : 0));
  cytof::BeadEvents beads;
  beads.intensities.resize(3);
  double time = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (random.bernoulli(0.7)) time += std::floor(10 * random.uniform());
    if (time_falls && i == count / 2) time = 5;
    beads.events.push_back(2 * i);
    beads.time.push_back(time);
    for (auto& channel : beads.intensities) {
      channel.push_back(static_cast<double>(static_cast<float>(100 * random.lognormal(0, 0.3))));
    }
  }
  return beads;
}

cytof::BeadSpool spooled(const cytof::BeadEvents& beads) {
  cytof::BeadSpool spool(beads.intensities.size(), kFolder);
  std::vector<double> row(beads.intensities.size());
  for (std::size_t i = 0; i < beads.size(); ++i) {
    for (std::size_t c = 0; c < row.size(); ++c) row[c] = beads.intensities[c][i];
    spool.add(beads.events[i], beads.time[i], row);
  }
  return spool;
}

TEST_CASE("records come back from memory and from the temporary file, from any place") {
  io::RecordSpool spool(4, kFolder, 64);
  for (std::uint32_t i = 0; i < 1000; ++i) spool.append({reinterpret_cast<const char*>(&i), 4});
  REQUIRE(spool.size() == 1000);
  std::vector<std::uint32_t> buffer(300);
  for (const std::uint64_t first : {0, 5, 700, 980, 999, 1000}) {
    const std::size_t held = spool.read(first, {reinterpret_cast<char*>(buffer.data()), 1200});
    CHECK(held == std::min<std::uint64_t>(300, 1000 - first));
    for (std::size_t i = 0; i < held; ++i) REQUIRE(buffer[i] == first + i);
  }
  CHECK_THROWS_AS(io::TemporaryFile("/nowhere/at/all"), core::Error);
}

TEST_CASE("spooled curves, medians and distances are those of beads held in memory, to the bit") {
  for (const std::size_t count : {12U, 60U, 900U, 9000U}) {
    for (const bool falls : {false, true}) {
      const cytof::BeadEvents beads = simulated_beads(count, falls);
      const cytof::BeadSpool spool = spooled(beads);
      CHECK(spool.in_time_order() != falls);
      const std::vector<double> baseline{90, 100, 120};
      for (const BeadMethod method : {BeadMethod::kFinck, BeadMethod::kPremessa, BeadMethod::kCatalyst}) {
        if (falls && method == BeadMethod::kFinck) continue;
        for (const std::size_t window : {21U, 201U, 501U}) {
          CAPTURE(count, falls, window, cytof::to_string(method));
          const auto curve = cytof::fit_slopes(method, beads, baseline, window);
          auto on_disk = cytof::fit_spooled_slopes(method, spool, baseline, window);
          REQUIRE(on_disk.size() == curve.time.size());
          std::size_t different = 0;
          // Forwards, and then back and forth.
          for (double t = -5; t < beads.time.back() + 50; t += 0.5) different += on_disk.at(t) != curve.at(t) ? 1 : 0;
          core::Random random(3);
          for (int i = 0; i < 500; ++i) {
            const double t = beads.time.back() * random.uniform();
            different += on_disk.at(t) != curve.at(t) ? 1 : 0;
          }
          CHECK(different == 0);
          CHECK(on_disk.lowest() == *std::ranges::min_element(curve.slope));
          CHECK(on_disk.highest() == *std::ranges::max_element(curve.slope));
          const auto distance = cytof::BeadDistance::fit(beads, curve);
          const auto spooled_distance = cytof::fit_spooled_distance(spool, on_disk);
          const std::vector<double> point{80, 90, 130};
          REQUIRE(distance.has_value() == spooled_distance.has_value());
          if (distance) CHECK((*distance)(point) == (*spooled_distance)(point));
        }
        const cytof::BeadSpool* const files[] = {&spool, &spool};
        CHECK(cytof::spooled_baseline(method, files) == cytof::bead_baseline(method, std::vector{beads, beads}));
      }
    }
  }
}

TEST_CASE("rows of beads are answered in order") {
  cytof::RowSpool rows(kFolder);
  for (std::uint64_t i = 0; i < 20000; ++i) rows.add(3 * i + 1);
  cytof::RowSpool::Marker marked(rows);
  std::size_t wrong = 0;
  for (std::uint64_t row = 0; row < 60010; ++row) wrong += marked(row) != (row % 3 == 1 && row < 60000) ? 1 : 0;
  CHECK(wrong == 0);
}

TEST_CASE("CATALYST's own gate finds CATALYST's beads and removals") {
  const auto folder = test::cytof_data() / "bead_norm";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const std::vector<int> masses{140, 151, 153, 165, 175};
  io::FcsFile file(folder / "raw_data_1.fcs", {}, context);
  const auto columns = cytof::bead_columns(file, masses);
  const auto found = cytof::BeadFinder(masses, BeadMethod::kCatalyst, context).as_catalyst(file, columns);
  cytof::RowSpool::Marker marked(found.rows);
  const auto raw = test::read_matrix(folder / "raw_data_1.fcs");
  const io::Table theirs = io::read_table(folder / "raw_data_1.catalyst_norm_k500_events.tsv", context);
  REQUIRE(raw.rows() == theirs.rows.size());
  std::size_t same_bead = 0, same_removed = 0, beads = 0, removed = 0;
  for (std::size_t i = 0; i < raw.rows(); ++i) {
    const bool their_bead = theirs.number(i, theirs.require("is_bead")) == 1.0;
    const bool their_removed = their_bead || theirs.number(i, theirs.require("remove")) == 1.0;
    const bool bead = marked(i);
    bool gone = true;
    for (std::size_t c = 0; c < masses.size(); ++c) {
      gone = gone && static_cast<float>(raw.at(i, columns.beads[c])) > found.removal_floor[c];
    }
    beads += bead ? 1 : 0;
    removed += bead || gone ? 1 : 0;
    same_bead += bead == their_bead ? 1 : 0;
    same_removed += (bead || gone) == their_removed ? 1 : 0;
  }
  CAPTURE(beads, removed);
  CHECK(same_bead == raw.rows());
  CHECK(same_removed == raw.rows());
  CHECK(beads == 89);
  CHECK(removed == 98);
}

TEST_CASE("a bead candidate is above DNA in every bead channel") {
  CHECK(cytof::is_catalyst_candidate(std::vector<double>{5, 6}, std::vector<double>{1, 4}));
  CHECK_FALSE(cytof::is_catalyst_candidate(std::vector<double>{5, 6}, std::vector<double>{1, 5}));
  CHECK_FALSE(cytof::is_catalyst_candidate(std::vector<double>{-0.5, 6}, std::vector<double>{-1, -1}));
  CHECK_FALSE(cytof::is_catalyst_candidate(std::vector<double>{NAN, 6}, std::vector<double>{1, 1}));
}

TEST_CASE("a saturated bead channel is said, and a gate on one DNA channel") {
  core::Random random(11);
  const auto path = kFolder / ("immucan-saturated-" + std::to_string(::getpid()) + ".fcs");
  std::vector<double> rows;
  for (int i = 0; i < 400; ++i) {
    const bool bead = i % 2 == 0;
    rows.insert(rows.end(), {static_cast<double>(i), bead ? random.uniform() : 300 + random.uniform(),
                             bead ? std::min(520.0, 500 * random.lognormal(0, 0.1)) : random.uniform(),
                             bead ? 500 * random.lognormal(0, 0.1) : random.uniform()});
  }
  {
    core::OutputFile out(path);
    io::FcsWriter writer(
        out, {}, {{"Time", "", 1, {}}, {"Ir191Di", "", 1, {}}, {"Ce140Di", "", 1, {}}, {"Eu151Di", "", 1, {}}}, 400);
    writer.write(rows);
    writer.finish();
    out.commit();
  }
  core::RunContext context("test", "0", "test");
  io::FcsFile file(path, {}, context);
  const std::vector<int> masses{140, 151};
  const auto columns = cytof::bead_columns(file, masses);
  cytof::BeadFinder finder(masses, BeadMethod::kCatalyst, context);
  const auto found = finder.as_catalyst(file, columns);
  REQUIRE(found.warnings.size() == 2);
  CHECK_THAT(found.warnings[0], Catch::Contains("one of the DNA channels"));
  CHECK_THAT(found.warnings[1], Catch::StartsWith("bead mass 140 is saturated") && Catch::Contains("value 520"));
  CHECK_THROWS_WITH((void)finder.as_catalyst(file, {columns.time, columns.beads, {}}),
                    Catch::Contains("needs the DNA channels"));
  std::filesystem::remove(path);
}

TEST_CASE("the drift plot draws both panels, also for one bead") {
  for (const std::size_t count : {1U, 40U, 3000U}) {
    const auto beads = spooled(simulated_beads(count, false));
    cytof::SpooledCurve curve(kFolder);
    curve.add(0, 2);
    const std::string svg = cytof::drift_plot("run <1>", {140, 151, 153}, beads, curve);
    CHECK_THAT(svg, Catch::StartsWith("<svg") && Catch::Contains("run &lt;1&gt;") && Catch::Contains("before") &&
                        Catch::Contains("after") && !Catch::Contains("nan") && !Catch::Contains("inf"));
  }
}

}  // namespace
