#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/random.h"
#include "cytof/batch_files.h"
#include "cytof/batch_plot.h"
#include "cytof_helpers.h"

namespace {

using namespace immucan;
using cytof::Extrapolation;

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::filesystem::path scratch(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("immucan-batch-{}-{}", ::getpid(), name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

cytof::BatchControls real_controls(const std::filesystem::path& folder) {
  cytof::BatchControls controls;
  const auto channels = lines_of(folder / "coding_detectors.txt");
  controls.channels = {channels, channels};
  for (const char* batch : {"PTLG021", "PTLG028", "PTLG034"}) {
    controls.batches.emplace_back(batch);
    const auto matrix = test::read_matrix(folder / fmt::format("Gates_{}_Unstim_Control_1.fcs", batch));
    const cytof::Panel panel(matrix.parameters);
    auto& values = controls.values.emplace_back();
    for (std::size_t row = 0; row < matrix.rows(); ++row) {
      for (const auto& channel : channels) {
        values.push_back(static_cast<float>(matrix.at(row, panel.find_marker(channel).value())));
      }
    }
  }
  return controls;
}

TEST_CASE("CytoNorm without clusters equals the R package") {
  const auto folder = test::cytof_data() / "cytonorm";
  if (test::skipped(folder)) return;
  const auto controls = real_controls(folder);
  const auto model = cytof::train_batches(controls, {.clusters = 1});
  const auto measured = test::read_matrix(folder / "Gates_PTLG021_Unstim_Control_2.fcs");
  const auto expected = test::read_matrix(folder / "Norm_Gates_PTLG021_Unstim_Control_2.fcs");
  const cytof::Panel panel(measured.parameters);
  REQUIRE(expected.rows() == measured.rows());
  const cytof::BatchTransform linear(model, 0, Extrapolation::kLinear), clamp(model, 0, Extrapolation::kClamp),
      quantiles(model, 0, Extrapolation::kQuantiles);
  double worst = 0;
  std::size_t within = 0, inner = 0;
  std::vector<float> buffer;
  for (std::size_t row = 0; row < measured.rows(); ++row) {
    std::vector<double> raw;
    for (const auto& channel : controls.channels.names) {
      raw.push_back(measured.at(row, panel.find_marker(channel).value()));
    }
    auto free = raw, held = raw, narrow = raw;
    linear.apply(free, buffer);
    clamp.apply(held, buffer);
    quantiles.apply(narrow, buffer);
    for (std::size_t c = 0; c < raw.size(); ++c) {
      const double r = expected.at(row, panel.find_marker(controls.channels.names[c]).value());
      // As written: float32. Values about 0 are compared on the scale of one count.
      worst = std::max(worst, std::abs(static_cast<float>(free[c]) - r) / std::max(std::abs(r), 1e-3));
      const auto& goal = model.goals[0][c];
      const double low = std::sinh(goal.front()) * 5, high = std::sinh(goal.back()) * 5;
      REQUIRE(held[c] >= low - 1e-9 * std::abs(low));
      REQUIRE(held[c] <= high + 1e-9 * std::abs(high));
      const double scaled = std::asinh(narrow[c] / 5);
      REQUIRE(scaled >= goal[1] - 1e-9);
      REQUIRE(scaled <= goal[goal.size() - 2] + 1e-9);
      const auto& own = model.cell(0, 0).quantiles[c];
      const double x = std::asinh(raw[c] / 5);
      ++within;
      if (x < own[1] || x > own[own.size() - 2]) continue;
      ++inner;
      REQUIRE(held[c] == free[c]);  // the three differ beyond the quantiles alone
    }
  }
  CAPTURE(worst);
  CHECK(worst < 1e-6);
  CHECK(inner > within * 9 / 10);
}

TEST_CASE("extrapolation is monotone, and bounded unless asked otherwise") {
  core::Random random(5);
  cytof::BatchControls controls{{{"Nd142Di"}, {"CD19"}}, {"a", "b"}, {{}, {}}};
  for (int i = 0; i < 2000; ++i) {
    controls.values[0].push_back(static_cast<float>(50 * std::exp(random.normal())));
    controls.values[1].push_back(static_cast<float>(80 * std::exp(random.normal())));
  }
  const auto model = cytof::train_batches(controls, {.clusters = 1});
  std::vector<float> buffer;
  for (const auto kind : {Extrapolation::kClamp, Extrapolation::kQuantiles, Extrapolation::kLinear}) {
    const cytof::BatchTransform transform(model, 0, kind);
    double before = -std::numeric_limits<double>::infinity();
    for (double raw = -1000; raw < 1e30; raw += std::max(0.5, std::abs(raw) * 0.01)) {
      std::vector<double> value{raw};
      transform.apply(value, buffer);
      REQUIRE(value[0] >= before);
      REQUIRE(std::abs(value[0]) <= std::numeric_limits<float>::max());
      before = value[0];
    }
    CHECK(transform.upper_bound(0, 1e30) >= before);
  }
}

/// Two populations of which only the second shifts between batches.
cytof::BatchControls two_populations(double shift, std::size_t rare_in_first) {
  core::Random random(11);
  cytof::BatchControls controls{{{"Nd142Di", "Nd143Di"}, {"A", "B"}}, {"one", "two"}, {{}, {}}};
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t i = 0; i < 3000; ++i) {
      const bool second = b == 0 ? i < rare_in_first : i % 2 == 0;
      const double a = second ? 5 : 1, level = second ? 4 + (b == 1 ? shift : 0) : 2;
      controls.values[b].push_back(static_cast<float>(5 * std::sinh(random.normal(a, 0.2))));
      controls.values[b].push_back(static_cast<float>(5 * std::sinh(random.normal(level, 0.2))));
    }
  }
  return controls;
}

double median_of_second(const cytof::BatchControls& controls, const cytof::BatchModel& model, std::size_t batch,
                        bool second) {
  const cytof::BatchTransform transform(model, batch, Extrapolation::kClamp);
  std::vector<double> found;
  std::vector<float> buffer;
  const auto& values = controls.values[batch];
  for (std::size_t i = 0; i < values.size(); i += 2) {
    std::vector<double> row{values[i], values[i + 1]};
    if ((std::asinh(row[0] / 5) > 3) != second) continue;
    transform.apply(row, buffer);
    found.push_back(std::asinh(row[1] / 5));
  }
  std::ranges::sort(found);
  return found[found.size() / 2];
}

TEST_CASE("with clusters a shift of one population is taken out and the other one stays") {
  const auto controls = two_populations(1.0, 1500);
  const auto model = cytof::train_batches(controls, {.clusters = 2, .grid = 4});
  CHECK(median_of_second(controls, model, 0, true) == Approx(4.5).margin(0.06));
  CHECK(median_of_second(controls, model, 1, true) == Approx(4.5).margin(0.06));
  CHECK(median_of_second(controls, model, 0, false) == Approx(2).margin(0.06));
  CHECK(median_of_second(controls, model, 1, false) == Approx(2).margin(0.06));
  const auto again = cytof::train_batches(controls, {.clusters = 2, .grid = 4, .threads = 3});
  CHECK(cytof::to_json(again) == cytof::to_json(model));
}

TEST_CASE("a batch with too few cells of a cluster leaves them as they are") {
  const auto controls = two_populations(1.0, 30);
  const auto model = cytof::train_batches(controls, {.clusters = 2, .grid = 4});
  const cytof::BatchTransform first(model, 0, Extrapolation::kClamp), second(model, 1, Extrapolation::kClamp);
  CHECK(first.identities() == 1);
  CHECK(second.identities() == 0);
  std::vector<double> row{5 * std::sinh(5.0), 5 * std::sinh(4.0)};
  const auto before = row;
  std::vector<float> buffer;
  first.apply(row, buffer);
  CHECK(row == before);
}

TEST_CASE("the picture of batches: a line per batch and channel, and what is left out is said") {
  const auto spreads = cytof::channel_spreads(std::vector<float>{0, 5, 1, 5, 2, NAN, 3, 5, 4, 5}, 2);
  CHECK(spreads[0].low == Approx(0.2));
  CHECK(spreads[0].middle == 2);
  CHECK(spreads[0].high == Approx(3.8));
  CHECK(spreads[1].middle == 5);
  std::vector<cytof::BatchSpread> batches(20, {"day <1>", spreads, spreads});
  const std::string svg = cytof::batch_plot("study", {"CD3", "CD4"}, batches);
  CHECK_THAT(svg,
             Catch::StartsWith("<svg") && Catch::Contains("day &lt;1&gt;") && Catch::Contains("and 4 more batches"));
  CHECK_THAT(svg, !Catch::Contains("nan") && !Catch::Contains("more channels"));
  const std::vector<cytof::ChannelSpread> none = cytof::channel_spreads({}, 1);
  CHECK(std::isnan(none[0].middle));
  const cytof::BatchSpread empty{"x", none, none};
  CHECK_THAT(cytof::batch_plot("empty", {"CD3"}, {&empty, 1}), Catch::StartsWith("<svg") && !Catch::Contains("nan"));
}

TEST_CASE("batch models are read back as written, and mistakes are named") {
  const auto model = cytof::train_batches(two_populations(0.5, 1500), {.clusters = 2, .grid = 4});
  const std::string text = cytof::to_json(model);
  core::RunContext context("test", "0", "test");
  const auto path = scratch("model.json", text);
  CHECK(cytof::to_json(cytof::read_batch_model(path, context)) == text);
  const auto message = [&](const std::function<void(nlohmann::json&)>& change) -> std::string {
    auto json = nlohmann::json::parse(text);
    change(json);
    std::ofstream(path, std::ios::binary) << json.dump();
    try {
      (void)cytof::read_batch_model(path, context);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::Contains("model.json: "));
      return error.what();
    }
    return "no error";
  };
  using Json = nlohmann::json;
  CHECK_THAT(message([](Json& j) { j = Json::array(); }), Catch::Contains("no model of schema immucan-cytof-batch"));
  CHECK_THAT(message([](Json& j) { j["schema_version"] = 9; }), Catch::Contains("schema version 9"));
  CHECK_THAT(message([](Json& j) { j["cofactor"] = 0; }), Catch::Contains("cofactor"));
  CHECK_THAT(message([](Json& j) { j.erase("channels"); }), Catch::Contains("'channels' is missing"));
  CHECK_THAT(message([](Json& j) { j["batches"] = {"one"}; }), Catch::Contains("'batches'"));
  CHECK_THAT(message([](Json& j) { j["batches"] = {"one", "one"}; }), Catch::Contains("repeated"));
  CHECK_THAT(message([](Json& j) { j["map"]["codes"].erase(0); }), Catch::Contains("codes of the map"));
  CHECK_THAT(message([](Json& j) { j["map"]["node_cluster"][3] = 2; }), Catch::Contains("not a whole number up to 1"));
  CHECK_THAT(message([](Json& j) { j["map"]["width"] = 4000000000U; }), Catch::Contains("'width'"));
  CHECK_THAT(message([](Json& j) { j["learnt"].erase(0); }), Catch::Contains("'learnt'"));
  CHECK_THAT(message([](Json& j) { j["learnt"][0]["quantiles"][0][5] = nullptr; }), Catch::Contains("finite"));
  CHECK_THAT(message([](Json& j) { j["learnt"][0]["quantiles"][0][5] = 99; }), Catch::Contains("ascending"));
  CHECK_THAT(message([](Json& j) { j["goals"][0] = Json::array(); }), Catch::Contains("no goal"));
  std::filesystem::remove(path);
}

