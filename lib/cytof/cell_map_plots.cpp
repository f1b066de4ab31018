#include "cytof/cell_map_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/text.h"
#include "cytof/model_reader.h"
#include "report/plots.h"
#include "report/svg.h"
#include "stats/clustering_hierarchical.h"

namespace immucan::cytof {
namespace {

/// More colours than the eight categories: the same again, darker.
std::string cluster_colour(std::size_t cluster) {
  static constexpr std::array<const char*, 24> kColours{
      "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8C96A0",
      "#00456B", "#8A5F00", "#005F45", "#7A4964", "#346C8C", "#803800", "#908929", "#545A60",
      "#80B9D9", "#F3CF80", "#80CFB9", "#E6BCD3", "#ABDAF4", "#EAAF80", "#F8F2A1", "#C6CBD0"};
  return kColours[cluster % kColours.size()];
}

/// Columns to 0 … 1 by their own range; NaN stays.
void scale_columns(std::vector<double>& values, std::size_t columns) {
  for (std::size_t c = 0; c < columns; ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t at = c; at < values.size(); at += columns) {
      if (std::isnan(values[at])) continue;
      low = std::min(low, values[at]);
      high = std::max(high, values[at]);
    }
    for (std::size_t at = c; at < values.size(); at += columns) {
      values[at] = high > low ? (values[at] - low) / (high - low) : std::isnan(values[at]) ? values[at] : 0;
    }
  }
}

std::string scaled_heatmap(std::string title, std::vector<std::string> rows, const std::vector<std::string>& markers,
                           std::vector<double> values) {
  scale_columns(values, markers.size());
  report::Heatmap plot;
  plot.title = std::move(title);
  plot.scale_title = "low to high";
  plot.rows = std::move(rows);
  plot.columns = markers;
  for (std::size_t k = 0; k < plot.rows.size(); ++k) plot.row_colours.push_back(cluster_colour(k));
  plot.values = std::move(values);
  plot.low = 0;
  plot.high = 1;
  return report::heatmap(plot);
}

}  // namespace

std::string map_tree(const CellMap& map, std::span<const std::uint64_t> node_cells, std::vector<std::string> names,
                     const std::string& title) {
  for (std::size_t k = names.size(); k < map.clusters; ++k) names.push_back(fmt::format("meta{}", k + 1));
  report::TreePlot plot;
  plot.title = title;
  plot.subtitle = "a circle per node of the map, its area the number of cells";
  plot.edges = stats::spanning_tree(map.codes, map.channels.names.size());
  std::vector<std::string> distinct;
  for (const std::string& name : names) {
    if (std::ranges::find(distinct, name) == distinct.end()) distinct.push_back(name);
  }
  const auto colour_of = [&](const std::string& name) {
    return cluster_colour(static_cast<std::size_t>(std::ranges::find(distinct, name) - distinct.begin()));
  };
  for (std::size_t node = 0; node < map.nodes(); ++node) {
    const std::string& name = names[map.node_cluster[node]];
    plot.nodes.push_back({static_cast<double>(node_cells[node]), colour_of(name),
                          fmt::format("node {}: {}, {} cells", node + 1, core::printable(name), node_cells[node])});
  }
  for (const std::string& name : distinct) plot.legend.emplace_back(core::printable(name), colour_of(name));
  return report::tree_plot(plot);
}

std::string map_heatmap(const CellMap& map) {
  const std::size_t channels = map.channels.names.size();
  std::vector<double> values(map.clusters * channels), weight(map.clusters);
  for (std::size_t node = 0; node < map.nodes(); ++node) {
    // A node without cells still says a little about its cluster.
    const double own = static_cast<double>(map.node_cells[node]) + 1e-3;
    weight[map.node_cluster[node]] += own;
    for (std::size_t c = 0; c < channels; ++c) {
      values[map.node_cluster[node] * channels + c] += own * double{map.codes[node * channels + c]};
    }
  }
  std::vector<std::string> rows;
  for (std::size_t k = 0; k < map.clusters; ++k) {
    rows.push_back(fmt::format("meta{}", k + 1));
    for (std::size_t c = 0; c < channels; ++c) {
      values[k * channels + c] = weight[k] > 0 ? values[k * channels + c] / weight[k] : std::nan("");
    }
  }
  return scaled_heatmap("Markers of the clusters", std::move(rows), map.channels.labels, std::move(values));
}

std::string population_heatmap(const PhenotypeResult& result) {
  std::vector<std::string> rows;
  std::vector<double> values;
  for (const PopulationResult& population : result.populations) {
    rows.push_back(core::printable(population.name));
    for (const auto& median : population.medians) values.push_back(median.value_or(std::nan("")));
  }
  return scaled_heatmap(fmt::format("{}: medians of the populations", core::printable(result.sample)), std::move(rows),
                        result.markers, std::move(values));
}

std::vector<std::string> printable_channels(const ChannelSet& channels) {
  return printable_names(channels.names);
}

}  // namespace immucan::cytof
