#include "cytof/drift_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/svg.h"

namespace immucan::cytof {
namespace {

constexpr std::uint64_t kPoints = 100, kFewestPoints = 10, kFewestBeads = 51, kBeadsPerPoint = 201;
constexpr double kWidth = 860, kHeight = 340, kPanelWidth = 340, kTop = 52, kBottom = 290, kLeft = 62, kSecond = 470;

/// Medians of up to 201 consecutive beads at up to 100 places of the run.
struct Drift {
  std::vector<double> time;
  std::vector<std::vector<double>> before, after;  ///< [channel][place]
};

Drift measure(const BeadSpool& beads, SpooledCurve& curve) {
  const std::size_t n = beads.channels();
  Drift drift{{}, std::vector<std::vector<double>>(n), std::vector<std::vector<double>>(n)};
  // Enough beads for a steady median, unless there are few.
  const std::uint64_t steady = std::min(kFewestBeads, (beads.size() + kFewestPoints - 1) / kFewestPoints);
  const std::uint64_t stride = std::max(steady, (beads.size() + kPoints - 1) / kPoints);
  std::vector<std::vector<double>> held(2 * n + 1);
  std::uint64_t index = 0;
  const auto end_place = [&] {
    if (held[0].empty()) return;
    drift.time.push_back(median_of(held[0]));
    for (std::size_t c = 0; c < n; ++c) {
      drift.before[c].push_back(median_of(held[1 + c]));
      drift.after[c].push_back(median_of(held[1 + n + c]));
    }
    for (auto& values : held) values.clear();
  };
  for (BeadSpool::Reader bead(beads); bead.next(); ++index) {
    if (index % stride == 0) end_place();
    if (held[0].size() == kBeadsPerPoint) continue;
    held[0].push_back(bead.time);
    const double slope = curve.at(bead.time);
    for (std::size_t c = 0; c < n; ++c) {
      held[1 + c].push_back(bead.intensities[c]);
      held[1 + n + c].push_back(bead.intensities[c] * slope);
    }
  }
  end_place();
  return drift;
}

void draw_panel(report::Svg& svg, const std::string& title, double left, const Drift& drift,
                const std::vector<std::vector<double>>& lines, const report::Scale& y_scale) {
  auto [first, last] = std::ranges::minmax(drift.time);
  if (!(last > first)) last = first + 1;
  const report::Scale x{first, last, left, left + kPanelWidth, false};
  svg.text(left, kTop - 12, title, {.bold = true});
  report::bottom_axis(svg, x, kBottom, kTop, report::nice_ticks(first, last, 5), "Time");
  report::left_axis(svg, y_scale, left, left + kPanelWidth, report::log_ticks(y_scale.low, y_scale.high, 6),
                    "bead median");
  for (std::size_t c = 0; c < lines.size(); ++c) {
    std::vector<double> points;
    for (std::size_t i = 0; i < drift.time.size(); ++i) {
      if (!(lines[c][i] > 0)) continue;
      points.push_back(x(drift.time[i]));
      points.push_back(y_scale(lines[c][i]));
    }
    if (points.size() == 2) {
      svg.circle(points[0], points[1], 3, report::colour::category(c));
    } else if (!points.empty()) {
      svg.polyline(points, report::colour::category(c));
    }
  }
}

}  // namespace

std::string drift_plot(const std::string& title, const std::vector<int>& masses, const BeadSpool& beads,
                       SpooledCurve& curve) {
  const Drift drift = measure(beads, curve);
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const auto* lines : {&drift.before, &drift.after}) {
    for (const auto& line : *lines) {
      for (const double value : line) {
        if (!(value > 0)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  if (!(high > 0)) low = high = 1;
  const report::Scale y{low / 1.1, high * 1.1, kBottom, kTop, true};
  report::Svg svg(kWidth, kHeight, "Bead medians over Time before and after normalisation: " + title);
  svg.text(kLeft, 20, report::shorten(title, 90), {.size = 14, .bold = true});
  draw_panel(svg, "before", kLeft, drift, drift.before, y);
  draw_panel(svg, "after", kSecond, drift, drift.after, y);
  for (std::size_t c = 0; c < masses.size(); ++c) {
    const double at = kTop + 12 + 18 * static_cast<double>(c);
    svg.line(kSecond + kPanelWidth + 8, at - 4, kSecond + kPanelWidth + 20, at - 4, report::colour::category(c), 2);
    svg.text(kSecond + kPanelWidth + 24, at, std::to_string(masses[c]), {.size = 11});
  }
  return svg.finish();
}

}  // namespace immucan::cytof