TEST_CASE("channels are found in other files by name, marker or isotope, and what is not there is named") {
  core::RunContext context("test", "0", "test");
  const cytof::Panel first({{.name = "Time"},
                            {.name = "Nd142Di", .marker = "142Nd_CD19"},
                            {.name = "Nd143Di", .marker = "143Nd_CD4"},
                            {.name = "Ir191Di", .marker = "DNA1"}});
  const auto set = cytof::choose_channels("", first, "a.fcs", context);
  CHECK(set.names == std::vector<std::string>{"Nd142Di", "Nd143Di"});
  CHECK(set.labels == std::vector<std::string>{"CD19", "CD4"});
  const cytof::Panel other({{.name = "CD4(Nd143)Di"}, {.name = "(Nd142)Di", .marker = "CD19"}});
  CHECK(cytof::locate_channels(set, other, "b.fcs", context.log) == std::vector<std::size_t>{1, 0});
  const cytof::Panel lacking({{.name = "Nd142Di"}});
  CHECK_THROWS_WITH(cytof::locate_channels(set, lacking, "c.fcs", context.log),
                    Catch::Contains("c.fcs: channel 'Nd143Di' (CD4) is not in this file"));
  CHECK_THROWS_WITH(cytof::choose_channels("CD99", first, "a.fcs", context), Catch::Contains("'CD99' is not there"));
  CHECK_THROWS_WITH(cytof::choose_channels("CD4,CD4", first, "a.fcs", context), Catch::Contains("named twice"));
  CHECK_THROWS_WITH(cytof::choose_channels(" , ", first, "a.fcs", context), Catch::Contains("empty"));
}

}  // namespace
