// Lines over two axes.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "report/plots.h"
#include "report/svg.h"

namespace immucan::report {

namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// Never empty; linear axes begin at 0.
  [[nodiscard]] Scale scale(double from, double to, bool logarithmic) const {
    double first = low, last = high;
    if (!(high >= low)) first = logarithmic ? 1 : 0, last = logarithmic ? 10 : 1;
    if (!logarithmic) first = std::min(first, 0.0);
    if (last <= first) last = logarithmic ? first * 10 : first + 1;
    return {first, last, from, to, logarithmic};
  }
};

std::vector<double> ticks_of(const Scale& scale) {
  return scale.logarithmic ? log_ticks(scale.low, scale.high, 7) : nice_ticks(scale.low, scale.high, 5);
}

}  // namespace

std::string curve_plot(const CurvePlot& plot) {
  constexpr double kLeft = 66, kTop = 50, kWidth = 330, kHeight = 220;
  Range horizontal, vertical;
  for (const CurveSeries& series : plot.series) {
    for (const auto& [x, y] : series.points) {
      horizontal.add(x);
      vertical.add(y);
    }
  }
  const Scale x = horizontal.scale(kLeft, kLeft + kWidth, plot.x_logarithmic);
  const Scale y = vertical.scale(kTop + kHeight, kTop, plot.y_logarithmic);
  Svg svg(kLeft + kWidth + 24, kTop + kHeight + 44, plot.title);
  svg.text(0, 16, plot.title, {.size = 13, .bold = true});
  svg.text(0, 32, plot.subtitle, {.size = 11, .fill = colour::kMuted});
  bottom_axis(svg, x, kTop + kHeight, kTop, ticks_of(x), plot.x_axis);
  left_axis(svg, y, kLeft, kLeft + kWidth, ticks_of(y), plot.y_axis);
  double legend = kLeft;
  for (const CurveSeries& series : plot.series) {
    std::vector<double> line;
    for (const auto& [at, value] : series.points) line.insert(line.end(), {x(at), y(value)});
    if (line.size() == 2) {
      svg.circle(line[0], line[1], 3, series.colour);
    } else if (!line.empty()) {
      svg.polyline(line, series.colour, 2.2);
    }
    if (plot.series.size() < 2) continue;
    svg.rect(legend, kTop - 16, 10, 10, series.colour, {}, 2);
    svg.text(legend + 15, kTop - 7, series.name, {.size = 11, .fill = colour::kMuted});
    legend += text_width(series.name, 11) + 34;
  }
  return svg.finish();
}

}  // namespace immucan::report
