#pragma once
// The pictures of a report. Each function draws what it is given and computes no statistics; the result is one <svg>
// element.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace immucan::report {

/// Estimates with intervals, one per row, from top to bottom.
struct ForestRow {
  std::string label;
  std::string note;                           ///< text at the right, say "2.1 (1.2 to 3.9)"
  std::string tooltip;                        ///< the full name
  double estimate = 0, lower = 0, upper = 0;  ///< NaN bounds: no interval is drawn
  std::string colour;
  bool hollow = false;  ///< drawn as an open mark (a result that is not to be relied on)
};
struct ForestPlot {
  std::string title, axis, note_heading;
  std::string low_words, high_words;  ///< what lies below and above the reference
  std::vector<ForestRow> rows;
  double reference = 1;
  bool logarithmic = true;
  double clip = 64;  ///< logarithmic: the axis ends at reference ÷ and × this; what goes beyond gets an arrow
  std::vector<std::pair<std::string, std::string>> legend;  ///< words and colour
};
[[nodiscard]] std::string forest_plot(const ForestPlot& plot);

struct RocPlot {
  std::string title, subtitle, colour;
  std::vector<std::pair<double, double>> points;  ///< false and true positive rate
  double auc = 0.5, lower = 0, upper = 1;
};
[[nodiscard]] std::string roc_plot(const RocPlot& plot);

struct SurvivalCurve {
  std::string name, colour;
  std::string short_name;  ///< before the numbers at risk
  bool dashed = false;
  std::vector<double> time, survival, lower, upper;  ///< a step at each time; NaN bounds are not drawn
  std::vector<double> censored;                      ///< times of censoring
  std::vector<std::size_t> at_risk;                  ///< one per tick of the plot
};
struct SurvivalPlot {
  std::string title, subtitle, axis = "days";
  std::vector<double> ticks;
  std::vector<SurvivalCurve> curves;
};
[[nodiscard]] std::string survival_plot(const SurvivalPlot& plot);

/// Lines over linear or logarithmic axes.
struct CurveSeries {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;  ///< x ascending; on a logarithmic axis > 0
};
struct CurvePlot {
  std::string title, subtitle, x_axis, y_axis;
  bool x_logarithmic = false, y_logarithmic = false;
  std::vector<CurveSeries> series;  ///< a legend is drawn for more than one
};
[[nodiscard]] std::string curve_plot(const CurvePlot& plot);

/// Values per group as points over a box (quartiles, whiskers to 1.5 interquartile ranges).
struct StripGroup {
  std::string name, colour;
  std::vector<double> values;
};
struct StripPlot {
  std::string title, subtitle, axis;
  std::vector<StripGroup> groups;
};
[[nodiscard]] std::string strip_plot(const StripPlot& plot);

/// Horizontal stacked bars of counts.
struct BarPlot {
  std::string title, axis;
  std::vector<std::pair<std::string, std::string>> parts;  ///< name and colour
  std::vector<std::pair<std::string, std::vector<double>>> bars;
};
[[nodiscard]] std::string bar_plot(const BarPlot& plot);

/// Rows × columns of scaled values in viridis; NaN is drawn as missing.
struct HeatmapTrack {
  std::string name;
  std::vector<std::string> categories;                       ///< of each column
  std::vector<std::pair<std::string, std::string>> colours;  ///< category → colour, in the order of the legend
};
struct Heatmap {
  std::string title, scale_title;
  std::vector<std::string> rows, columns;
  std::vector<std::string> row_colours;  ///< may be empty: a mark before each row's name
  std::vector<double> values;            ///< row-major
  double low = -2, high = 2;             ///< colours are clipped here
  std::vector<HeatmapTrack> tracks;
  std::vector<std::size_t> gaps;  ///< columns before which a gap is left
};
[[nodiscard]] std::string heatmap(const Heatmap& plot);

/// Nodes of a tree as circles whose area is their size.
struct TreeNode {
  double size = 0;
  std::string colour, tooltip;
};
struct TreePlot {
  std::string title, subtitle;
  std::vector<TreeNode> nodes;
  std::vector<std::pair<std::size_t, std::size_t>> edges;   ///< nodes − 1 that join all nodes
  std::vector<std::pair<std::string, std::string>> legend;  ///< words and colour
};
[[nodiscard]] std::string tree_plot(const TreePlot& plot);

/// Which sets occur together: a column per combination, a row per set.
struct OverlapPlot {
  std::string title, unit;
  std::vector<std::pair<std::string, std::size_t>> sets;           ///< name and size
  std::vector<std::pair<std::vector<bool>, std::size_t>> columns;  ///< membership and count, largest first
};
[[nodiscard]] std::string overlap_plot(const OverlapPlot& plot);

/// Boxes from top to bottom with what is left out beside each arrow.
struct FlowStep {
  std::vector<std::string> lines;     ///< the first one is bold
  std::vector<std::string> left_out;  ///< beside the arrow that leads here; may be empty
};
struct FlowChart {
  std::string title;
  std::vector<FlowStep> steps;
  std::vector<FlowStep> ends;  ///< boxes side by side at the bottom
};
[[nodiscard]] std::string flow_chart(const FlowChart& chart);

/// Rings of sectors about a centre: a tree whose nodes have shares of the whole.
struct SunburstSector {
  std::string label, tooltip, colour;
  double share = 0;        ///< of the whole circle
  std::size_t ring = 0;    ///< 0 = innermost; one more than the parent's
  std::size_t parent = 0;  ///< sector that this one lies on; ring 0: not used
  double opacity = 1;
};
struct SunburstPlot {
  std::string title, subtitle;
  std::string centre;                   ///< words in the middle
  std::vector<std::string> rings;       ///< names, from the middle out
  std::vector<SunburstSector> sectors;  ///< parents before children, in the order in which they are drawn
  std::vector<std::pair<std::string, std::string>> legend;  ///< words and colour
};
[[nodiscard]] std::string sunburst_plot(const SunburstPlot& plot);

/// Shares as horizontal bars with intervals, from top to bottom, on a logarithmic axis.
struct ShareRow {
  std::string label, note, tooltip, colour;
  double share = 0, lower = 0, upper = 0;
};
struct SharePlot {
  std::string title, axis, note_heading;
  std::vector<ShareRow> rows;
};
[[nodiscard]] std::string share_plot(const SharePlot& plot);

}  // namespace immucan::report
