// What a whole is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "report/plots.h"
#include "report/svg.h"

namespace immucan::report {

namespace {

constexpr double kRings = 220;          // width of all rings
constexpr double kHole = 62;            // radius of the centre
constexpr double kLeastAngle = 0.0015;  // radians; narrower sectors cannot be seen

struct Arc {
  double begin = 0, width = 0;
};

/// The corners of a sector, clockwise from the top.
std::vector<double> sector_corners(double x, double y, double inner, double outer, const Arc& arc) {
  const auto steps = static_cast<int>(std::ceil(arc.width / 0.035)) + 1;
  std::vector<double> corners;
  const auto add = [&](double radius, double angle) {
    corners.push_back(x + radius * std::sin(angle));
    corners.push_back(y - radius * std::cos(angle));
  };
  for (int i = 0; i <= steps; ++i) add(outer, arc.begin + arc.width * i / steps);
  for (int i = steps; i >= 0; --i) add(inner, arc.begin + arc.width * i / steps);
  return corners;
}

/// Along the radius, readable from the left.
void sector_label(Svg& svg, double x, double y, double ring, const SunburstSector& sector, const Arc& arc) {
  const double middle = kHole + ring * (static_cast<double>(sector.ring) + 0.5);
  if (arc.width * middle < 11) return;
  const double angle = arc.begin + arc.width / 2;
  const double degrees = angle * 180 / std::numbers::pi;
  const double tilt = degrees <= 180 ? degrees - 90 : degrees - 270;
  svg.text(x + middle * std::sin(angle), y - middle * std::cos(angle) + 3,
           shorten(sector.label, static_cast<std::size_t>(ring / 6.2)),
           {.size = 9, .anchor = "middle", .fill = "#1b2127", .rotate = tilt});
}

}  // namespace

std::string sunburst_plot(const SunburstPlot& plot) {
  const double ring = kRings / static_cast<double>(std::max<std::size_t>(1, plot.rings.size()));
  const double radius = kHole + ring * static_cast<double>(plot.rings.size());
  const double top = plot.subtitle.empty() ? 34 : 54, legend = 20.0 * static_cast<double>(plot.legend.size());
  const double height = top + std::max(2 * radius, legend + 20.0 * static_cast<double>(plot.rings.size()) + 60) + 14;
  Svg svg(2 * radius + 290, height, plot.title);
  svg.text(8, 20, plot.title, {.size = 14, .bold = true});
  if (!plot.subtitle.empty()) svg.text(8, 40, plot.subtitle, {.size = 12, .fill = colour::kMuted});
  const double x = radius + 10, y = top + radius + 4;
  std::vector<Arc> arcs(plot.sectors.size());
  std::vector<double> next(plot.sectors.size() + 1);  // where the next child begins; the last one is ring 0's
  for (std::size_t i = 0; i < plot.sectors.size(); ++i) {
    const SunburstSector& sector = plot.sectors[i];
    double& begin = sector.ring == 0 ? next.back() : next[sector.parent];
    arcs[i] = {begin, 2 * std::numbers::pi * sector.share};
    begin += arcs[i].width;
    next[i] = arcs[i].begin;
    if (arcs[i].width < kLeastAngle) continue;
    const double inner = kHole + ring * static_cast<double>(sector.ring);
    svg.begin_group(sector.tooltip);
    svg.polygon(sector_corners(x, y, inner, inner + ring, arcs[i]), sector.colour, sector.opacity, colour::kPaper);
    sector_label(svg, x, y, ring, sector, arcs[i]);
    svg.end_group();
  }
  svg.text(x, y + 4, plot.centre, {.size = 13, .anchor = "middle", .bold = true});
  double line = top + 18;
  const double left = 2 * radius + 36;
  for (const auto& [words, colour] : plot.legend) {
    svg.rect(left, line - 10, 12, 12, colour, {}, 2);
    svg.text(left + 18, line, shorten(words, 34), {.size = 12});
    line += 20;
  }
  line += 14;
  std::string rings;
  for (const std::string& name : plot.rings) rings += (rings.empty() ? "" : ", ") + name;
  svg.text(left, line, "Rings from the middle out:", {.size = 11, .fill = colour::kMuted});
  svg.text(left, line + 16, rings, {.size = 11, .fill = colour::kMuted});
  return svg.finish();
}

std::string share_plot(const SharePlot& plot) {
  double label_width = 60, note_width = 0, lowest = 1, highest = 0;
  for (const ShareRow& row : plot.rows) {
    label_width = std::max(label_width, text_width(shorten(row.label, 42), 12));
    note_width = std::max(note_width, text_width(row.note, 11));
    lowest = std::min(lowest, row.lower > 0 ? row.lower : row.share);
    highest = std::max({highest, row.share, row.upper});
  }
  note_width = std::max(note_width, text_width(plot.note_heading, 11));
  const double left = label_width + 18, width = 340, right = left + width, row_height = 20, top = 46;
  const double bottom = top + row_height * static_cast<double>(std::max<std::size_t>(1, plot.rows.size()));
  Svg svg(right + note_width + 40, bottom + 46, plot.title);
  svg.text(8, 20, plot.title, {.size = 14, .bold = true});
  svg.text(right + 18, 38, plot.note_heading, {.size = 11, .fill = colour::kMuted});
  const double floor_exponent = std::floor(std::log10(std::max(1e-12, lowest))), low = std::pow(10, floor_exponent);
  const Scale x{.low = low, .high = std::max(highest * 1.15, low * 10), .from = left, .to = right, .logarithmic = true};
  bottom_axis(svg, x, bottom, top - 4, log_ticks(x.low, x.high, 6), plot.axis);
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const ShareRow& row = plot.rows[i];
    const double y = top + row_height * (static_cast<double>(i) + 0.5);
    svg.begin_group(row.tooltip);
    svg.text(left - 8, y + 4, shorten(row.label, 42), {.size = 12, .anchor = "end"});
    svg.rect(left, y - 6, x(row.share) - left, 12, row.colour, {}, 2, 0.75);
    if (row.lower > 0 && row.upper > row.lower) {
      svg.line(x(row.lower), y, x(row.upper), y, colour::kInk, 1.4);
      for (const double end : {row.lower, row.upper}) svg.line(x(end), y - 3, x(end), y + 3, colour::kInk, 1.4);
    }
    svg.text(right + 18, y + 4, row.note, {.size = 11});
    svg.end_group();
  }
  return svg.finish();
}

}  // namespace immucan::report
