#include "cytof/phenotyping.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>

#include "core/error.h"
#include "core/random.h"
#include "cytof/exact_medians.h"
#include "cytof/gate_tree.h"
#include "cytof/normalise_files.h"
#include "cytof_helpers.h"
#include "io/fcs_writer.h"
#include "unit/temporary_folder.h"

namespace {

using namespace immucan;

std::string error_of(const std::function<void()>& call, core::Status status) {
  try {
    call();
  } catch (const core::Error& error) {
    CHECK(error.status() == status);
    return error.what();
  }
  return "no error";
}

TEST_CASE("isotope masses are read from the names that instruments and people give") {
  using cytof::isotope_mass;
  CHECK(isotope_mass("(La139)Di") == 139);
  CHECK(isotope_mass("La139Di") == 139);
  CHECK(isotope_mass("Bead1(La139)Di") == 139);
  CHECK(isotope_mass("CD11c(Tb159)Di") == 159);
  CHECK(isotope_mass("139La_CD8") == 139);
  CHECK(isotope_mass("159Tb") == 159);
  CHECK(isotope_mass("Y89Di") == 89);
  CHECK(isotope_mass("I127Di") == 127);
  CHECK(isotope_mass("BCKG190Di") == 190);
  CHECK(isotope_mass("Ir191Dd") == 191);
  for (const char* none :
       {"CD45", "CD8", "HLA-DR", "Time", "Event_length", "CD123", "CD161", "TCRgd", "IgG4", "La150", ""}) {
    CAPTURE(none);
    CHECK_FALSE(isotope_mass(none).has_value());
  }
}

TEST_CASE("markers are found by name, marker or the marker's part") {
  const std::vector<io::FcsParameter> parameters = {{.name = "Time", .marker = ""},
                                                    {.name = "La139Di", .marker = "139La_CD8"},
                                                    {.name = "CD11c(Tb159)Di", .marker = ""},
                                                    {.name = "Ir191Di", .marker = "DNA1"},
                                                    {.name = "Residual", .marker = "Residual"}};
  const cytof::Panel panel(parameters);
  CHECK(panel.find_marker("CD8") == 1);
  CHECK(panel.find_marker("cd11C") == 2);
  CHECK(panel.find_marker("DNA1") == 3);
  CHECK(panel.find_marker("La139Di") == 1);
  CHECK_FALSE(panel.find_marker("CD4").has_value());
  CHECK(panel.time() == 0);
  CHECK(panel.dna() == 3);
  CHECK_FALSE(panel.channels()[0].is_mass);
  CHECK(panel.channels()[2].is_mass);
  CHECK_FALSE(panel.channels()[4].is_mass);
}

TEST_CASE("exact medians equal sorting, for odd and even counts, negative values and infinities") {
  core::Random random(3);
  const std::vector<std::size_t> sizes{0, 1, 2, 3, 10, 101, 1000, 5000};
  std::vector<std::vector<float>> groups;
  for (const std::size_t size : sizes) {
    auto& group = groups.emplace_back();
    for (std::size_t i = 0; i < size; ++i) {
      const double kind = random.uniform();
      group.push_back(kind < 0.3    ? 0.0F
                      : kind < 0.31 ? std::numeric_limits<float>::infinity()
                                    : static_cast<float>(random.normal() * std::exp(10 * random.normal())));
    }
  }
  cytof::ExactMedians medians(groups.size());
  for (int reading = 0; reading < cytof::ExactMedians::kReadings; ++reading) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const float value : groups[g]) medians.add(g, value);
    }
    medians.end_reading();
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    float lower = 0, upper = 0;
    REQUIRE(medians.middle(g, lower, upper) == !groups[g].empty());
    if (groups[g].empty()) continue;
    std::ranges::sort(groups[g]);
    CHECK(lower == groups[g][(groups[g].size() - 1) / 2]);
    CHECK(upper == groups[g][groups[g].size() / 2]);
  }
}

TEST_CASE("gate tables: order is free, mistakes are named with their line") {
  const test::TemporaryFolder scratch;
  core::RunContext context("test", "0", "test");
  const std::string header = "population\tparent\tmarker\tmin\tmax\n";
  const auto tree = cytof::read_gates(
      scratch.write("g.tsv", header + "CD8\tT\tCD8\t2\tNA\nT\tNA\tCD3\t2\t9\nCD8\tT\tCD4\tNA\t2\n"), context);
  REQUIRE(tree.populations.size() == 2);
  CHECK(tree.populations[0].name == "T");
  CHECK(tree.populations[1].parent == 0);
  CHECK(tree.populations[1].intervals.size() == 2);
  const auto message = [&](const std::string& rows) {
    return error_of([&] { (void)cytof::read_gates(scratch.write("b.tsv", header + rows), context); },
                    core::Status::kBadInput);
  };
  CHECK_THAT(message(""), Catch::Contains("no population"));
  CHECK_THAT(message("A\tB\tCD3\t1\tNA\nB\tA\tCD4\t1\tNA\n"),
             Catch::Contains(":2:") && Catch::Contains("its own ancestor"));
  CHECK_THAT(message("A\tX\tCD3\t1\tNA\n"), Catch::Contains(":2:") && Catch::Contains("'X' is not defined"));
  CHECK_THAT(message("A\tNA\tCD3\t3\t1\n"), Catch::Contains(":2:") && Catch::Contains("is not above min"));
  CHECK_THAT(message("A\tNA\tCD3\tx\t1\n"), Catch::Contains(":2:"));
  CHECK_THAT(message("A\tNA\tNA\t1\t2\n"), Catch::Contains("marker is missing"));
  CHECK_THAT(message("NA\tNA\tCD3\t1\t2\n"), Catch::Contains("population is missing"));
  CHECK_THAT(message("A\tNA\tCD3\t1\t2\nB\tNA\tCD3\t1\t2\nA\tB\tCD4\t1\t2\n"),
             Catch::Contains(":4:") && Catch::Contains("two parents"));
  CHECK_THAT(message("A B\tNA\tCD3\t1\t2\nA_B\tNA\tCD3\t1\t2\n"), Catch::Contains("same feature name"));
}

