#include "scrna/ambient.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scrna/cell_space.h"
#include "stats/clustering_kmeans.h"
#include "stats/distributions.h"

namespace immucan::scrna {

namespace {

constexpr double kLeastExpected = 20;  // molecules of a gene in a cluster if all of it were ambient
constexpr double kLeastContrast = 10;
constexpr double kHighest = 0.8, kStep = 0.001;
constexpr std::size_t kCellsPerCluster = 75;

struct Pair {
  double observed, expected;
};

/// Gene × cluster pairs below the ambient level, of genes that some cluster has far above it.
std::vector<Pair> silent_pairs(const io::CsrMatrix& cells, std::span<const std::size_t> cluster,
                               std::span<const double> ambient) {
  const std::size_t clusters = *std::ranges::max_element(cluster) + 1;
  std::vector<double> sums(clusters * cells.columns, 0.0), totals(clusters, 0.0);
  for (std::size_t i = 0; i < cells.rows; ++i) {
    const auto columns = cells.row_columns(i);
    const auto values = cells.row_values(i);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      sums[cluster[i] * cells.columns + static_cast<std::size_t>(columns[e])] += static_cast<double>(values[e]);
      totals[cluster[i]] += static_cast<double>(values[e]);
    }
  }
  std::vector<Pair> pairs;
  for (std::size_t g = 0; g < cells.columns; ++g) {
    double highest = 0, lowest = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < clusters; ++c) {
      const double expected = totals[c] * ambient[g];
      if (expected < kLeastExpected) continue;
      highest = std::max(highest, sums[c * cells.columns + g] / expected);
      lowest = std::min(lowest, (sums[c * cells.columns + g] + 0.5) / expected);
    }
    if (!(highest >= kLeastContrast * lowest)) continue;
    for (std::size_t c = 0; c < clusters; ++c) {
      const Pair pair{sums[c * cells.columns + g], totals[c] * ambient[g]};
      if (pair.expected >= kLeastExpected && pair.observed < pair.expected) pairs.push_back(pair);
    }
  }
  return pairs;
}

}  // namespace

AmbientEstimate estimate_ambient(const io::CsrMatrix& cells, std::span<const std::size_t> cluster,
                                 std::span<const double> ambient) {
  AmbientEstimate out{std::numeric_limits<double>::quiet_NaN(), 0};
  if (cells.rows == 0 || ambient.empty()) return out;
  const std::vector<Pair> pairs = silent_pairs(cells, cluster, ambient);
  out.evidence = pairs.size();
  if (pairs.empty()) return out;
  double best = -1;
  const auto steps = static_cast<int>(kHighest / kStep);
  for (int step = 1; step <= steps; ++step) {
    const double fraction = kStep * step;
    double density = 0;
    for (const Pair& pair : pairs) {
      // Gamma(observed + 1, expected).
      const double shape = pair.observed + 1;
      density += std::exp(shape * std::log(pair.expected) + (shape - 1) * std::log(fraction) -
                          pair.expected * fraction - stats::log_gamma(shape));
    }
    if (density > best) {
      best = density;
      out.fraction = fraction;
    }
  }
  return out;
}

std::vector<std::size_t> coarse_clusters(const io::CsrMatrix& cells, const core::RunContext& context) {
  if (cells.rows < 2) return std::vector<std::size_t>(cells.rows, 0);
  const CellSpace space = make_cell_space(cells, {.seed = context.seed, .threads = context.threads});
  if (space.dimensions() == 0) return std::vector<std::size_t>(cells.rows, 0);
  const std::size_t clusters = std::clamp<std::size_t>(cells.rows / kCellsPerCluster, 2, 20);
  return stats::k_means(space.components.scores, space.dimensions(), clusters, context.seed);
}

}  // namespace immucan::scrna
