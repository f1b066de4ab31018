#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

/// The `k` nearest of `points` to each of `queries` in Euclidean distance, exact: queries × k indices, nearest first,
/// of equals the lower index. Both are row-major with `columns` values. With `skip_same` query i is not its own
/// neighbour (the queries are the first points). k is at most the points there are. Work queries × points × columns;
/// the same for any number of threads.
[[nodiscard]] std::vector<std::uint32_t> nearest_neighbours(std::span<const float> points,
                                                            std::span<const float> queries, std::size_t columns,
                                                            std::size_t k, bool skip_same, unsigned threads);

}  // namespace immucan::stats
