#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

/// Cluster of each row-major point, from 0: k-means++ seeding (Arthur and Vassilvitskii 2007), Lloyd's iterations until
/// nothing changes or 100 times. Clusters left empty are dropped and the rest renumbered by their lowest point, so
/// fewer than `clusters` may come back. Serial: depends on the seed alone.
[[nodiscard]] std::vector<std::size_t> k_means(std::span<const float> points, std::size_t columns, std::size_t clusters,
                                               std::uint64_t seed);

}  // namespace immucan::stats
