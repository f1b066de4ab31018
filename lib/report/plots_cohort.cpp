// Bars, heatmap, overlap of sets and cohort flow.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/plots.h"
#include "report/svg.h"

namespace immucan::report {
namespace {

void legend_row(Svg& svg, double x, double y, const std::vector<std::pair<std::string, std::string>>& entries) {
  for (const auto& [words, fill] : entries) {
    svg.rect(x, y - 9, 10, 10, fill, {}, 2);
    svg.text(x + 15, y, words, {.size = 11, .fill = colour::kMuted});
    x += text_width(words, 11) + 34;
  }
}

/// Height that `box` needs.
double box_height(const FlowStep& box) {
  return 14 + 16 * static_cast<double>(box.lines.size());
}

void flow_box(Svg& svg, double x, double y, double width, const FlowStep& box, std::string_view stroke) {
  svg.rect(x, y, width, box_height(box), colour::kFaint, stroke, 6);
  for (std::size_t i = 0; i < box.lines.size(); ++i) {
    svg.text(x + width / 2, y + 20 + 16 * static_cast<double>(i), box.lines[i],
             {.size = i == 0 ? 12.5 : 11.5,
              .anchor = "middle",
              .fill = i == 0 ? colour::kInk : colour::kMuted,
              .bold = i == 0});
  }
}

void arrow_down(Svg& svg, double x, double from, double to) {
  svg.line(x, from, x, to - 5, colour::kAxis, 1.4);
  svg.polygon(std::array{x - 4, to - 7, x + 4, to - 7, x, to - 1}, colour::kAxis);
}

void heatmap_tracks(Svg& svg, const Heatmap& plot, const std::vector<double>& column_x, double cell, double left,
                    double top) {
  constexpr double kTrack = 14;
  for (std::size_t t = 0; t < plot.tracks.size(); ++t) {
    const HeatmapTrack& track = plot.tracks[t];
    const double y = top + kTrack * static_cast<double>(t);
    svg.text(left - 8, y + 10, track.name, {.size = 11, .anchor = "end", .fill = colour::kMuted});
    for (std::size_t c = 0; c < track.categories.size() && c < column_x.size(); ++c) {
      const auto found =
          std::ranges::find(track.colours, track.categories[c], &std::pair<std::string, std::string>::first);
      svg.begin_group(plot.columns[c] + ", " + track.name + ": " + track.categories[c]);
      svg.rect(column_x[c], y, cell - 1, kTrack - 3,
               found == track.colours.end() ? std::string(colour::kGrid) : found->second);
      svg.end_group();
    }
  }
}

}  // namespace

std::string bar_plot(const BarPlot& plot) {
  constexpr double kTop = 58, kBar = 24, kWidth = 520;
  double left = 40, most = 1;
  for (const auto& [name, counts] : plot.bars) {
    left = std::max(left, text_width(name, 12) + 14);
    double total = 0;
    for (const double count : counts) total += count;
    most = std::max(most, total);
  }
  const double bottom = kTop + kBar * static_cast<double>(plot.bars.size());
  Svg svg(kWidth, bottom + 42, plot.title);
  svg.text(0, 16, plot.title, {.size = 13, .bold = true});
  legend_row(svg, 0, 40, plot.parts);
  const Scale x{0, most * 1.08, left, kWidth - 10};
  bottom_axis(svg, x, bottom, kTop, nice_ticks(0, most, 6), plot.axis);
  for (std::size_t b = 0; b < plot.bars.size(); ++b) {
    const auto& [name, counts] = plot.bars[b];
    const double y = kTop + kBar * static_cast<double>(b);
    svg.text(left - 8, y + 16, name, {.size = 12, .anchor = "end"});
    double from = 0;
    for (std::size_t p = 0; p < counts.size() && p < plot.parts.size(); ++p) {
      if (counts[p] <= 0) continue;
      svg.begin_group(fmt::format("{}, {}: {}", name, plot.parts[p].first, short_number(counts[p])));
      svg.rect(x(from), y + 3, x(from + counts[p]) - x(from) - 1, kBar - 7, plot.parts[p].second, {}, 2);
      svg.end_group();
      from += counts[p];
    }
    svg.text(x(from) + 5, y + 16, short_number(from), {.size = 11, .fill = colour::kMuted});
  }
  return svg.finish();
}

std::string heatmap(const Heatmap& plot) {
  constexpr double kWidth = 1080, kRow = 19, kTop = 34, kTrack = 14;
  double left = 90;
  for (const std::string& row : plot.rows) left = std::max(left, text_width(shorten(row, 44), 11.5) + 30);
  const double gap_total = 8 * static_cast<double>(plot.gaps.size());
  const double columns = static_cast<double>(std::max<std::size_t>(plot.columns.size(), 1));
  const double cell = std::min(30.0, (kWidth - left - 12 - gap_total) / columns);
  std::vector<double> column_x;
  double at = left;
  for (std::size_t c = 0; c < plot.columns.size(); ++c) {
    if (std::ranges::find(plot.gaps, c) != plot.gaps.end()) at += 8;
    column_x.push_back(at);
    at += cell;
  }
  const double body = kTop + kTrack * static_cast<double>(plot.tracks.size()) + 5;
  const double bottom = body + kRow * static_cast<double>(plot.rows.size());
  const bool names = cell >= 9;
  double name_height = 0;
  for (const std::string& column : plot.columns) name_height = std::max(name_height, text_width(column, 10));
  const double legend = bottom + (names ? name_height + 14 : 8) + 12;
  Svg svg(kWidth, legend + 34 + 20 * static_cast<double>(plot.tracks.size()), plot.title);
  svg.text(0, 16, plot.title, {.size = 13, .bold = true});
  heatmap_tracks(svg, plot, column_x, cell, left, kTop);
  for (std::size_t r = 0; r < plot.rows.size(); ++r) {
    const double y = body + kRow * static_cast<double>(r);
    if (r < plot.row_colours.size()) svg.circle(5, y + kRow / 2, 4, plot.row_colours[r]);
    svg.text(left - 8, y + kRow / 2 + 4, shorten(plot.rows[r], 44), {.size = 11.5, .anchor = "end"});
    for (std::size_t c = 0; c < plot.columns.size(); ++c) {
      const double value = plot.values[r * plot.columns.size() + c];
      if (std::isnan(value)) {
        svg.rect(column_x[c], y, cell - 1, kRow - 1, colour::kFaint, colour::kGrid);
        continue;
      }
      svg.begin_group(fmt::format("{}, {}: {}", plot.columns[c], plot.rows[r], short_number(value)));
      svg.rect(column_x[c], y, cell - 1, kRow - 1, colour::viridis((value - plot.low) / (plot.high - plot.low)));
      svg.end_group();
    }
  }
  for (std::size_t c = 0; names && c < plot.columns.size(); ++c) {
    svg.text(column_x[c] + cell / 2 + 3, bottom + 8, plot.columns[c],
             {.size = 10, .anchor = "end", .fill = colour::kMuted, .rotate = -90});
  }
  constexpr int kShades = 40;
  for (int i = 0; i < kShades; ++i) {
    svg.rect(left + i * 4, legend, 4.3, 11, colour::viridis(static_cast<double>(i) / (kShades - 1)));
  }
  svg.text(left - 8, legend + 10, plot.scale_title, {.size = 11, .anchor = "end", .fill = colour::kMuted});
  svg.text(left, legend + 24, "≤ " + short_number(plot.low), {.size = 10.5, .fill = colour::kMuted});
  svg.text(left + 4 * kShades, legend + 24, "≥ " + short_number(plot.high),
           {.size = 10.5, .anchor = "end", .fill = colour::kMuted});
  svg.rect(left + 4 * kShades + 26, legend, 14, 11, colour::kFaint, colour::kGrid);
  svg.text(left + 4 * kShades + 46, legend + 10, "not measured", {.size = 11, .fill = colour::kMuted});
  for (std::size_t t = 0; t < plot.tracks.size(); ++t) {
    const double y = legend + 44 + 20 * static_cast<double>(t);
    svg.text(left - 8, y, plot.tracks[t].name, {.size = 11, .anchor = "end", .fill = colour::kMuted});
    legend_row(svg, left, y, plot.tracks[t].colours);
  }
  return svg.finish();
}

std::string overlap_plot(const OverlapPlot& plot) {
  constexpr double kTop = 40, kBars = 130, kRow = 24, kColumn = 34, kSizes = 90;
  double names = 60;
  for (const auto& [name, size] : plot.sets) names = std::max(names, text_width(name, 12));
  const double left = kSizes + names + 24;
  const double matrix = kTop + kBars + 14;
  double most = 1, largest = 1;
  for (const auto& [members, count] : plot.columns) most = std::max(most, static_cast<double>(count));
  for (const auto& [name, size] : plot.sets) largest = std::max(largest, static_cast<double>(size));
  const double width = left + kColumn * static_cast<double>(plot.columns.size()) + 10;
  Svg svg(std::max(width, 360.0), matrix + kRow * static_cast<double>(plot.sets.size()) + 26, plot.title);
  svg.text(0, 16, plot.title, {.size = 13, .bold = true});
  const Scale y{0, most * 1.12, kTop + kBars, kTop}, x{0, largest, kSizes, 14};
  left_axis(svg, y, left - 6, width, nice_ticks(0, most, 4), plot.unit);
  for (std::size_t s = 0; s < plot.sets.size(); ++s) {
    const double row = matrix + kRow * static_cast<double>(s);
    if (s % 2 == 0) svg.rect(0, row, width, kRow, colour::kFaint);
    svg.rect(x(static_cast<double>(plot.sets[s].second)), row + 5, kSizes - x(static_cast<double>(plot.sets[s].second)),
             kRow - 10, colour::kSky, {}, 2);
    // On the bar, which is light in either style of the page.
    svg.text(kSizes - 4, row + 16.5, std::to_string(plot.sets[s].second),
             {.size = 11, .anchor = "end", .fill = "#10202c"});
    svg.text(kSizes + 10, row + 16.5, plot.sets[s].first, {.size = 12});
  }
  for (std::size_t c = 0; c < plot.columns.size(); ++c) {
    const auto& [members, count] = plot.columns[c];
    const double centre = left + kColumn * (static_cast<double>(c) + 0.5);
    const double top = y(static_cast<double>(count));
    svg.rect(centre - 10, top, 20, kTop + kBars - top, colour::kBlue, {}, 2);
    svg.text(centre, top - 4, std::to_string(count), {.size = 11, .anchor = "middle"});
    std::size_t first = members.size(), last = 0;
    for (std::size_t s = 0; s < members.size(); ++s) {
      if (!members[s]) continue;
      first = std::min(first, s);
      last = s;
    }
    const auto row_centre = [&](std::size_t s) { return matrix + kRow * (static_cast<double>(s) + 0.5); };
    if (first < last) svg.line(centre, row_centre(first), centre, row_centre(last), colour::kBlue, 2);
    for (std::size_t s = 0; s < members.size(); ++s) {
      svg.circle(centre, row_centre(s), 5.5, members[s] ? std::string(colour::kBlue) : std::string(colour::kGrid));
    }
  }
  return svg.finish();
}

std::string flow_chart(const FlowChart& chart) {
  constexpr double kBox = 250, kArrow = 42, kSide = 200, kEndGap = 14;
  const double ends_width = chart.ends.empty() ? 0 : static_cast<double>(chart.ends.size()) * (150 + kEndGap) - kEndGap;
  const double centre = std::max(kBox, ends_width) / 2 + 4;
  const double width = std::max(centre + kBox / 2 + kSide, 2 * centre + 4);
  double height = 28;
  for (const FlowStep& step : chart.steps)
    height += box_height(step) + kArrow +
              (step.left_out.size() > 2 ? 14 * (static_cast<double>(step.left_out.size()) - 2) : 0);
  double tallest = 0;
  for (const FlowStep& end : chart.ends) tallest = std::max(tallest, box_height(end));
  height += chart.ends.empty() ? -kArrow + 6 : tallest + 6;
  Svg svg(width, height, chart.title);
  svg.text(0, 16, chart.title, {.size = 13, .bold = true});
  double y = 28;
  for (std::size_t i = 0; i < chart.steps.size(); ++i) {
    const FlowStep& step = chart.steps[i];
    if (i > 0) {
      const double extra = step.left_out.size() > 2 ? 14 * (static_cast<double>(step.left_out.size()) - 2) : 0;
      arrow_down(svg, centre, y, y + kArrow + extra);
      const double middle = y + (kArrow + extra) / 2;
      if (!step.left_out.empty()) svg.line(centre, middle, centre + 26, middle, colour::kAxis, 1.2);
      for (std::size_t k = 0; k < step.left_out.size(); ++k) {
        svg.text(centre + 32,
                 middle + 4 + 14 * (static_cast<double>(k) - (static_cast<double>(step.left_out.size()) - 1) / 2),
                 step.left_out[k], {.size = 11, .fill = colour::kMuted});
      }
      y += kArrow + extra;
    }
    flow_box(svg, centre - kBox / 2, y, kBox, step, colour::kAxis);
    y += box_height(step);
  }
  if (chart.ends.empty()) return svg.finish();
  const double first = centre - ends_width / 2;
  const double middle = y + kArrow / 2;
  svg.line(centre, y, centre, middle, colour::kAxis, 1.4);
  svg.line(first + 75, middle, first + ends_width - 75, middle, colour::kAxis, 1.4);
  for (std::size_t e = 0; e < chart.ends.size(); ++e) {
    const double x = first + static_cast<double>(e) * (150 + kEndGap);
    arrow_down(svg, x + 75, middle, y + kArrow);
    flow_box(svg, x, y + kArrow, 150, chart.ends[e],
             chart.ends[e].left_out.empty() ? std::string(colour::kAxis) : chart.ends[e].left_out[0]);
  }
  return svg.finish();
}

}  // namespace immucan::report
