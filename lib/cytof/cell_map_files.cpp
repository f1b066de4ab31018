#include "cytof/cell_map_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "cytof/cell_map_plots.h"
#include "cytof/normalise_files.h"
#include "cytof/phenotyping.h"
#include "io/anndata.h"
#include "io/fcs.h"
#include "io/tsv.h"

namespace immucan::cytof {
namespace {

/// All mass channels of a file with labels that do not repeat.
ChannelSet mass_channels(const Panel& panel, std::vector<std::size_t>& columns) {
  ChannelSet set;
  for (auto& [label, column] : measured_markers(panel)) {
    set.names.push_back(panel.channels()[column].name);
    set.labels.push_back(std::move(label));
    columns.push_back(column);
  }
  return set;
}

/// Appends scaled values of at most `most` events, evenly spread over the file; the number taken.
std::uint64_t append_cells(io::FcsFile& file, const std::vector<std::size_t>& columns, double cofactor,
                           std::uint64_t most, std::vector<float>& values, core::RunContext& context) {
  const io::FcsDataset& set = file.single();
  const std::uint64_t taken = std::min(set.events, most);
  const auto place = [&](std::uint64_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(i) * set.events / taken);
  };
  std::uint64_t next = 0;
  io::FcsEvents events(file, set, columns);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("reading cells", block.first_event, set.events);
    for (; next < taken && place(next) < block.first_event + block.events; ++next) {
      for (const double value : block.row(static_cast<std::size_t>(place(next) - block.first_event))) {
        if (!std::isfinite(value)) {
          core::raise({file.name(), core::Place::record(place(next) + 1), "an intensity is not a finite number",
                       "Remove the event"});
        }
        values.push_back(static_cast<float>(std::asinh(value / cofactor)));
      }
    }
  }
  file.finish();
  return taken;
}

/// The files of each sample, samples in the order of their first file.
std::vector<std::pair<std::string, std::vector<std::filesystem::path>>> training_samples(const MapTrainFiles& options,
                                                                                         core::RunContext& context) {
  if (options.files.empty() == !options.samples) {
    core::raise_usage("give either FILE, a sample each, or a table with --samples.");
  }
  std::vector<std::pair<std::string, std::vector<std::filesystem::path>>> samples;
  const auto add = [&](const std::string& name, const std::filesystem::path& path) {
    const auto known = std::ranges::find(samples, name, [](const auto& sample) { return sample.first; });
    if (known != samples.end()) {
      known->second.push_back(path);
    } else {
      samples.emplace_back(name, std::vector{path});
    }
  };
  if (options.samples) {
    for (const auto& [path, name] : read_file_groups(*options.samples, "sample", context)) add(name, path);
    return samples;
  }
  for (const auto& path : options.files) {
    if (std::ranges::any_of(samples, [&](const auto& sample) { return sample.first == fcs_stem(path); })) {
      core::raise_usage(
          fmt::format("two inputs are named '{}'. Name the samples with --samples.", core::printable(fcs_stem(path))));
    }
    add(fcs_stem(path), path);
  }
  return samples;
}

/// Population of each cluster: "meta1" …, or as named by the table.
struct Populations {
  std::vector<std::string> names;
  std::vector<std::size_t> of_cluster;
};

Populations populations_of(const CellMap& map, const std::optional<std::filesystem::path>& table_path,
                           core::RunContext& context) {
  std::vector<std::string> of_cluster;
  for (std::size_t k = 0; k < map.clusters; ++k) of_cluster.push_back(fmt::format("meta{}", k + 1));
  if (table_path) {
    const io::Table table = io::read_table(*table_path, context);
    const std::size_t cluster_column = table.require("cluster"), name_column = table.require("name");
    std::vector<bool> named(map.clusters, false);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto cluster = core::parse_unsigned(table.rows[row][cluster_column]);
      if (!cluster || *cluster < 1 || *cluster > map.clusters || named[*cluster - 1]) {
        table.fail(row, cluster_column,
                   fmt::format("'{}' is no cluster from 1 to {}, or is named twice",
                               core::printable(table.rows[row][cluster_column]), map.clusters),
                   "Name each cluster once");
      }
      if (core::is_missing(table.rows[row][name_column])) table.fail(row, name_column, "no name", "Name the cluster");
      named[*cluster - 1] = true;
      of_cluster[*cluster - 1] = table.rows[row][name_column];
    }
  }
  Populations populations;
  std::map<std::string, std::string> entities;
  for (const std::string& name : of_cluster) {
    const auto known = std::ranges::find(populations.names, name);
    populations.of_cluster.push_back(static_cast<std::size_t>(known - populations.names.begin()));
    if (known != populations.names.end()) continue;
    populations.names.push_back(name);
    if (!entities.try_emplace(core::feature_entity(name), name).second) {
      core::raise({table_path->string(), core::Place::none(),
                   fmt::format("two populations have the feature name of '{}'", core::printable(name)),
                   "Give names that differ in more than blanks"});
    }
  }
  return populations;
}

