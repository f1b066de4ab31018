#include "stats/clustering_hierarchical.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/ordered_batches.h"
#include "core/random.h"

namespace immucan::stats {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::vector<double> euclidean(std::span<const float> points, std::size_t columns) {
  const std::size_t n = points.size() / columns;
  std::vector<double> distances(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double sum = 0;
      for (std::size_t c = 0; c < columns; ++c) {
        const double gap = double{points[i * columns + c]} - double{points[j * columns + c]};
        sum += gap * gap;
      }
      distances[i * n + j] = distances[j * n + i] = std::sqrt(sum);
    }
  }
  return distances;
}

/// Active clusters with the nearest later neighbour of each kept, so that a merge costs O(n) in the common case.
class Agglomeration {
 public:
  Agglomeration(std::span<const double> distances, std::size_t items)
      : n_(items),
        distances_(distances.begin(), distances.end()),
        size_(items, 1),
        active_(items, true),
        neighbour_(items) {
    for (std::size_t i = 0; i < n_; ++i) find_neighbour(i);
  }

  Merge step() {
    std::size_t first = n_;
    double height = kInfinite;
    for (std::size_t i = 0; i < n_; ++i) {
      if (!active_[i] || neighbour_[i] == n_) continue;
      if (first == n_ || at(i, neighbour_[i]) < height) {
        first = i;
        height = at(i, neighbour_[i]);
      }
    }
    const std::size_t second = neighbour_[first];
    active_[second] = false;
    const double a = size_[first], b = size_[second];
    for (std::size_t k = 0; k < n_; ++k) {
      if (active_[k] && k != first) at(first, k) = at(k, first) = (a * at(first, k) + b * at(second, k)) / (a + b);
    }
    size_[first] += size_[second];
    find_neighbour(first);
    for (std::size_t k = 0; k < second; ++k) {
      if (!active_[k] || k == first) continue;
      if (neighbour_[k] == first || neighbour_[k] == second) {
        find_neighbour(k);
      } else if (k < first && at(k, first) < at(k, neighbour_[k])) {
        neighbour_[k] = first;
      }
    }
    return {first, second, height};
  }

 private:
  double& at(std::size_t i, std::size_t j) { return distances_[i * n_ + j]; }
  void find_neighbour(std::size_t i) {
    neighbour_[i] = n_;
    for (std::size_t j = i + 1; j < n_; ++j) {
      if (active_[j] && (neighbour_[i] == n_ || at(i, j) < at(i, neighbour_[i]))) neighbour_[i] = j;
    }
  }

  std::size_t n_;
  std::vector<double> distances_, size_;
  std::vector<bool> active_;
  std::vector<std::size_t> neighbour_;  ///< n_ = none
};

}  // namespace

std::vector<Merge> average_linkage(std::span<const double> distances, std::size_t items) {
  std::vector<Merge> merges;
  if (items < 2) return merges;
  Agglomeration clusters(distances, items);
  for (std::size_t i = 0; i + 1 < items; ++i) merges.push_back(clusters.step());
  return merges;
}

std::vector<std::size_t> cut_tree(std::span<const Merge> merges, std::size_t items, std::size_t clusters) {
  std::vector<std::size_t> parent(items);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (std::size_t m = 0; m + clusters < items; ++m) parent[root(merges[m].second)] = root(merges[m].first);
  std::vector<std::size_t> number(items, items), labels(items);
  std::size_t next = 0;
  for (std::size_t i = 0; i < items; ++i) {
    std::size_t& label = number[root(i)];
    if (label == items) label = next++;
    labels[i] = label;
  }
  return labels;
}

std::vector<std::size_t> consensus_clusters(std::span<const float> points, std::size_t columns,
                                            const ConsensusOptions& options) {
  const std::size_t n = points.size() / columns;
  const std::vector<double> distances = euclidean(points, columns);
  const auto drawn = std::clamp(static_cast<std::size_t>(std::floor(static_cast<double>(n) * options.share)),
                                std::min(options.clusters, n), n);
  struct Repeat {
    std::vector<std::size_t> items, labels;
  };
  std::vector<Repeat> repeats(options.repeats);
  core::parallel_for(options.threads, options.repeats, [&](std::size_t r) {
    core::Random random(options.seed, r + 1);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(std::span(order));
    order.resize(drawn);
    std::ranges::sort(order);
    std::vector<double> part(drawn * drawn);
    for (std::size_t i = 0; i < drawn; ++i) {
      for (std::size_t j = 0; j < drawn; ++j) part[i * drawn + j] = distances[order[i] * n + order[j]];
    }
    repeats[r].labels = cut_tree(average_linkage(part, drawn), drawn, options.clusters);
    repeats[r].items = std::move(order);
  });

  std::vector<double> together(n * n), drawn_both(n * n);
  for (const Repeat& repeat : repeats) {
    for (std::size_t i = 0; i < repeat.items.size(); ++i) {
      for (std::size_t j = 0; j < repeat.items.size(); ++j) {
        const std::size_t at = repeat.items[i] * n + repeat.items[j];
        ++drawn_both[at];
        if (repeat.labels[i] == repeat.labels[j]) ++together[at];
      }
    }
  }
  for (std::size_t at = 0; at < together.size(); ++at) {
    together[at] = 1 - (drawn_both[at] > 0 ? together[at] / drawn_both[at] : 0);
  }
  return cut_tree(average_linkage(together, n), n, options.clusters);
}

std::vector<std::pair<std::size_t, std::size_t>> spanning_tree(std::span<const float> points, std::size_t columns) {
  const std::size_t n = points.size() / columns;
  const std::vector<double> distances = euclidean(points, columns);
  std::vector<double> nearest(n, kInfinite);
  std::vector<std::size_t> from(n, 0);
  std::vector<bool> inside(n, false);
  std::vector<std::pair<std::size_t, std::size_t>> edges;
  std::size_t newest = 0;
  for (std::size_t step = 1; step < n; ++step) {
    inside[newest] = true;
    std::size_t next = n;
    for (std::size_t i = 0; i < n; ++i) {
      if (inside[i]) continue;
      if (distances[newest * n + i] < nearest[i]) {
        nearest[i] = distances[newest * n + i];
        from[i] = newest;
      }
      if (next == n || nearest[i] < nearest[next]) next = i;
    }
    edges.emplace_back(from[next], next);
    newest = next;
  }
  return edges;
}

}  // namespace immucan::stats
