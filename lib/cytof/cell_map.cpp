#include "cytof/cell_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "cytof/model_reader.h"
#include "stats/clustering_agreement.h"
#include "stats/clustering_hierarchical.h"

namespace immucan::cytof {
namespace {

constexpr std::string_view kSchema = "immucan-cytof-map";
constexpr int kSchemaVersion = 1;
constexpr std::size_t kLargestGrid = 100;
constexpr std::size_t kCellsPerTask = 8192;
constexpr std::size_t kComparedCells = 20'000;

void check_options(const CellMapOptions& options) {
  if (!(options.cofactor > 0)) core::raise_usage("--cofactor must be above 0.");
  if (options.grid < 2 || options.grid > static_cast<std::int64_t>(kLargestGrid)) {
    core::raise_usage("--grid must be from 2 to 100.");
  }
  if (options.clusters < 1 || options.clusters > options.grid * options.grid) {
    core::raise_usage("--clusters must be from 1 to the number of nodes of the map.");
  }
  if (options.maps < 1 || options.maps > 1000) core::raise_usage("--maps must be from 1 to 1000.");
  if (options.rounds < 1 || options.rounds > 1000) core::raise_usage("--rounds must be from 1 to 1000.");
}

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Median plus four scaled median absolute deviations; no limit without cells.
double far_limit(std::vector<double> distances) {
  if (distances.empty()) return std::numeric_limits<float>::max();
  const double median = median_of(distances);
  for (double& distance : distances) distance = std::abs(distance - median);
  return median + 4 * 1.4826 * median_of(distances);
}

/// One of the maps that are trained: its nodes, their clusters, and the cluster of each cell that is compared.
struct Candidate {
  std::vector<float> codes;
  std::vector<std::size_t> node_cluster, labels;
};

Candidate train_candidate(const CohortCells& cells, std::span<const std::size_t> sample_start,
                          const CellMapOptions& options, std::size_t number) {
  const std::size_t channels = cells.channels.names.size(), count = cells.values.size() / channels;
  const auto grid = static_cast<std::size_t>(options.grid);
  const stats::SelfOrganisingMap som(cells.values, channels, sample_start,
                                     {.width = grid,
                                      .height = grid,
                                      .rounds = static_cast<std::size_t>(options.rounds),
                                      .seed = options.seed,
                                      .stream = number});
  Candidate candidate{som.codes(), {}, {}};
  candidate.node_cluster = stats::consensus_clusters(
      candidate.codes, channels,
      {.clusters = static_cast<std::size_t>(options.clusters), .seed = options.seed + number});
  const std::size_t compared = std::min(count, kComparedCells);
  for (std::size_t i = 0; i < compared; ++i) {
    const std::size_t cell = i * count / compared;
    candidate.labels.push_back(
        candidate.node_cluster[som.nearest(std::span(cells.values).subspan(cell * channels, channels)).node]);
  }
  return candidate;
}

/// The candidate nearest to all others, with its mean agreement.
std::pair<std::size_t, double> most_typical(const std::vector<Candidate>& candidates) {
  if (candidates.size() == 1) return {0, 1};
  std::pair<std::size_t, double> best{0, -2};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < candidates.size(); ++j) {
      if (i != j) sum += stats::adjusted_rand_index(candidates[i].labels, candidates[j].labels);
    }
    sum /= static_cast<double>(candidates.size() - 1);
    if (sum > best.second) best = {i, sum};
  }
  return best;
}

}  // namespace

