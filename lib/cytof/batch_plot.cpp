#include "cytof/batch_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/svg.h"
#include "stats/monotone_spline.h"

namespace immucan::cytof {
namespace {

constexpr std::size_t kMostCells = 20'000, kMostChannels = 64, kMostBatches = 16;
constexpr double kTop = 60, kLabels = 110, kPanel = 330, kGap = 30, kNames = 130, kBatchHeight = 6, kRowMargin = 8;

double row_height(std::size_t batches) {
  return kRowMargin + kBatchHeight * static_cast<double>(std::max<std::size_t>(batches, 1));
}

using Side = std::vector<ChannelSpread> BatchSpread::*;

void draw_panel(report::Svg& svg, const char* title, const report::Scale& x, double bottom,
                std::span<const BatchSpread> batches, Side side, std::size_t channels) {
  svg.text(x.from, kTop - 14, title, {.bold = true});
  report::bottom_axis(svg, x, bottom, kTop, report::nice_ticks(x.low, x.high, 6),
                      "arcsinh scale, 5 to 95 % and median");
  for (std::size_t b = 0; b < batches.size(); ++b) {
    const auto colour = report::colour::category(b);
    for (std::size_t c = 0; c < channels; ++c) {
      const ChannelSpread& spread = (batches[b].*side)[c];
      if (std::isnan(spread.middle)) continue;
      const double y = kTop + row_height(batches.size()) * static_cast<double>(c) + (kRowMargin + kBatchHeight) / 2 +
                       kBatchHeight * static_cast<double>(b);
      svg.line(x(spread.low), y, x(spread.high), y, colour, 1.5);
      svg.circle(x(spread.middle), y, 2.5, colour);
    }
  }
}

/// The range that all lines need, in both panels.
std::pair<double, double> extent(std::span<const BatchSpread> batches) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const BatchSpread& batch : batches) {
    for (const auto* side : {&batch.before, &batch.after}) {
      for (const ChannelSpread& spread : *side) {
        if (std::isnan(spread.middle)) continue;
        low = std::min(low, spread.low);
        high = std::max(high, spread.high);
      }
    }
  }
  if (!(low <= high)) return {0, 1};
  return {low - 0.02 * (high - low), std::max(high + 0.02 * (high - low), low + 1)};
}

}  // namespace

std::vector<ChannelSpread> channel_spreads(std::span<const float> values, std::size_t channels) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  std::vector<ChannelSpread> spreads;
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<double> column;
    for (std::size_t i = c; i < values.size(); i += channels) {
      if (std::isfinite(values[i])) column.push_back(values[i]);
    }
    std::ranges::sort(column);
    const auto at = [&](double share) { return column.empty() ? kNaN : stats::sorted_quantile(column, share); };
    spreads.push_back({at(0.05), at(0.5), at(0.95)});
  }
  return spreads;
}

std::vector<BatchSpread> control_spreads(const BatchControls& controls, const BatchModel& model) {
  const std::size_t channels = model.channels.names.size();
  std::vector<BatchSpread> spreads;
  for (std::size_t b = 0; b < controls.batches.size(); ++b) {
    const BatchTransform transform(model, b, Extrapolation::kClamp);
    const std::size_t cells = controls.values[b].size() / channels, taken = std::min(cells, kMostCells);
    std::vector<float> before, after, scaled;
    std::vector<double> row(channels);
    for (std::size_t i = 0; i < taken; ++i) {
      const std::size_t first = i * cells / taken * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        row[c] = controls.values[b][first + c];
        before.push_back(static_cast<float>(std::asinh(row[c] / model.cofactor)));
      }
      transform.apply(row, scaled);
      for (const double value : row) after.push_back(static_cast<float>(std::asinh(value / model.cofactor)));
    }
    spreads.push_back({controls.batches[b], channel_spreads(before, channels), channel_spreads(after, channels)});
  }
  return spreads;
}

std::string batch_plot(const std::string& title, const std::vector<std::string>& labels,
                       std::span<const BatchSpread> batches) {
  const std::size_t channels = std::min(labels.size(), kMostChannels);
  const auto shown = batches.first(std::min(batches.size(), kMostBatches));
  const double bottom = kTop + row_height(shown.size()) * static_cast<double>(channels);
  const auto [low, high] = extent(shown);
  const double second = kLabels + kPanel + kGap;
  const report::Scale before{low, high, kLabels, kLabels + kPanel, false};
  const report::Scale after{low, high, second, second + kPanel, false};
  report::Svg svg(second + kPanel + kNames, bottom + 50, "Intensities before and after batch normalisation: " + title);
  svg.text(12, 22, report::shorten(title, 100), {.size = 14, .bold = true});
  draw_panel(svg, "before", before, bottom, shown, &BatchSpread::before, channels);
  draw_panel(svg, "after", after, bottom, shown, &BatchSpread::after, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double middle = kTop + row_height(shown.size()) * (static_cast<double>(c) + 0.5) + 4;
    svg.text(kLabels - 8, middle, report::shorten(labels[c], 16), {.size = 11, .anchor = "end"});
  }
  for (std::size_t b = 0; b < shown.size(); ++b) {
    const double line = kTop + 8 + 15 * static_cast<double>(b);
    svg.line(second + kPanel + 12, line - 4, second + kPanel + 28, line - 4, report::colour::category(b), 2);
    svg.text(second + kPanel + 34, line, report::shorten(shown[b].name, 14), {.size = 11});
  }
  const auto more = [&](std::size_t all, std::size_t drawn, const char* what, double y) {
    if (all <= drawn) return;
    svg.text(second + kPanel + 12, y, fmt::format("and {} more {}", all - drawn, what),
             {.size = 11, .fill = report::colour::kMuted});
  };
  more(batches.size(), shown.size(), "batches", kTop + 8 + 15 * static_cast<double>(shown.size()));
  more(labels.size(), channels, "channels", bottom);
  return svg.finish();
}

}  // namespace immucan::cytof
