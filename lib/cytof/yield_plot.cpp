#include "cytof/yield_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/svg.h"

namespace immucan::cytof {
namespace {

constexpr double kWidth = 720, kHeight = 400, kLeft = 62, kRight = 560, kTop = 40, kBottom = 350;
constexpr std::size_t kNamesShown = 24;

}  // namespace

std::vector<std::vector<double>> barcode_yields(const BarcodeKey& key, const Debarcoding& result) {
  const std::size_t samples = key.labels.size();
  std::vector<std::vector<double>> yields(samples, std::vector<double>(kYieldSteps + 1));
  std::vector<double> events(samples);
  for (std::size_t event = 0; event < result.preliminary.size(); ++event) {
    if (result.preliminary[event] < 0) continue;
    const auto sample = static_cast<std::size_t>(result.preliminary[event]);
    ++events[sample];
    for (std::size_t i = 0; i <= kYieldSteps && result.delta[event] >= static_cast<double>(i) / kYieldSteps; ++i) {
      ++yields[sample][i];
    }
  }
  for (std::size_t sample = 0; sample < samples; ++sample) {
    for (double& value : yields[sample]) {
      value = events[sample] > 0 ? value / events[sample] : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return yields;
}

std::string yield_plot(const std::string& title, const BarcodeKey& key, const Debarcoding& result) {
  const auto yields = barcode_yields(key, result);
  const report::Scale x{0, 1, kLeft, kRight, false}, y{0, 1, kBottom, kTop, false};
  report::Svg svg(kWidth, kHeight, "Yield of every sample over the separation cut-off: " + title);
  svg.text(kLeft, 22, report::shorten(title, 80), {.size = 14, .bold = true});
  const std::vector<double> ticks{0, 0.2, 0.4, 0.6, 0.8, 1};
  report::bottom_axis(svg, x, kBottom, kTop, ticks, "separation cut-off");
  report::left_axis(svg, y, kLeft, kRight, ticks, "share of the sample's events kept");
  for (std::size_t sample = 0; sample < yields.size(); ++sample) {
    if (std::isnan(yields[sample].front())) continue;
    const auto colour = report::colour::category(sample);
    std::vector<double> points;
    for (std::size_t i = 0; i <= kYieldSteps; ++i) {
      points.push_back(x(static_cast<double>(i) / kYieldSteps));
      points.push_back(y(yields[sample][i]));
    }
    const double cutoff = std::clamp(result.cutoffs[sample], 0.0, 1.0);
    const auto at = static_cast<std::size_t>(std::lround(cutoff * kYieldSteps));
    svg.begin_group(fmt::format("{}: cut-off {}", key.labels[sample], report::short_number(result.cutoffs[sample])));
    svg.polyline(points, colour, 1.2, sample < 8 ? "" : sample < 16 ? "5 3" : "2 2");
    svg.circle(x(cutoff), y(yields[sample][at]), 3.5, colour);
    svg.end_group();
    if (sample >= kNamesShown) continue;
    const double line = kTop + 8 + 13 * static_cast<double>(sample);
    svg.line(kRight + 12, line - 4, kRight + 30, line - 4, colour, 2, sample < 8 ? "" : sample < 16 ? "5 3" : "2 2");
    svg.text(kRight + 36, line, report::shorten(key.labels[sample], 16), {.size = 11});
  }
  if (yields.size() > kNamesShown) {
    svg.text(kRight + 12, kTop + 8 + 13 * static_cast<double>(kNamesShown),
             fmt::format("and {} more", yields.size() - kNamesShown), {.size = 11, .fill = report::colour::kMuted});
  }
  return svg.finish();
}

}  // namespace immucan::cytof