CellMap train_cell_map(const CohortCells& cells, const CellMapOptions& options) {
  check_options(options);
  CellMap map;
  map.cofactor = options.cofactor;
  map.channels = cells.channels;
  map.samples = cells.samples;
  map.width = map.height = static_cast<std::size_t>(options.grid);
  map.clusters = static_cast<std::size_t>(options.clusters);
  const std::size_t channels = cells.channels.names.size(), count = cells.values.size() / channels;
  if (count < map.nodes()) {
    core::raise({"samples", core::Place::none(),
                 fmt::format("{} cells are fewer than the {} nodes of the map", count, map.nodes()),
                 "Lower --grid or give more cells"});
  }
  std::vector<std::size_t> sample_start;
  std::size_t start = 0;
  for (const CellMap::Sample& sample : cells.samples) {
    sample_start.push_back(start);
    start += static_cast<std::size_t>(sample.cells);
  }
  std::vector<Candidate> candidates(static_cast<std::size_t>(options.maps));
  core::parallel_for(options.threads, candidates.size(), [&](std::size_t number) {
    candidates[number] = train_candidate(cells, sample_start, options, number);
  });
  const auto [chosen, agreement] = most_typical(candidates);
  map.codes = std::move(candidates[chosen].codes);
  map.node_cluster = std::move(candidates[chosen].node_cluster);
  map.agreement = agreement;
  const Assignment assigned = assign_cells(map, cells.values, options.threads);
  std::vector<std::vector<double>> distances(map.nodes());
  for (std::size_t i = 0; i < count; ++i) {
    distances[assigned.node[i]].push_back(assigned.distance[i]);
    map.mean_distance += double{assigned.distance[i]} / static_cast<double>(count);
  }
  for (auto& own : distances) {
    map.node_cells.push_back(own.size());
    map.node_limit.push_back(far_limit(std::move(own)));
  }
  return map;
}

Assignment assign_cells(const CellMap& map, std::span<const float> rows, unsigned threads) {
  const std::size_t channels = map.channels.names.size(), count = rows.size() / channels;
  const stats::SelfOrganisingMap som(map.codes, channels);
  Assignment result{std::vector<std::uint16_t>(count), std::vector<float>(count)};
  core::parallel_for(threads, (count + kCellsPerTask - 1) / kCellsPerTask, [&](std::size_t task) {
    const std::size_t end = std::min(count, (task + 1) * kCellsPerTask);
    for (std::size_t i = task * kCellsPerTask; i < end; ++i) {
      const auto nearest = som.nearest(rows.subspan(i * channels, channels));
      result.node[i] = static_cast<std::uint16_t>(nearest.node);
      result.distance[i] = std::sqrt(nearest.squared_distance);
    }
  });
  return result;
}

std::string to_json(const CellMap& map) {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["schema_version"] = kSchemaVersion;
  json["cofactor"] = map.cofactor;
  json["channels"] = printable_names(map.channels.names);
  json["markers"] = printable_names(map.channels.labels);
  json["width"] = map.width;
  json["height"] = map.height;
  json["clusters"] = map.clusters;
  json["mean_distance"] = map.mean_distance;
  json["agreement"] = map.agreement;
  auto& samples = json["samples"] = nlohmann::ordered_json::array();
  for (const CellMap::Sample& sample : map.samples) {
    samples.push_back({{"sample", core::printable(sample.name, 1024)}, {"cells", sample.cells}});
  }
  json["node_cluster"] = map.node_cluster;
  json["node_cells"] = map.node_cells;
  json["node_limit"] = map.node_limit;
  json["codes"] = map.codes;
  return json.dump() + "\n";
}

CellMap read_cell_map(const std::filesystem::path& path, core::RunContext& context) {
  return read_cell_map(io::open_source(path, context));
}

CellMap read_cell_map(std::unique_ptr<io::ByteSource> source) {
  const ModelReader reader(*source, kSchema, kSchemaVersion, "phenotype train");
  CellMap map;
  map.cofactor = reader.positive("cofactor");
  map.channels = {reader.names("channels", 1), reader.names("markers", 1)};
  if (map.channels.names.size() != map.channels.labels.size()) reader.fail("channels and markers differ in number");
  map.width = reader.whole("width", 2, kLargestGrid);
  map.height = reader.whole("height", 2, kLargestGrid);
  map.clusters = reader.whole("clusters", 1, map.nodes());
  map.mean_distance = reader.positive("mean_distance");
  map.codes = reader.floats(reader.member(reader.root(), "codes"), map.nodes() * map.channels.names.size(), "codes");
  map.node_limit = reader.numbers("node_limit", map.nodes());
  for (const std::size_t cells : reader.whole_numbers("node_cells", map.nodes(), std::size_t{1} << 62)) {
    map.node_cells.push_back(cells);
  }
  map.node_cluster = reader.whole_numbers("node_cluster", map.nodes(), map.clusters - 1);
  return map;
}

}  // namespace immucan::cytof
