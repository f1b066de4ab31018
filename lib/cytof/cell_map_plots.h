#pragma once
// Pictures of a map and of a sample on it, as SVG.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cytof/cell_map.h"
#include "cytof/phenotyping.h"

namespace immucan::cytof {

/// Minimum spanning tree of the nodes, their areas the numbers of cells, coloured by cluster. `names`: of the clusters;
/// empty: meta1 …
[[nodiscard]] std::string map_tree(const CellMap& map, std::span<const std::uint64_t> node_cells,
                                   std::vector<std::string> names, const std::string& title);
/// Clusters × markers: means of the nodes weighted by their cells, each marker scaled from 0 to 1.
[[nodiscard]] std::string map_heatmap(const CellMap& map);
/// Populations × markers: medians, each marker scaled from 0 to 1.
[[nodiscard]] std::string population_heatmap(const PhenotypeResult& result);

/// $PnN without control characters.
[[nodiscard]] std::vector<std::string> printable_channels(const ChannelSet& channels);

}  // namespace immucan::cytof
