#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "core/random.h"
#include "stats/clustering_agreement.h"
#include "stats/clustering_hierarchical.h"
#include "stats/monotone_spline.h"

namespace {

using namespace immucan;

TEST_CASE("the adjusted Rand index of known clusterings") {
  using Labels = std::vector<std::size_t>;
  CHECK(stats::adjusted_rand_index(Labels{0, 0, 1, 1}, Labels{1, 1, 0, 0}) == 1);
  // Worked by hand: pairs together in both 1, in the first 2, in the second 1, of 6.
  CHECK(stats::adjusted_rand_index(Labels{0, 0, 1, 1}, Labels{0, 0, 1, 2}) == Approx(4.0 / 7));
  CHECK(stats::adjusted_rand_index(Labels{0, 0, 1, 1}, Labels{0, 1, 0, 1}) == Approx(-0.5));
  CHECK(stats::adjusted_rand_index(Labels{0, 0, 0}, Labels{0, 0, 0}) == 1);
}

/// Straight from the definition: the pair of clusters with the least mean distance between their members.
std::vector<double> slow_heights(const std::vector<double>& d, std::size_t n) {
  std::vector<std::vector<std::size_t>> clusters;
  for (std::size_t i = 0; i < n; ++i) clusters.push_back({i});
  std::vector<double> heights;
  while (clusters.size() > 1) {
    double best = std::numeric_limits<double>::infinity();
    std::size_t a = 0, b = 0;
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      for (std::size_t j = i + 1; j < clusters.size(); ++j) {
        double sum = 0;
        for (const auto p : clusters[i]) {
          for (const auto q : clusters[j]) sum += d[p * n + q];
        }
        sum /= static_cast<double>(clusters[i].size() * clusters[j].size());
        if (sum < best) {
          best = sum;
          a = i;
          b = j;
        }
      }
    }
    heights.push_back(best);
    clusters[a].insert(clusters[a].end(), clusters[b].begin(), clusters[b].end());
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(b));
  }
  return heights;
}

TEST_CASE("average linkage equals its definition, and the spanning tree is as short as any") {
  core::Random random(2);
  for (int round = 0; round < 20; ++round) {
    const std::size_t n = 2 + random.below(25);
    std::vector<float> points;
    for (std::size_t i = 0; i < 2 * n; ++i) points.push_back(static_cast<float>(random.normal()));
    std::vector<double> d(n * n);
    const auto distance = [&](std::size_t i, std::size_t j) {
      return std::hypot(double{points[2 * i]} - double{points[2 * j]},
                        double{points[2 * i + 1]} - double{points[2 * j + 1]});
    };
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) d[i * n + j] = distance(i, j);
    }
    const auto merges = stats::average_linkage(d, n);
    const auto heights = slow_heights(d, n);
    REQUIRE(merges.size() == n - 1);
    for (std::size_t m = 0; m < merges.size(); ++m) CHECK(merges[m].height == Approx(heights[m]));
    for (std::size_t k = 1; k <= n; ++k) {
      const auto labels = stats::cut_tree(merges, n, k);
      CHECK(*std::ranges::max_element(labels) == k - 1);
      CHECK(labels[0] == 0);
    }
    // Kruskal: edges in order of length, each that joins two trees.
    std::vector<std::array<double, 3>> edges;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        edges.push_back({distance(i, j), static_cast<double>(i), static_cast<double>(j)});
      }
    }
    std::ranges::sort(edges);
    std::vector<std::size_t> tree(n);
    for (std::size_t i = 0; i < n; ++i) tree[i] = i;
    double shortest = 0, found = 0;
    for (const auto& [length, i, j] : edges) {
      const std::size_t a = tree[static_cast<std::size_t>(i)], b = tree[static_cast<std::size_t>(j)];
      if (a == b) continue;
      shortest += length;
      std::ranges::replace(tree, b, a);
    }
    const auto own = stats::spanning_tree(points, 2);
    REQUIRE(own.size() == n - 1);
    for (const auto& [i, j] : own) found += distance(i, j);
    CHECK(found == Approx(shortest));
  }
}

TEST_CASE("consensus clusters find planted groups, the same for any number of threads") {
  core::Random random(4);
  std::vector<float> points;
  std::vector<std::size_t> truth;
  for (std::size_t i = 0; i < 60; ++i) {
    truth.push_back(i % 3);
    for (std::size_t c = 0; c < 4; ++c) {
      points.push_back(static_cast<float>(random.normal(c == i % 3 ? 4 : 0, 0.5)));
    }
  }
  const auto one = stats::consensus_clusters(points, 4, {.clusters = 3, .seed = 9, .threads = 1});
  CHECK(stats::adjusted_rand_index(one, truth) == 1);
  CHECK(stats::consensus_clusters(points, 4, {.clusters = 3, .seed = 9, .threads = 4}) == one);
}

TEST_CASE("monotone splines keep the order and pass through their knots; equal knots are joined") {
  core::Random random(6);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> x, y;
    double at_x = random.normal(), at_y = random.normal();
    for (int i = 0; i < 12; ++i) {
      x.push_back(at_x += random.exponential(1));
      y.push_back(at_y += random.bernoulli(0.3) ? 0 : random.exponential(2));
    }
    const stats::MonotoneSpline spline(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(spline(x[i]) == Approx(y[i]));
    double before = -std::numeric_limits<double>::infinity(), tallest = 0;
    for (std::size_t i = 1; i < y.size(); ++i) tallest = std::max(tallest, y[i] - y[i - 1]);
    for (double at = x.front() - 1; at < x.back() + 1; at += 0.01) {
      const double value = spline(at);
      // R shortens the slopes of a piece without looking back at the one before: a dip of at most 1/27 of that piece.
      REQUIRE(value >= before - tallest / 27);
      before = value;
    }
  }
  const stats::MonotoneSpline joined(std::vector<double>{0, 1, 1, 2}, std::vector<double>{0, 1, 3, 4});
  CHECK(joined(1) == Approx(2));
  CHECK(joined(-1) == Approx(-2));  // the line with the slope of the first piece
  CHECK(joined(3) == Approx(6));
}

TEST_CASE("quantiles of type 7") {
  const std::vector<double> values{1, 2, 4, 8};
  CHECK(stats::sorted_quantile(values, 0) == 1);
  CHECK(stats::sorted_quantile(values, 1) == 8);
  CHECK(stats::sorted_quantile(values, 0.5) == Approx(3));
  CHECK(stats::sorted_quantile(values, 0.9) == Approx(6.8));
}

}  // namespace
