#pragma once
// Agglomerative clustering with average linkage, and consensus over resampled clusterings (Monti et al., Machine
// Learning 52:91, 2003; as ConsensusClusterPlus with hc).
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace immucan::stats {

struct Merge {
  std::size_t first = 0, second = 0;  ///< items that represent the two clusters (their lowest item); first < second
  double height = 0;
};

/// n − 1 merges in ascending height from a symmetric n × n distance matrix (row-major). Of equal distances the pair of
/// lowest items is merged first.
[[nodiscard]] std::vector<Merge> average_linkage(std::span<const double> distances, std::size_t items);
/// Cluster of each item, from 0, numbered by first appearance, as R's cutree. 1 ≤ clusters ≤ items.
[[nodiscard]] std::vector<std::size_t> cut_tree(std::span<const Merge> merges, std::size_t items, std::size_t clusters);

struct ConsensusOptions {
  std::size_t clusters = 10, repeats = 100;
  double share = 0.9;  ///< of the items in each repeat
  std::uint64_t seed = 1;
  unsigned threads = 1;
};
/// Cluster of each item from a row-major points × columns matrix: each repeat clusters a random share of the points
/// (Euclidean distance, average linkage); the share of repeats in which two points were together is a similarity, which
/// is clustered in turn. The same for any number of threads. 1 ≤ clusters ≤ points.
[[nodiscard]] std::vector<std::size_t> consensus_clusters(std::span<const float> points, std::size_t columns,
                                                          const ConsensusOptions& options);

/// Edges of the minimum spanning tree of points × columns in Euclidean distance, points − 1 of them (Prim).
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> spanning_tree(std::span<const float> points,
                                                                             std::size_t columns);

}  // namespace immucan::stats
