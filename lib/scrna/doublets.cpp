#include "scrna/doublets.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"
#include "scrna/cell_space.h"
#include "stats/nearest_neighbours.h"

namespace immucan::scrna {

namespace {

constexpr std::size_t kLeastCells = 30;
constexpr double kHighestRate = 0.5, kCalled = 0.5;
constexpr std::uint64_t kStream = 0xd0;

/// Sums of random pairs of rows.
io::CsrMatrix simulate(const io::CsrMatrix& counts, std::size_t number, std::uint64_t seed) {
  core::Random random(seed, kStream);
  io::CsrMatrix out;
  out.rows = number;
  out.columns = counts.columns;
  for (std::size_t i = 0; i < number; ++i) {
    const std::size_t first = random.below(counts.rows);
    std::size_t second = random.below(counts.rows - 1);
    second += second >= first ? 1 : 0;
    const auto a = counts.row_columns(first), b = counts.row_columns(second);
    const auto av = counts.row_values(first), bv = counts.row_values(second);
    for (std::size_t j = 0, k = 0; j < a.size() || k < b.size();) {
      const std::int32_t left = j < a.size() ? a[j] : INT32_MAX, right = k < b.size() ? b[k] : INT32_MAX;
      out.column.push_back(std::min(left, right));
      float value = 0;
      if (left <= right) value += av[j++];
      if (right <= left) value += bv[k++];
      out.value.push_back(value);
    }
    out.row_start.push_back(static_cast<std::int64_t>(out.column.size()));
  }
  return out;
}

/// How many observed cells and simulated doublets have each number of simulated neighbours.
struct Levels {
  std::vector<double> observed, simulated;
};

double estimate_rate(const Levels& levels) {
  const double observed = std::accumulate(levels.observed.begin(), levels.observed.end(), 0.0);
  const double simulated = std::accumulate(levels.simulated.begin(), levels.simulated.end(), 0.0);
  double above_observed = 0, above_simulated = 0;
  for (std::size_t q = levels.observed.size(); q-- > 0 && above_simulated < simulated / 2;) {
    above_observed += levels.observed[q];
    above_simulated += levels.simulated[q];
  }
  return std::min(kHighestRate, above_observed / observed / (above_simulated / simulated));
}

/// Probability of being a doublet at each level: pooled until it does not descend.
std::vector<double> posterior(const Levels& levels, double rate) {
  const double observed = std::accumulate(levels.observed.begin(), levels.observed.end(), 0.0);
  const double simulated = std::accumulate(levels.simulated.begin(), levels.simulated.end(), 0.0);
  struct Pool {
    double expected, observed;
    std::size_t levels;
    [[nodiscard]] double ratio() const {
      return observed > 0 ? expected / observed : std::numeric_limits<double>::infinity();
    }
  };
  std::vector<Pool> pools;
  for (std::size_t q = 0; q < levels.observed.size(); ++q) {
    pools.push_back({rate * levels.simulated[q] / simulated, levels.observed[q] / observed, 1});
    // A level that nobody has belongs to the one below.
    while (pools.size() > 1 && (pools.back().expected + pools.back().observed == 0 ||
                                pools[pools.size() - 2].ratio() >= pools.back().ratio())) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().expected += last.expected;
      pools.back().observed += last.observed;
      pools.back().levels += last.levels;
    }
  }
  std::vector<double> out;
  for (const Pool& pool : pools)
    out.insert(out.end(), pool.levels, std::min(1.0, pool.expected + pool.observed == 0 ? 0 : pool.ratio()));
  return out;
}

}  // namespace

DoubletResult score_doublets(const io::CsrMatrix& counts, const DoubletOptions& options,
                             const core::RunContext& context) {
  DoubletResult result;
  const std::size_t cells = counts.rows;
  result.scores.assign(cells, 0.0);
  result.called.assign(cells, 0);
  if (cells < kLeastCells) return result;
  const CellSpace space = make_cell_space(counts, {.seed = context.seed, .threads = context.threads});
  if (space.dimensions() == 0) return result;
  const auto number = static_cast<std::size_t>(std::llround(options.simulated_per_cell * static_cast<double>(cells)));
  const io::CsrMatrix doublets = simulate(counts, number, context.seed);
  // A doublet has the molecules of two cells: both are scaled to the same total before they are compared.
  std::vector<float> points = space.components.scores;
  const std::vector<float> more =
      space.components.project(log_normalised(doublets, space.genes, space.target), context.threads);
  points.insert(points.end(), more.begin(), more.end());
  const double ratio = static_cast<double>(number) / static_cast<double>(cells);
  const std::size_t base = options.neighbours > 0
                               ? options.neighbours
                               : static_cast<std::size_t>(std::llround(0.5 * std::sqrt(static_cast<double>(cells))));
  const auto k = std::min(
      points.size() / space.dimensions() - 1,
      static_cast<std::size_t>(std::llround(static_cast<double>(std::max<std::size_t>(1, base)) * (1 + ratio))));
  const std::vector<std::uint32_t> near =
      stats::nearest_neighbours(points, points, space.dimensions(), k, true, context.threads);
  std::vector<std::size_t> level;
  Levels levels{std::vector<double>(k + 1, 0.0), std::vector<double>(k + 1, 0.0)};
  for (std::size_t i = 0; i < cells + number; ++i) {
    const auto first = near.begin() + static_cast<std::ptrdiff_t>(i * k);
    level.push_back(static_cast<std::size_t>(std::count_if(first, first + static_cast<std::ptrdiff_t>(k),
                                                           [&](std::uint32_t other) { return other >= cells; })));
    (i < cells ? levels.observed : levels.simulated)[level.back()] += 1;
  }
  result.rate = options.expected_rate.value_or(estimate_rate(levels));
  const std::vector<double> probability = posterior(levels, result.rate);
  for (std::size_t q = 0; q <= k; ++q) {
    if (probability[q] >= kCalled) result.detectable += levels.simulated[q] / static_cast<double>(number);
  }
  for (std::size_t i = 0; i < cells; ++i) {
    result.scores[i] = probability[level[i]];
    result.called[i] = result.scores[i] >= kCalled ? 1 : 0;
  }
  return result;
}

}  // namespace immucan::scrna
