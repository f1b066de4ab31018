// Trees of clusters.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "report/plots.h"
#include "report/svg.h"

namespace immucan::report {
namespace {

struct Point {
  double x = 0, y = 0;
};

/// Places a tree without crossings: every node hands its angle on to its branches in proportion to their leaves.
class TreeLayout {
 public:
  explicit TreeLayout(const TreePlot& plot) : neighbours_(plot.nodes.size()), points_(plot.nodes.size()) {
    for (const auto& [a, b] : plot.edges) {
      neighbours_[a].push_back(b);
      neighbours_[b].push_back(a);
    }
    const std::size_t root = centre();
    order_from(root);
    std::vector<double> leaves(points_.size(), 1), begin(points_.size()), width(points_.size());
    for (std::size_t i = order_.size(); i-- > 0;) {
      double below = 0;
      for (const std::size_t next : neighbours_[order_[i]]) below += next == parent_[order_[i]] ? 0 : leaves[next];
      leaves[order_[i]] = std::max(1.0, below);
    }
    width[root] = 2 * std::numbers::pi;
    for (const std::size_t node : order_) {
      double angle = begin[node];
      for (const std::size_t next : neighbours_[node]) {
        if (next == parent_[node]) continue;
        begin[next] = angle;
        width[next] = width[node] * leaves[next] / leaves[node];
        const double direction = angle + width[next] / 2;
        points_[next] = {points_[node].x + std::cos(direction), points_[node].y + std::sin(direction)};
        angle += width[next];
      }
    }
  }
  [[nodiscard]] const std::vector<Point>& points() const { return points_; }

 private:
  void order_from(std::size_t root) {
    order_.assign(1, root);
    parent_.assign(points_.size(), points_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      for (const std::size_t next : neighbours_[order_[i]]) {
        if (next == parent_[order_[i]]) continue;
        parent_[next] = order_[i];
        order_.push_back(next);
      }
    }
  }
  /// The middle of the longest path.
  std::size_t centre() {
    order_from(0);
    order_from(order_.back());
    std::vector<std::size_t> path{order_.back()};
    while (parent_[path.back()] != points_.size()) path.push_back(parent_[path.back()]);
    return path[path.size() / 2];
  }

  std::vector<std::vector<std::size_t>> neighbours_;
  std::vector<Point> points_;
  std::vector<std::size_t> order_, parent_;
};

}  // namespace

std::string tree_plot(const TreePlot& plot) {
  constexpr double kSide = 560, kTop = 44, kMargin = 24, kLegend = 170;
  Svg svg(kSide + kLegend, kSide + kTop, plot.title);
  svg.text(kMargin, 18, shorten(plot.title, 90), {.size = 13, .bold = true});
  svg.text(kMargin, 34, shorten(plot.subtitle, 110), {.size = 11, .fill = colour::kMuted});
  if (plot.nodes.empty()) return svg.finish();
  const TreeLayout layout(plot);
  const auto& points = layout.points();
  const auto [left, right] = std::ranges::minmax_element(points, {}, &Point::x);
  const auto [low, high] = std::ranges::minmax_element(points, {}, &Point::y);
  const double extent = std::max({right->x - left->x, high->y - low->y, 1e-9});
  const double scale = (kSide - 2 * kMargin) / extent;
  const auto x = [&](std::size_t i) { return kMargin + (points[i].x - left->x) * scale; };
  const auto y = [&](std::size_t i) { return kTop + kMargin + (points[i].y - low->y) * scale; };
  for (const auto& [a, b] : plot.edges) svg.line(x(a), y(a), x(b), y(b), colour::kAxis);
  double largest = 0;
  for (const TreeNode& node : plot.nodes) largest = std::max(largest, node.size);
  for (std::size_t i = 0; i < plot.nodes.size(); ++i) {
    const double share = largest > 0 ? plot.nodes[i].size / largest : 0;
    svg.begin_group(plot.nodes[i].tooltip);
    svg.circle(x(i), y(i), 2 + 8 * std::sqrt(share), plot.nodes[i].colour, colour::kPaper);
    svg.end_group();
  }
  double line = kTop + kMargin;
  for (const auto& [name, fill] : plot.legend) {
    svg.circle(kSide + 8, line - 4, 5, fill);
    svg.text(kSide + 20, line, shorten(name, 22), {.size = 11});
    line += 16;
  }
  return svg.finish();
}

}  // namespace immucan::report
