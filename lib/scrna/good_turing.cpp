#include "scrna/good_turing.h"

#include <cmath>
#include <map>
#include <numeric>

namespace immucan::scrna {

namespace {

constexpr std::size_t kLeastRows = 5;
constexpr double kConfidence = 1.96;

struct Line {
  double intercept = 0, slope = 0;
  [[nodiscard]] double at(double r) const { return std::exp(intercept + slope * std::log(r)); }
};

struct Row {
  double r = 0, n = 0;  ///< count, items that have it
};

/// Through log Z against log r, Z = 2 n / (next r − previous r).
Line fit(const std::vector<Row>& rows) {
  std::vector<double> x, y;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double before = i == 0 ? 0 : rows[i - 1].r;
    const double after = i + 1 == rows.size() ? 2 * rows[i].r - before : rows[i + 1].r;
    x.push_back(std::log(rows[i].r));
    y.push_back(std::log(2 * rows[i].n / (after - before)));
  }
  const double count = static_cast<double>(rows.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double products = 0, squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    products += (x[i] - mean_x) * (y[i] - mean_y);
    squares += (x[i] - mean_x) * (x[i] - mean_x);
  }
  const double slope = products / squares;
  return {mean_y - slope * mean_x, slope};
}

/// r* of every row.
std::vector<double> smoothed(const std::vector<Row>& rows) {
  const Line line = fit(rows);
  std::vector<double> out;
  bool on_line = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double next = rows[i].r + 1;
    const double fitted = next * line.at(next) / line.at(rows[i].r);
    if (i + 1 == rows.size() || rows[i + 1].r != next) on_line = true;
    double value = fitted;
    if (!on_line) {
      const double n = rows[i].n, after = rows[i + 1].n;
      const double turing = next * after / n;
      if (std::abs(turing - fitted) <= kConfidence * std::sqrt(next * next * after / (n * n) * (1 + after / n))) {
        on_line = true;
      } else {
        value = turing;
      }
    }
    out.push_back(value);
  }
  return out;
}

}  // namespace

std::vector<double> good_turing(std::span<const std::uint64_t> counts) {
  std::map<std::uint64_t, std::uint64_t> frequencies;
  double total = 0;
  for (const std::uint64_t count : counts) {
    ++frequencies[count];
    total += static_cast<double>(count);
  }
  if (!(total > 0)) return {};
  const double unseen = static_cast<double>(frequencies[0]);
  frequencies.erase(0);
  std::vector<double> out;
  if (frequencies.size() < kLeastRows) {
    for (const std::uint64_t count : counts)
      out.push_back((static_cast<double>(count) + 1) / (total + static_cast<double>(counts.size())));
    return out;
  }
  std::vector<Row> rows;
  for (const auto& [r, n] : frequencies) rows.push_back({static_cast<double>(r), static_cast<double>(n)});
  const double unseen_share = unseen > 0 && rows.front().r == 1 ? rows.front().n / total : 0;
  const std::vector<double> stars = smoothed(rows);
  double mass = 0;
  std::map<std::uint64_t, double> star;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    mass += rows[i].n * stars[i];
    star[static_cast<std::uint64_t>(rows[i].r)] = stars[i];
  }
  for (const std::uint64_t count : counts)
    out.push_back(count == 0 ? unseen_share / unseen : (1 - unseen_share) * star[count] / mass);
  return out;
}

}  // namespace immucan::scrna