/// A sample's cells with everything that is written about them.
struct SampleCells {
  ChannelSet channels;        ///< all mass channels
  std::vector<float> values;  ///< cells × channels, scaled
  Assignment assigned;
  std::vector<std::size_t> population;
  [[nodiscard]] std::size_t count() const { return population.size(); }
};

SampleCells read_sample(const MapApplyFiles& options, const CellMap& map, core::RunContext& context) {
  SampleCells cells;
  std::vector<float> on_map;
  for (const auto& path : options.files) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
    const Panel panel(file.single().parameters);
    std::vector<std::size_t> columns;
    if (cells.channels.names.empty()) {
      cells.channels = mass_channels(panel, columns);
    } else {
      columns = locate_channels(cells.channels, panel, file.name(), context.log);
    }
    // The map's channels follow the mass channels in each row and are split off again below.
    const auto used = locate_channels(map.channels, panel, file.name(), context.log);
    const std::size_t own = columns.size();
    columns.insert(columns.end(), used.begin(), used.end());
    std::vector<float> rows;
    append_cells(file, columns, map.cofactor, file.single().events, rows, context);
    for (std::size_t at = 0; at < rows.size(); at += columns.size()) {
      const auto row = rows.begin() + static_cast<std::ptrdiff_t>(at);
      const auto split = row + static_cast<std::ptrdiff_t>(own);
      cells.values.insert(cells.values.end(), row, split);
      on_map.insert(on_map.end(), split, split + static_cast<std::ptrdiff_t>(used.size()));
    }
  }
  if (on_map.empty()) {
    core::raise({options.files.front().string(), core::Place::none(), "no cells", "Give a file that holds events"});
  }
  cells.assigned = assign_cells(map, on_map, context.threads);
  return cells;
}

PhenotypeResult count_populations(const SampleCells& cells, const Populations& populations, std::string sample) {
  PhenotypeResult result;
  result.sample = std::move(sample);
  result.events = result.cells = cells.count();
  result.markers = cells.channels.labels;
  const std::size_t channels = result.markers.size();
  std::vector<std::vector<std::size_t>> members(populations.names.size());
  for (std::size_t i = 0; i < cells.count(); ++i) members[cells.population[i]].push_back(i);
  for (std::size_t p = 0; p < members.size(); ++p) {
    PopulationResult population{populations.names[p], "", members[p].size(), cells.count(), {}};
    std::vector<float> own(members[p].size());
    for (std::size_t c = 0; c < channels; ++c) {
      if (own.empty()) {
        population.medians.push_back(std::nullopt);
        continue;
      }
      for (std::size_t i = 0; i < own.size(); ++i) own[i] = cells.values[members[p][i] * channels + c];
      const auto middle = own.begin() + static_cast<std::ptrdiff_t>(own.size() / 2);
      std::ranges::nth_element(own, middle);
      double median = *middle;
      if (own.size() % 2 == 0) median = (median + double{*std::max_element(own.begin(), middle)}) / 2;
      population.medians.push_back(median);
    }
    result.populations.push_back(std::move(population));
  }
  return result;
}

