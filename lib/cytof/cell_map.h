#pragma once
// FlowSOM (Van Gassen et al., Cytometry A 87:636, 2015) for a cohort: one self-organising map and its consensus
// clusters for all samples, so that a cluster means the same in each.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/channel_choice.h"
#include "io/byte_source.h"
#include "stats/clustering_som.h"

namespace immucan::cytof {

struct CellMapOptions {
  double cofactor = 5;
  std::int64_t grid = 10;  ///< nodes along each side
  std::int64_t clusters = 20;
  std::int64_t rounds = 10;  ///< training steps per cell
  std::int64_t maps = 7;     ///< trained from different seeds; that whose clusters agree best with the others' is kept
  std::uint64_t seed = 1;
  unsigned threads = 1;
};

/// On the arcsinh(x/cofactor) scale.
struct CellMap {
  double cofactor = 5;
  ChannelSet channels;
  std::size_t width = 0, height = 0, clusters = 0;
  std::vector<float> codes;               ///< nodes × channels
  std::vector<std::size_t> node_cluster;  ///< from 0
  std::vector<double> node_limit;         ///< distance above which a cell is far from its node: median + 4 MAD
  std::vector<std::uint64_t> node_cells;  ///< of the training
  struct Sample {
    std::string name;
    std::uint64_t cells = 0;
  };
  std::vector<Sample> samples;
  double mean_distance = 0;  ///< of the training cells to their nodes
  double agreement = 1;      ///< mean adjusted Rand index with the clusters of the other maps

  [[nodiscard]] std::size_t nodes() const { return width * height; }
};

/// Cells of a cohort, scaled, cells × channels, sample after sample.
struct CohortCells {
  ChannelSet channels;
  std::vector<float> values;
  std::vector<CellMap::Sample> samples;
};

/// Every sample gives as many training steps as any other. 64 for options out of range, 65 for fewer cells than nodes.
[[nodiscard]] CellMap train_cell_map(const CohortCells& cells, const CellMapOptions& options);

/// Nearest node of each row (rows × channels) and the distance to it, on up to `threads` threads.
struct Assignment {
  std::vector<std::uint16_t> node;
  std::vector<float> distance;
};
[[nodiscard]] Assignment assign_cells(const CellMap& map, std::span<const float> rows, unsigned threads);

[[nodiscard]] std::string to_json(const CellMap& map);
/// 65 on anything else than a map of this tool and schema.
[[nodiscard]] CellMap read_cell_map(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] CellMap read_cell_map(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::cytof
