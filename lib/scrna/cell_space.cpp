#include "scrna/cell_space.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace immucan::scrna {

namespace {

constexpr double kTheta = 100;
constexpr std::size_t kLeastCells = 3;

std::vector<double> row_sums(const io::CsrMatrix& counts) {
  std::vector<double> sums(counts.rows, 0.0);
  for (std::size_t i = 0; i < counts.rows; ++i) {
    for (const float value : counts.row_values(i)) sums[i] += static_cast<double>(value);
  }
  return sums;
}

double median(std::vector<double> values) {
  std::erase(values, 0.0);
  if (values.empty()) return 1;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::vector<std::size_t> variable_genes(const io::CsrMatrix& counts, std::size_t most) {
  const std::vector<double> depth = row_sums(counts);
  const double total = std::accumulate(depth.begin(), depth.end(), 0.0);
  const double limit = std::sqrt(static_cast<double>(counts.rows));
  const io::CsrMatrix genes = io::transpose(counts);
  std::vector<std::pair<double, std::size_t>> ranked;  // −variance, gene
  for (std::size_t g = 0; g < genes.rows; ++g) {
    const auto cells = genes.row_columns(g);
    const auto values = genes.row_values(g);
    if (cells.size() < kLeastCells) continue;
    double share = 0;
    for (const float value : values) share += static_cast<double>(value);
    share /= total;
    const auto residual = [&](double count, double cell_depth) {
      const double mean = share * cell_depth;
      return mean > 0 ? std::clamp((count - mean) / std::sqrt(mean + mean * mean / kTheta), -limit, limit) : 0.0;
    };
    double sum = 0, squares = 0;
    std::size_t at = 0;
    for (std::size_t cell = 0; cell < counts.rows; ++cell) {
      double count = 0;
      if (at < cells.size() && static_cast<std::size_t>(cells[at]) == cell) count = static_cast<double>(values[at++]);
      const double r = residual(count, depth[cell]);
      sum += r;
      squares += r * r;
    }
    const double n = static_cast<double>(counts.rows);
    ranked.emplace_back(-(squares / n - (sum / n) * (sum / n)), g);
  }
  std::ranges::sort(ranked);
  if (ranked.size() > most) ranked.resize(most);
  std::vector<std::size_t> out;
  for (const auto& [variance, gene] : ranked) out.push_back(gene);
  std::ranges::sort(out);
  return out;
}

io::CsrMatrix log_normalised(const io::CsrMatrix& counts, const std::vector<std::size_t>& genes, double target) {
  std::vector<std::int32_t> place(counts.columns, -1);
  for (std::size_t i = 0; i < genes.size(); ++i) place[genes[i]] = static_cast<std::int32_t>(i);
  const std::vector<double> depth = row_sums(counts);
  io::CsrMatrix out;
  out.rows = counts.rows;
  out.columns = genes.size();
  for (std::size_t row = 0; row < counts.rows; ++row) {
    const auto columns = counts.row_columns(row);
    const auto values = counts.row_values(row);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      const std::int32_t to = place[static_cast<std::size_t>(columns[e])];
      if (to < 0 || !(values[e] > 0)) continue;
      out.column.push_back(to);
      out.value.push_back(static_cast<float>(std::log1p(static_cast<double>(values[e]) * target / depth[row])));
    }
    out.row_start.push_back(static_cast<std::int64_t>(out.column.size()));
  }
  return out;
}

CellSpace make_cell_space(const io::CsrMatrix& counts, const CellSpaceOptions& options) {
  CellSpace space;
  space.genes = variable_genes(counts, options.genes);
  space.target = median(row_sums(counts));
  space.components =
      stats::principal_components(log_normalised(counts, space.genes, space.target),
                                  {.components = options.components, .seed = options.seed, .threads = options.threads});
  return space;
}

}  // namespace immucan::scrna