/// Cells of known state on the arcsinh scale; the truth is counted while they are made.
struct Planted {
  std::vector<double> rows;
  std::size_t cells = 0, t = 0, cd8 = 0, debris = 0;
};

Planted plant(std::size_t events) {
  core::Random random(9);
  Planted planted;
  for (std::size_t i = 0; i < events; ++i) {
    const bool debris = random.bernoulli(0.1), t = random.bernoulli(0.6), cd8 = t && random.bernoulli(0.4);
    const auto raw = [](double level) { return 5 * std::sinh(level); };
    planted.rows.insert(planted.rows.end(), {static_cast<double>(i), raw(debris ? 0.5 : 5), raw(t ? 4 : 1),
                                             raw(cd8 ? 5 + 0.1 * random.normal() : 0.2)});
    planted.debris += debris ? 1 : 0;
    planted.cells += debris ? 0 : 1;
    planted.t += !debris && t ? 1 : 0;
    planted.cd8 += !debris && cd8 ? 1 : 0;
  }
  return planted;
}

TEST_CASE("planted populations come back with counts and medians") {
  const test::TemporaryFolder scratch;
  const Planted planted = plant(5000);
  core::OutputFile out(scratch / "P01.normalized.fcs");
  io::FcsWriter writer(out, {},
                       {{"Time", "", 5000, {}},
                        {"Ir191Di", "DNA1", 1000, {}},
                        {"Er170Di", "CD3", 1000, {}},
                        {"Nd146Di", "CD8", 1000, {}}},
                       5000);
  writer.write(planted.rows);
  writer.finish();
  out.commit();
  core::RunContext context("test", "0", "test");
  cytof::PhenotypeOptions options;
  options.files = {scratch / "P01.normalized.fcs"};
  options.gates =
      scratch.write("gates.tsv", "population\tparent\tmarker\tmin\tmax\nCD8\tT\tCD8\t2\tNA\nT\tNA\tCD3\t2\tNA\n");
  options.least_dna = 3;
  const auto result = cytof::phenotype_files(options, context);
  CHECK(result.sample == "P01");
  CHECK(result.debris == planted.debris);
  CHECK(result.cells == planted.cells);
  REQUIRE(result.populations.size() == 2);
  CHECK(result.populations[0].name == "T");
  CHECK(result.populations[0].count == planted.t);
  CHECK(result.populations[1].count == planted.cd8);
  CHECK(result.populations[1].parent_count == planted.t);
  REQUIRE(result.markers == std::vector<std::string>{"DNA1", "CD3", "CD8"});
  CHECK(result.populations[1].medians[1].value() == Approx(4).epsilon(1e-6));
  CHECK(result.populations[1].medians[2].value() == Approx(5).margin(0.02));

  options.gates = scratch.write("gates2.tsv", "population\tparent\tmarker\tmin\tmax\nB\tNA\tCD19\t2\tNA\n");
  const std::string message =
      error_of([&] { (void)cytof::phenotype_files(options, context); }, core::Status::kBadInput);
  CHECK_THAT(message, Catch::Contains("gates2.tsv:2") && Catch::Contains("'CD19' is not in"));
}

TEST_CASE("bead files are paired in order or by the longest common prefix") {
  using cytof::pair_bead_files;
  CHECK(pair_bead_files({"b.fcs", "a.fcs"}, {"x.fcs", "y.fcs"}) == std::vector<std::size_t>{0, 1});
  CHECK(pair_bead_files({"d/20120301_raw.fcs"}, {"20120222_beads.fcs", "20120301_beads.fcs"}) ==
        std::vector<std::size_t>{1});
  CHECK_THAT(error_of([] { (void)pair_bead_files({"a.fcs", "b.fcs"}, {"a.fcs"}); }, core::Status::kUsage),
             Catch::Contains("--bead-events"));
  CHECK_THAT(error_of([] { (void)pair_bead_files({"q.fcs"}, {"a.fcs", "b.fcs"}); }, core::Status::kUsage),
             Catch::Contains("not clear"));
  CHECK(cytof::fcs_stem("dir/x.y.FCS.gz") == "x.y");
}

