// Forest, ROC, survival and strip plots.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/plots.h"
#include "report/svg.h"

namespace immucan::report {
namespace {

constexpr double kTitleSize = 13;
constexpr TextStyle kSubtitle{.size = 11, .fill = colour::kMuted};

void heading(Svg& svg, double x, const std::string& title, const std::string& subtitle, std::size_t limit) {
  svg.text(x, 16, shorten(title, limit), {.size = kTitleSize, .bold = true});
  if (!subtitle.empty()) svg.text(x, 32, shorten(subtitle, limit + 12), kSubtitle);
}

/// Value at part `q` of sorted values, linear between neighbours.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Corners of a step line from (0, 1).
std::vector<double> steps(const std::vector<double>& time, const std::vector<double>& level, const Scale& x,
                          const Scale& y) {
  std::vector<double> points{x(0), y(1)};
  double last = 1;
  for (std::size_t i = 0; i < time.size(); ++i) {
    if (std::isnan(level[i])) break;
    points.insert(points.end(), {x(time[i]), y(last), x(time[i]), y(level[i])});
    last = level[i];
  }
  return points;
}

double survival_at(const SurvivalCurve& curve, double time) {
  double level = 1;
  for (std::size_t i = 0; i < curve.time.size() && curve.time[i] <= time; ++i) level = curve.survival[i];
  return level;
}

void forest_row(Svg& svg, const ForestPlot& plot, const ForestRow& row, const Scale& x, double y) {
  const double low = std::min(x.low, x.high), high = std::max(x.low, x.high);
  const auto clipped = [&](double value) { return x(std::clamp(value, low, high)); };
  if (!std::isnan(row.lower) && !std::isnan(row.upper)) {
    svg.line(clipped(row.lower), y, clipped(row.upper), y, row.colour, 2);
    if (row.lower < low) svg.polygon(std::array{x.from - 5, y, x.from + 3, y - 4, x.from + 3, y + 4}, row.colour);
    if (row.upper > high) svg.polygon(std::array{x.to + 5, y, x.to - 3, y - 4, x.to - 3, y + 4}, row.colour);
  }
  if (std::isnan(row.estimate) || (plot.logarithmic && row.estimate <= 0)) return;
  const double at = clipped(row.estimate);
  if (row.estimate < low) {
    svg.polygon(std::array{at - 6, y, at + 5, y - 6, at + 5, y + 6}, row.colour);
  } else if (row.estimate > high) {
    svg.polygon(std::array{at + 6, y, at - 5, y - 6, at - 5, y + 6}, row.colour);
  } else if (row.hollow) {
    svg.rect(at - 4.5, y - 4.5, 9, 9, colour::kPaper, row.colour);
  } else {
    svg.rect(at - 4.5, y - 4.5, 9, 9, row.colour);
  }
}

/// The axis holds every interval, but no more than the clip on either side of the reference.
Scale forest_scale(const ForestPlot& plot, double from, double to) {
  double low = plot.reference, high = plot.reference;
  for (const ForestRow& row : plot.rows) {
    for (const double value : {row.estimate, row.lower, row.upper}) {
      if (!std::isfinite(value) || (plot.logarithmic && value <= 0)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (plot.logarithmic) {
    low = std::clamp(low / 1.15, plot.reference / plot.clip, plot.reference / 2);
    high = std::clamp(high * 1.15, plot.reference * 2, plot.reference * plot.clip);
  } else if (high > low) {
    const double margin = 0.05 * (high - low);
    low -= margin;
    high += margin;
  } else {
    low -= 1;
    high += 1;
  }
  return {low, high, from, to, plot.logarithmic};
}

}  // namespace

std::string forest_plot(const ForestPlot& plot) {
  constexpr double kRow = 24, kWidth = 1060, kTop = 46;
  double label_width = 80, note_width = text_width(plot.note_heading, 11);
  for (const ForestRow& row : plot.rows) {
    label_width = std::max(label_width, text_width(shorten(row.label, 42), 12));
    note_width = std::max(note_width, text_width(row.note, 11));
  }
  const double left = label_width + 22, right = kWidth - note_width - 26;
  const double bottom = kTop + kRow * static_cast<double>(plot.rows.size()) + 4;
  const double legend_height = plot.legend.empty() ? 0 : 22;
  Svg svg(kWidth, bottom + 40 + legend_height, plot.title);
  heading(svg, 0, plot.title, "", 90);
  svg.text(kWidth, 36, plot.note_heading, {.size = 11, .anchor = "end", .fill = colour::kMuted});
  const Scale x = forest_scale(plot, left, right);
  for (std::size_t i = 1; i < plot.rows.size(); i += 2) {
    svg.rect(0, kTop + kRow * static_cast<double>(i), kWidth, kRow, colour::kFaint);
  }
  const auto ticks = plot.logarithmic ? log_ticks(x.low, x.high, 9) : nice_ticks(x.low, x.high, 6);
  bottom_axis(svg, x, bottom, kTop, ticks, plot.axis);
  if (!plot.low_words.empty())
    svg.text(left, bottom + 33, "← " + plot.low_words, {.size = 11.5, .fill = colour::kMuted});
  if (!plot.high_words.empty()) {
    svg.text(right, bottom + 33, plot.high_words + " →", {.size = 11.5, .anchor = "end", .fill = colour::kMuted});
  }
  svg.line(x(plot.reference), kTop, x(plot.reference), bottom, colour::kAxis, 1.5, "3 3");
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const ForestRow& row = plot.rows[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg.begin_group(row.tooltip.empty() ? row.label : row.tooltip);
    svg.circle(5, y, 4, row.colour);
    svg.text(15, y + 4, shorten(row.label, 42));
    forest_row(svg, plot, row, x, y);
    svg.text(kWidth, y + 4, row.note, {.size = 11, .anchor = "end", .fill = colour::kMuted});
    svg.end_group();
  }
  double at = left;
  for (const auto& [words, fill] : plot.legend) {
    svg.circle(at, bottom + 50, 4, fill);
    svg.text(at + 9, bottom + 54, words, {.size = 11, .fill = colour::kMuted});
    at += text_width(words, 11) + 30;
  }
  return svg.finish();
}

std::string roc_plot(const RocPlot& plot) {
  constexpr double kLeft = 42, kTop = 44, kSide = 184;
  Svg svg(kLeft + kSide + 14, kTop + kSide + 42, "ROC curve: " + plot.title);
  heading(svg, 0, plot.title, plot.subtitle, 32);
  const Scale x{0, 1, kLeft, kLeft + kSide}, y{0, 1, kTop + kSide, kTop};
  const std::array<double, 3> ticks{0, 0.5, 1};
  bottom_axis(svg, x, kTop + kSide, kTop, ticks, "false positive rate");
  left_axis(svg, y, kLeft, kLeft + kSide, ticks, "true positive rate");
  svg.line(x(0), y(0), x(1), y(1), colour::kAxis, 1, "3 3");
  std::vector<double> line, area{x(0), y(0)};
  for (const auto& [fpr, tpr] : plot.points) line.insert(line.end(), {x(fpr), y(tpr)});
  area.insert(area.end(), line.begin(), line.end());
  area.insert(area.end(), {x(1), y(0)});
  svg.polygon(area, plot.colour, 0.12);
  svg.polyline(line, plot.colour, 2.2);
  svg.text(kLeft + kSide - 8, kTop + kSide - 26, "AUC " + fmt::format("{:.2f}", plot.auc),
           {.size = 14, .anchor = "end", .bold = true});
  svg.text(kLeft + kSide - 8, kTop + kSide - 10,
           std::isnan(plot.lower) ? std::string("complete separation")
                                  : fmt::format("95 % {:.2f} to {:.2f}", plot.lower, plot.upper),
           {.size = 11, .anchor = "end", .fill = colour::kMuted});
  return svg.finish();
}

std::string survival_plot(const SurvivalPlot& plot) {
  constexpr double kLeft = 58, kTop = 66, kWidth = 408, kHeight = 220, kRiskRow = 16;
  double names = 0;
  for (const SurvivalCurve& curve : plot.curves) names = std::max(names, text_width(curve.short_name, 11));
  const double left = std::max(kLeft, names + 16);
  const double risk_top = kTop + kHeight + 56;
  Svg svg(left + kWidth + 18, risk_top + kRiskRow * static_cast<double>(plot.curves.size()) + 6,
          "Survival: " + plot.title);
  heading(svg, 0, plot.title, plot.subtitle, 52);
  const double end = plot.ticks.empty() ? 1 : plot.ticks.back();
  const Scale x{0, end, left, left + kWidth}, y{0, 1, kTop + kHeight, kTop};
  bottom_axis(svg, x, kTop + kHeight, kTop + kHeight, plot.ticks, plot.axis);
  left_axis(svg, y, left, left + kWidth, std::array{0.0, 0.25, 0.5, 0.75, 1.0}, "surviving");
  double legend = left;
  for (const SurvivalCurve& curve : plot.curves) {
    const std::string_view dash = curve.dashed ? "6 3" : "";
    svg.line(legend, 48, legend + 20, 48, curve.colour, 2.4, dash);
    svg.text(legend + 25, 52, curve.name, {.size = 11});
    legend += text_width(curve.name, 11) + 48;
    std::vector<double> upper = steps(curve.time, curve.upper, x, y), lower = steps(curve.time, curve.lower, x, y),
                        band = upper;
    if (upper.size() > 2 && lower.size() > 2) {
      // Both edges end where the shorter of them does.
      const std::size_t shared = std::min(upper.size(), lower.size());
      band.resize(shared);
      for (std::size_t i = shared; i >= 2; i -= 2) band.insert(band.end(), {lower[i - 2], lower[i - 1]});
      svg.polygon(band, curve.colour, 0.13);
    }
  }
  for (const SurvivalCurve& curve : plot.curves) {
    svg.polyline(steps(curve.time, curve.survival, x, y), curve.colour, 2.2, curve.dashed ? "6 3" : "");
    for (const double time : curve.censored) {
      const double at = y(survival_at(curve, time));
      svg.line(x(time), at - 4, x(time), at + 4, curve.colour, 1.4);
    }
  }
  svg.text(left - 12, risk_top - 12, "at risk", {.size = 11, .anchor = "end", .fill = colour::kMuted, .bold = true});
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const SurvivalCurve& curve = plot.curves[i];
    const double row = risk_top + kRiskRow * static_cast<double>(i) + 4;
    svg.text(left - 12, row, curve.short_name, {.size = 11, .anchor = "end"});
    for (std::size_t k = 0; k < plot.ticks.size() && k < curve.at_risk.size(); ++k) {
      svg.text(x(plot.ticks[k]), row, std::to_string(curve.at_risk[k]),
               {.size = 11, .anchor = "middle", .fill = colour::kMuted});
    }
  }
  return svg.finish();
}

std::string strip_plot(const StripPlot& plot) {
  constexpr double kLeft = 58, kTop = 44, kGroup = 85, kHeight = 180;
  const double width = kGroup * static_cast<double>(plot.groups.size());
  Svg svg(kLeft + width + 12, kTop + kHeight + 28, plot.title);
  heading(svg, 0, plot.title, plot.subtitle, 32);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const StripGroup& group : plot.groups) {
    for (const double value : group.values) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (!(high >= low)) low = 0, high = 1;
  const double margin = high > low ? 0.06 * (high - low) : 1;
  const Scale y{low - margin, high + margin, kTop + kHeight, kTop};
  left_axis(svg, y, kLeft, kLeft + width, nice_ticks(y.low, y.high, 5), plot.axis);
  for (std::size_t g = 0; g < plot.groups.size(); ++g) {
    const StripGroup& group = plot.groups[g];
    const double centre = kLeft + kGroup * (static_cast<double>(g) + 0.5);
    svg.text(centre, kTop + kHeight + 18, fmt::format("{} (n = {})", group.name, group.values.size()),
             {.size = 11, .anchor = "middle", .fill = colour::kMuted});
    if (group.values.empty()) continue;
    std::vector<double> sorted = group.values;
    std::ranges::sort(sorted);
    const double q1 = quantile(sorted, 0.25), q2 = quantile(sorted, 0.5), q3 = quantile(sorted, 0.75),
                 reach = 1.5 * (q3 - q1);
    double whisker_low = q1, whisker_high = q3;
    for (const double value : sorted) {
      if (value >= q1 - reach) whisker_low = std::min(whisker_low, value);
      if (value <= q3 + reach) whisker_high = std::max(whisker_high, value);
    }
    svg.line(centre, y(whisker_low), centre, y(q1), group.colour, 1.4);
    svg.line(centre, y(q3), centre, y(whisker_high), group.colour, 1.4);
    svg.rect(centre - 20, y(q3), 40, y(q1) - y(q3), group.colour, {}, 0, 0.16);
    svg.line(centre - 20, y(q2), centre + 20, y(q2), group.colour, 2.4);
    for (std::size_t i = 0; i < group.values.size(); ++i) {
      // A fixed spread in place of random jitter: the golden ratio puts neighbours far apart.
      const double part = std::fmod(static_cast<double>(i + 1) * 0.6180339887498949, 1.0) - 0.5;
      svg.circle(centre + part * 34, y(group.values[i]), 3, group.colour, colour::kPaper, 0.85);
    }
  }
  return svg.finish();
}

}  // namespace immucan::report