io::AnnData annotated(const SampleCells& cells, const CellMap& map, const Populations& populations,
                      const std::string& sample) {
  const std::size_t count = cells.count(), channels = cells.channels.names.size();
  io::AnnData data;
  std::vector<std::int64_t> nodes;
  std::vector<double> distances;
  io::Booleans far;
  io::Categorical cluster, population{{}, populations.names, false}, of_sample{{}, {sample}, false};
  for (std::size_t k = 0; k < map.clusters; ++k) cluster.categories.push_back(fmt::format("meta{}", k + 1));
  io::CsrMatrix x{count, channels, {0}, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t node = cells.assigned.node[i];
    data.obs.index.push_back(fmt::format("{}-{}", sample, i));
    nodes.push_back(static_cast<std::int64_t>(node) + 1);
    distances.push_back(cells.assigned.distance[i]);
    far.values.push_back(double{cells.assigned.distance[i]} > map.node_limit[node] ? 1 : 0);
    cluster.codes.push_back(static_cast<std::int32_t>(map.node_cluster[node]));
    population.codes.push_back(static_cast<std::int32_t>(cells.population[i]));
    of_sample.codes.push_back(0);
    for (std::size_t c = 0; c < channels; ++c) {
      const float value = cells.values[i * channels + c];
      if (value == 0) continue;
      x.column.push_back(static_cast<std::int32_t>(c));
      x.value.push_back(value);
    }
    x.row_start.push_back(static_cast<std::int64_t>(x.column.size()));
  }
  data.obs.columns = {{"sample", std::move(of_sample)},   {"node", std::move(nodes)},
                      {"cluster", std::move(cluster)},    {"population", std::move(population)},
                      {"distance", std::move(distances)}, {"far_from_node", std::move(far)}};
  io::Booleans used;
  for (const std::string& label : cells.channels.labels) {
    used.values.push_back(std::ranges::find(map.channels.labels, label) != map.channels.labels.end() ? 1 : 0);
  }
  data.var.index = cells.channels.labels;
  data.var.columns = {{"channel", printable_channels(cells.channels)}, {"used_for_map", std::move(used)}};
  data.x = std::move(x);
  return data;
}

}  // namespace

CellMap train_map_files(const MapTrainFiles& options, core::RunContext& context) {
  if (options.cells < 1) core::raise_usage("--cells must be above 0.");
  CohortCells cells;
  for (const auto& [name, files] : training_samples(options, context)) {
    CellMap::Sample sample{name, 0};
    const auto share =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options.cells) / std::uint64_t{files.size()});
    for (const auto& path : files) {
      io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
      const Panel panel(file.single().parameters);
      if (cells.channels.names.empty()) {
        cells.channels = choose_channels(options.markers, panel, file.name(), context);
      }
      const auto columns = locate_channels(cells.channels, panel, file.name(), context.log);
      sample.cells += append_cells(file, columns, options.science.cofactor, share, cells.values, context);
    }
    if (sample.cells == 0) {
      context.log.warning(fmt::format("sample '{}' has no cells", core::printable(name)));
    }
    cells.samples.push_back(std::move(sample));
  }
  context.progress.finish();
  CellMapOptions science = options.science;
  science.seed = context.seed;
  science.threads = context.threads;
  return train_cell_map(cells, science);
}

void write_map(const CellMap& map, core::OutputSet& outputs) {
  outputs.add("model.json").write(to_json(map));
  outputs.add("tree.svg").write(map_tree(map, map.node_cells, {}, "Minimum spanning tree of the map"));
  outputs.add("heatmap.svg").write(map_heatmap(map));
}

void apply_map_files(const MapApplyFiles& options, core::OutputSet& outputs, core::RunContext& context) {
  PhenotypeOptions naming;
  naming.files = options.files;
  naming.sample = options.sample;
  naming.specimen = options.specimen;
  const std::string sample = phenotype_sample_id(naming);
  const CellMap map = read_cell_map(options.model, context);
  const Populations populations = populations_of(map, options.names, context);
  SampleCells cells = read_sample(options, map, context);
  std::vector<std::uint64_t> node_cells(map.nodes());
  for (const std::uint16_t node : cells.assigned.node) {
    ++node_cells[node];
    cells.population.push_back(populations.of_cluster[map.node_cluster[node]]);
  }
  context.progress.finish();
  const PhenotypeResult result = count_populations(cells, populations, sample);
  write_phenotype(result, naming, outputs);
  std::vector<std::string> cluster_names;
  for (const std::size_t p : populations.of_cluster) cluster_names.push_back(populations.names[p]);
  outputs.add(sample + ".tree.svg")
      .write(map_tree(map, node_cells, cluster_names, fmt::format("{} on the cohort's map", core::printable(sample))));
  outputs.add(sample + ".heatmap.svg").write(population_heatmap(result));
  if (options.cells) {
    io::write_anndata(outputs.add_external(sample + ".cells.h5ad"), annotated(cells, map, populations, sample),
                      context.threads);
  }
  outputs.count("cells", static_cast<std::int64_t>(result.cells));
  outputs.count("populations", static_cast<std::int64_t>(result.populations.size()));
}

}  // namespace immucan::cytof
