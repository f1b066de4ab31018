#include "stats/clustering_kmeans.h"

#include <algorithm>
#include <limits>

#include "core/random.h"

namespace immucan::stats {

namespace {

constexpr int kIterations = 100;

double squared_distance(std::span<const float> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

std::vector<std::vector<double>> seeds(std::span<const float> points, std::size_t columns, std::size_t clusters,
                                       core::Random& random) {
  const std::size_t count = points.size() / columns;
  const auto point = [&](std::size_t i) { return points.subspan(i * columns, columns); };
  std::vector<std::vector<double>> centres;
  std::vector<double> nearest(count, std::numeric_limits<double>::max());
  std::size_t next = random.below(count);
  while (centres.size() < clusters) {
    centres.emplace_back(point(next).begin(), point(next).end());
    double total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      nearest[i] = std::min(nearest[i], squared_distance(point(i), centres.back()));
      total += nearest[i];
    }
    if (!(total > 0)) break;  // every point is a centre already
    next = random.categorical(nearest);
  }
  return centres;
}

std::vector<std::size_t> renumbered(const std::vector<std::size_t>& labels, std::size_t clusters) {
  std::vector<std::size_t> number(clusters, clusters), out;
  std::size_t used = 0;
  for (const std::size_t label : labels) {
    if (number[label] == clusters) number[label] = used++;
    out.push_back(number[label]);
  }
  return out;
}

}  // namespace

std::vector<std::size_t> k_means(std::span<const float> points, std::size_t columns, std::size_t clusters,
                                 std::uint64_t seed) {
  const std::size_t count = columns == 0 ? 0 : points.size() / columns;
  if (count == 0) return {};
  core::Random random(seed);
  std::vector<std::vector<double>> centres =
      seeds(points, columns, std::min(std::max<std::size_t>(1, clusters), count), random);
  std::vector<std::size_t> labels(count, 0);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    bool changed = iteration == 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t best = 0;
      double least = std::numeric_limits<double>::max();
      for (std::size_t c = 0; c < centres.size(); ++c) {
        const double distance = squared_distance(points.subspan(i * columns, columns), centres[c]);
        if (distance < least) {
          least = distance;
          best = c;
        }
      }
      changed = changed || labels[i] != best;
      labels[i] = best;
    }
    if (!changed) break;
    std::vector<std::size_t> sizes(centres.size(), 0);
    std::vector<std::vector<double>> sums(centres.size(), std::vector<double>(columns, 0.0));
    for (std::size_t i = 0; i < count; ++i) {
      ++sizes[labels[i]];
      for (std::size_t j = 0; j < columns; ++j) sums[labels[i]][j] += static_cast<double>(points[i * columns + j]);
    }
    for (std::size_t c = 0; c < centres.size(); ++c) {
      if (sizes[c] == 0) continue;
      for (std::size_t j = 0; j < columns; ++j) centres[c][j] = sums[c][j] / static_cast<double>(sizes[c]);
    }
  }
  return renumbered(labels, centres.size());
}

}  // namespace immucan::stats