/// A run with beads of known gain: what normalize must undo.
std::filesystem::path write_run(const test::TemporaryFolder& scratch, const std::string& name, double gain,
                                std::size_t beads, bool monotone = true) {
  core::Random random(7);
  const std::size_t events = 20 * beads + 400;
  std::vector<double> rows;
  for (std::size_t i = 0; i < events; ++i) {
    const bool bead = i % 20 == 0 && i / 20 < beads;
    rows.push_back(monotone || i != events / 2 ? static_cast<double>(10 * i) : 0);
    rows.push_back(bead ? 0 : 500 * random.lognormal(0, 0.2));
    for (int c = 0; c < 5; ++c) rows.push_back(gain * (bead ? 800 * random.lognormal(0, 0.05) : random.exponential(1)));
    rows.push_back(gain * 100);
  }
  const auto path = scratch / name;
  core::OutputFile out(path);
  io::FcsWriter writer(out, {},
                       {{"Time", "", 1, {}},
                        {"Ir191Di", "DNA1", 1, {}},
                        {"Ce140Di", "", 1, {}},
                        {"Eu151Di", "", 1, {}},
                        {"Eu153Di", "", 1, {}},
                        {"Ho165Di", "", 1, {}},
                        {"Lu175Di", "", 1, {}},
                        {"Nd146Di", "CD8", 1, {}}},
                       events);
  writer.write(rows);
  writer.finish();
  out.commit();
  return path;
}

TEST_CASE("normalize undoes a difference of gain between two files, and a model carries it over") {
  const test::TemporaryFolder scratch;
  core::RunContext context("test", "0", "normalize");
  cytof::NormaliseOptions options;
  options.files = {write_run(scratch, "a.fcs", 1, 300), write_run(scratch, "b.fcs", 0.5, 300)};
  const auto run = [&](const std::string& folder) {
    core::OutputSet outputs = core::OutputSet::folder(context, scratch / folder);
    const auto model = cytof::normalise_files(options, outputs, context);
    outputs.commit();
    return model;
  };
  for (const char* method : {"finck", "premessa", "catalyst"}) {
    CAPTURE(method);
    options.method = method;
    const auto model = run(method);
    REQUIRE(model.runs.size() == 2);
    CHECK(model.runs[0].beads == 300);
    CHECK(model.runs[1].beads == 300);
    const auto level = [&](const std::string& name) { return test::read_matrix(scratch / method / name).at(0, 7); };
    CHECK(level("a.normalized.fcs") / level("b.normalized.fcs") == Approx(1).epsilon(0.03));
    CHECK(test::read_matrix(scratch / method / "b.beads.fcs").rows() == 300);
    const auto kept = test::read_matrix(scratch / method / "a.normalized.fcs").rows();
    CHECK(kept == model.runs[0].events - model.runs[0].removed);
  }
  options.method = "finck";
  options.files = {options.files[1]};
  options.model = scratch / "finck" / "model.json";
  const auto again = run("again");
  CHECK(test::read_matrix(scratch / "again" / "b.normalized.fcs").values ==
        test::read_matrix(scratch / "finck" / "b.normalized.fcs").values);
}

TEST_CASE("few, no or unusable beads have a defined end") {
  const test::TemporaryFolder scratch;
  core::RunContext context("test", "0", "normalize");
  const auto normalise = [&](const std::filesystem::path& file, const std::string& beads = "auto",
                             const std::string& method = "finck") {
    cytof::NormaliseOptions options;
    options.files = {file};
    options.beads = beads;
    options.method = method;
    core::OutputSet outputs = core::OutputSet::folder(context, scratch / "out");
    return cytof::normalise_files(options, outputs, context);
  };
  const auto message = [&](const std::filesystem::path& file, const std::string& beads = "auto") {
    return error_of([&] { (void)normalise(file, beads); }, core::Status::kBadInput);
  };
  CHECK_THAT(message(write_run(scratch, "none.fcs", 1, 0)),
             Catch::Contains("none.fcs") && Catch::Contains("at least 10"));
  CHECK_THAT(message(write_run(scratch, "five.fcs", 1, 5)), Catch::Contains("at least 10"));
  CHECK_THAT(message(write_run(scratch, "beta.fcs", 1, 60), "beta"),
             Catch::Contains("no channel has the bead mass 139"));
  CHECK_THAT(message(write_run(scratch, "jump.fcs", 1, 60, false)), Catch::Contains("Time falls from"));
  CHECK(normalise(scratch / "jump.fcs", "auto", "premessa").runs[0].beads == 60);
  const auto few = normalise(write_run(scratch, "few.fcs", 1, 30));
  CHECK(few.runs[0].slope_minimum == few.runs[0].slope_maximum);
  REQUIRE(few.runs[0].warnings.size() == 1);
  CHECK_THAT(few.runs[0].warnings[0], Catch::Contains("only 30 beads"));
  CHECK_THAT(error_of([&] { (void)normalise(scratch / "few.fcs", "12,140"); }, core::Status::kUsage),
             Catch::Contains("no isotope mass"));
}

}  // namespace
