#include "cytof/cell_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "cytof_helpers.h"
#include "io/tsv.h"
#include "stats/clustering_agreement.h"

namespace {

using namespace immucan;

cytof::CohortCells pbmc_cells(const std::filesystem::path& folder, core::RunContext& context) {
  const io::Table panel = io::read_table(folder / "PBMC_panel.tsv", context);
  cytof::CohortCells cells;
  for (const auto& row : panel.rows) {
    if (row[2] != "type") continue;
    cells.channels.names.push_back(row[0]);
    cells.channels.labels.push_back(row[1]);
  }
  for (int sample = 1; sample <= 8; ++sample) {
    const auto matrix = test::read_matrix(folder / fmt::format("PBMC_{}.fcs", sample));
    const auto columns = cytof::locate_channels(cells.channels, cytof::Panel(matrix.parameters), "", context.log);
    for (std::size_t row = 0; row < matrix.rows(); ++row) {
      for (const std::size_t c : columns) {
        cells.values.push_back(static_cast<float>(std::asinh(matrix.at(row, c) / 5)));
      }
    }
    cells.samples.push_back({fmt::format("{}", sample), matrix.rows()});
  }
  return cells;
}

std::vector<std::size_t> labels_of(const cytof::CellMap& map, const cytof::Assignment& assigned) {
  std::vector<std::size_t> labels;
  for (const auto node : assigned.node) labels.push_back(map.node_cluster[node]);
  return labels;
}

TEST_CASE("FlowSOM on PBMC: as near to the cells, and as near to the original's clusters, as the original itself") {
  const auto folder = test::cytof_data() / "cluster";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const auto cells = pbmc_cells(folder, context);
  const io::Table reference = io::read_table(folder / "PBMC.flowsom_seed1_clusters.tsv", context);
  std::vector<std::size_t> expected;
  for (const auto& row : reference.rows) expected.push_back(core::parse_unsigned(row[2]).value());
  REQUIRE(expected.size() * cells.channels.names.size() == cells.values.size());
  std::vector<double> agreement;
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const auto map = cytof::train_cell_map(cells, {.clusters = 8, .seed = seed});
    const auto assigned = cytof::assign_cells(map, cells.values, 1);
    agreement.push_back(stats::adjusted_rand_index(labels_of(map, assigned), expected));
    CAPTURE(seed, map.mean_distance, agreement.back());
    CHECK(map.mean_distance <= 1.83);
    const auto again = cytof::train_cell_map(cells, {.clusters = 8, .seed = seed, .threads = 4});
    CHECK(cytof::to_json(again) == cytof::to_json(map));
    CHECK(cytof::assign_cells(again, cells.values, 4).node == assigned.node);
  }
  std::ranges::sort(agreement);
  CHECK(agreement[2] >= 0.60);
}

/// Two samples of the same four populations; the second is ten times larger and lacks the last population.
cytof::CohortCells planted_cells(std::vector<std::size_t>& truth) {
  core::Random random(8);
  cytof::CohortCells cells{{{"Nd142Di", "Nd143Di", "Nd144Di"}, {"A", "B", "C"}}, {}, {}};
  const std::vector<std::array<double, 3>> centres{{0, 0, 0}, {5, 0, 0}, {0, 5, 0}, {5, 5, 5}};
  for (const std::size_t size : {400, 4000}) {
    cells.samples.push_back({fmt::format("s{}", size), size});
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t population = i % (size == 400 ? 4 : 3);
      truth.push_back(population);
      for (const double level : centres[population]) {
        cells.values.push_back(static_cast<float>(random.normal(level, 0.4)));
      }
    }
  }
  return cells;
}

TEST_CASE("planted populations are found, also the one that a small sample alone has") {
  std::vector<std::size_t> truth;
  const auto cells = planted_cells(truth);
  const auto map = cytof::train_cell_map(cells, {.grid = 5, .clusters = 4, .maps = 3});
  const auto assigned = cytof::assign_cells(map, cells.values, 2);
  CHECK(stats::adjusted_rand_index(labels_of(map, assigned), truth) > 0.99);
  CHECK(map.agreement > 0.99);
  std::uint64_t total = 0;
  for (const auto n : map.node_cells) total += n;
  CHECK(total == truth.size());
  for (std::size_t i = 0; i < assigned.distance.size(); i += 97) {
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      sum += std::pow(double{cells.values[i * 3 + c]} - double{map.codes[assigned.node[i] * 3 + c]}, 2);
    }
    CHECK(assigned.distance[i] == Approx(std::sqrt(sum)).epsilon(1e-5));
  }
}

TEST_CASE("maps are read back as written, and mistakes are named") {
  std::vector<std::size_t> truth;
  const auto map = cytof::train_cell_map(planted_cells(truth), {.grid = 3, .clusters = 4, .maps = 1});
  const std::string text = cytof::to_json(map);
  core::RunContext context("test", "0", "test");
  const auto path = std::filesystem::temp_directory_path() / fmt::format("immucan-map-{}.json", ::getpid());
  std::ofstream(path, std::ios::binary) << text;
  const auto back = cytof::read_cell_map(path, context);
  CHECK(back.codes == map.codes);
  CHECK(back.node_cluster == map.node_cluster);
  CHECK(back.node_limit == map.node_limit);
  CHECK(back.channels.labels == map.channels.labels);
  using Json = nlohmann::json;
  const auto message = [&](const std::function<void(Json&)>& change) -> std::string {
    auto json = Json::parse(text);
    change(json);
    std::ofstream(path, std::ios::binary) << json.dump();
    try {
      (void)cytof::read_cell_map(path, context);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      return error.what();
    }
    return "no error";
  };
  CHECK_THAT(message([](Json& j) { j = 3; }), Catch::Contains("no model of schema immucan-cytof-map"));
  CHECK_THAT(message([](Json& j) { j["schema_version"] = "x"; }), Catch::Contains("schema version"));
  CHECK_THAT(message([](Json& j) { j["cofactor"] = -5; }), Catch::Contains("'cofactor'"));
  CHECK_THAT(message([](Json& j) { j.erase("codes"); }), Catch::Contains("'codes' is missing"));
  CHECK_THAT(message([](Json& j) { j["codes"][2] = "1"; }), Catch::Contains("'codes'"));
  CHECK_THAT(message([](Json& j) { j["width"] = 4000000000U; }), Catch::Contains("'width'"));
  CHECK_THAT(message([](Json& j) { j["clusters"] = 0; }), Catch::Contains("'clusters'"));
  CHECK_THAT(message([](Json& j) { j["node_cluster"][0] = 4; }), Catch::Contains("whole number up to 3"));
  CHECK_THAT(message([](Json& j) { j["node_limit"].erase(0); }), Catch::Contains("'node_limit'"));
  CHECK_THAT(message([](Json& j) { j["markers"] = {"A", "B"}; }), Catch::Contains("differ in number"));
  CHECK_THAT(message([](Json& j) { j["channels"] = {"A", "A", "B"}; }), Catch::Contains("repeated"));
  std::filesystem::remove(path);
}

}  // namespace
