#include "stats/clustering_som.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "stats/monotone_spline.h"

namespace immucan::stats {
namespace {

/// Chebyshev distances between the nodes of the grid, nodes × nodes; the first coordinate runs fastest.
std::vector<float> grid_distances(std::size_t width, std::size_t height) {
  const std::size_t nodes = width * height;
  std::vector<float> distances(nodes * nodes);
  const auto apart = [](std::size_t a, std::size_t b) { return a > b ? a - b : b - a; };
  for (std::size_t i = 0; i < nodes; ++i) {
    for (std::size_t j = 0; j < nodes; ++j) {
      distances[i * nodes + j] = static_cast<float>(std::max(apart(i % width, j % width), apart(i / width, j / width)));
    }
  }
  return distances;
}

/// Draws rows so that every group counts the same: a random group, and of it the next row of a random order, so that
/// no row of a group is drawn twice before every other was drawn once.
class RowDraw {
 public:
  RowDraw(std::size_t rows, std::span<const std::size_t> group_start, core::Random& random) : order_(rows) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    for (std::size_t g = 0; g < group_start.size(); ++g) {
      const std::size_t end = g + 1 < group_start.size() ? group_start[g + 1] : rows;
      if (end > group_start[g]) groups_.push_back({group_start[g], end, group_start[g]});
    }
    if (group_start.empty()) groups_.push_back({0, rows, 0});
    for (const Group& group : groups_) shuffle(group, random);
  }
  std::size_t operator()(core::Random& random) {
    Group& group = groups_.size() == 1 ? groups_.front() : groups_[random.below(groups_.size())];
    if (group.next == group.end) {
      shuffle(group, random);
      group.next = group.begin;
    }
    return order_[group.next++];
  }

 private:
  struct Group {
    std::size_t begin, end, next;
  };
  void shuffle(const Group& group, core::Random& random) {
    random.shuffle(std::span(order_).subspan(group.begin, group.end - group.begin));
  }
  std::vector<std::size_t> order_;
  std::vector<Group> groups_;
};

}  // namespace

SelfOrganisingMap::SelfOrganisingMap(std::span<const float> nodes, std::size_t columns)
    : nodes_(nodes.size() / columns), columns_(columns) {
  // Lanes beyond the last node are infinitely far.
  codes_.assign((nodes_ + kLanes - 1) / kLanes * kLanes * columns_, std::numeric_limits<float>::infinity());
  for (std::size_t node = 0; node < nodes_; ++node) {
    for (std::size_t c = 0; c < columns_; ++c) codes_[place(node, c)] = nodes[node * columns_ + c];
  }
}

SelfOrganisingMap::SelfOrganisingMap(std::span<const float> rows, std::size_t columns,
                                     std::span<const std::size_t> group_start, const SomOptions& options)
    : SelfOrganisingMap(std::vector<float>(options.width * options.height * columns), columns) {
  const std::size_t count = rows.size() / columns;
  if (count < nodes_) throw core::Error(core::Status::kInternal, "a map needs at least as many rows as nodes");
  core::Random random(options.seed, options.stream);
  // Different rows as first nodes: a draw without replacement.
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t node = 0; node < nodes_; ++node) {
    std::swap(order[node], order[node + random.below(count - node)]);
    for (std::size_t c = 0; c < columns_; ++c) codes_[place(node, c)] = rows[order[node] * columns_ + c];
  }

  const std::vector<float> grid = grid_distances(options.width, options.height);
  std::vector<double> sorted(grid.begin(), grid.end());
  std::ranges::sort(sorted);
  const double first_radius = sorted_quantile(sorted, options.radius_quantile);
  RowDraw draw(count, group_start, random);
  const std::size_t steps = options.rounds * count;
  double change = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    if (step % count == 0) {
      if (step > 0 && change < 1) break;  // the map has settled
      change = 0;
    }
    const std::span<const float> row = rows.subspan(draw(random) * columns_, columns_);
    const std::size_t winner = nearest(row).node;
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    double radius = first_radius * (1 - done);
    if (radius < 1) radius = 0.5;  // the winner alone
    const auto rate = static_cast<float>(options.first_rate - (options.first_rate - options.last_rate) * done);
    for (std::size_t node = 0; node < nodes_; ++node) {
      if (grid[winner * nodes_ + node] > radius) continue;
      float moved = 0;
      for (std::size_t c = 0; c < columns_; ++c) {
        float& code = codes_[place(node, c)];
        const float gap = row[c] - code;
        moved += std::abs(gap);
        code += gap * rate;
      }
      change += moved;
    }
  }
}

std::vector<float> SelfOrganisingMap::codes() const {
  std::vector<float> out(nodes_ * columns_);
  for (std::size_t node = 0; node < nodes_; ++node) {
    for (std::size_t c = 0; c < columns_; ++c) out[node * columns_ + c] = at(node, c);
  }
  return out;
}

SelfOrganisingMap::Nearest SelfOrganisingMap::nearest(std::span<const float> row) const {
  Nearest best{0, std::numeric_limits<float>::infinity()};
  const float* code = codes_.data();
  for (std::size_t first = 0; first < nodes_; first += kLanes) {
    std::array<float, kLanes> distance{};
    for (std::size_t c = 0; c < columns_; ++c, code += kLanes) {
      const float value = row[c];
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const float gap = value - code[lane];
        distance[lane] += gap * gap;
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (distance[lane] < best.squared_distance) best = {first + lane, distance[lane]};
    }
  }
  return best;
}

}  // namespace immucan::stats
