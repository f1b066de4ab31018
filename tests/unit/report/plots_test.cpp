#include "report/plots.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "svg_check.h"

using namespace immucan::report;
using immucan::test::elements_of;

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}

TEST_CASE("forest: a mark per row, open where asked, arrows beyond the clip") {
  ForestPlot plot;
  plot.title = "t";
  plot.rows = {{"a", "2 (1 to 4)", "", 2, 1, 4, "#111111", false},
               {"b", "", "", 0.5, 0.2, 1e9, "#222222", true},
               {"c", "", "", kNan, kNan, kNan, "#333333", false},
               {"d", "", "", 1e8, 1e7, 1e9, "#444444", false}};
  const std::string svg = forest_plot(plot);
  const auto elements = elements_of(svg);
  CHECK(elements.at("polygon") == 3);  // b reaches beyond, d lies beyond with its interval
  CHECK_THAT(svg, Catch::Contains("fill=\"#111111\"") && Catch::Contains("stroke=\"#222222\"") &&
                      Catch::Contains("2 (1 to 4)"));
  CHECK(elements.at("g") == 4);
}

TEST_CASE("ROC: curve, area and interval") {
  RocPlot plot{"m", "higher", "#0072B2", {{0, 0}, {0, 0.5}, {1, 1}}, 0.75, 0.6, 0.9};
  CHECK(elements_of(roc_plot(plot)).at("polyline") == 1);
  CHECK_THAT(roc_plot(plot), Catch::Contains("AUC 0.75") && Catch::Contains("0.60 to 0.90"));
  plot.lower = kNan;
  CHECK_THAT(roc_plot(plot), Catch::Contains("complete separation"));
}

TEST_CASE("survival: a step line and a row at risk per group") {
  SurvivalPlot plot;
  plot.ticks = {0, 100, 200};
  SurvivalCurve curve{"high", "#0072B2", "high", false, {50, 120}, {0.5, 0}, {0.2, kNan}, {0.9, kNan}, {80}, {4, 1, 0}};
  plot.curves = {curve, curve};
  const std::string svg = survival_plot(plot);
  const auto elements = elements_of(svg);
  CHECK(elements.at("polyline") == 2);
  CHECK(elements.at("polygon") == 2);
  CHECK_THAT(svg, Catch::Contains(">4</text>") && Catch::Contains(">1</text>") && Catch::Contains("at risk"));
}

TEST_CASE("strip: a point per value, also for equal values and empty groups") {
  const StripPlot plot{"t", "s", "a", {{"R", "#111111", {1, 2, 3, 4}}, {"NR", "#222222", {}}, {"x", "#333333", {5}}}};
  CHECK(elements_of(strip_plot(plot)).at("circle") == 5);
  CHECK(elements_of(strip_plot({"t", "", "", {{"R", "#111111", {2, 2, 2}}}})).at("circle") == 3);
  CHECK(elements_of(strip_plot({"t", "", "", {{"R", "#111111", {}}}})).count("circle") == 0);
}

TEST_CASE("bars: a block per positive count") {
  BarPlot plot{"t", "patients", {{"R", "#111111"}, {"NR", "#222222"}}, {{"lung", {3, 2}}, {"crc", {0, 4}}}};
  CHECK(elements_of(bar_plot(plot)).at("g") == 3);
}

TEST_CASE("heatmap: a cell per value, missing ones apart") {
  Heatmap plot;
  plot.rows = {"a", "b"};
  plot.columns = {"P1", "P2", "P3"};
  plot.values = {-2, 0, 2, kNan, 1, -9};
  plot.tracks = {{"response", {"R", "NR", "?"}, {{"R", "#0072B2"}, {"NR", "#D55E00"}}}};
  plot.gaps = {1};
  const std::string svg = heatmap(plot);
  CHECK(elements_of(svg).at("g") == 5 + 3);  // cells with a value, and the track
  CHECK_THAT(svg, Catch::Contains("#440154") && Catch::Contains("#fde725"));
}

TEST_CASE("overlap: a bar per combination and a dot per set and combination") {
  const OverlapPlot plot{"t", "patients", {{"CyTOF", 3}, {"scRNA", 2}}, {{{true, true}, 2}, {{true, false}, 1}}};
  CHECK(elements_of(overlap_plot(plot)).at("circle") == 4);
}

TEST_CASE("flow: a box per step and end, words of what is left out") {
  const FlowChart chart{"t",
                        {{{"24 patients"}, {}}, {{"22 measured"}, {"2 without a sample"}}},
                        {{{"12 R"}, {"#0072B2"}}, {{"10 NR"}, {}}}};
  const std::string svg = flow_chart(chart);
  CHECK(elements_of(svg).at("rect") == 4);
  CHECK_THAT(svg, Catch::Contains("2 without a sample"));
}

TEST_CASE("plots of nothing are still pictures") {
  elements_of(forest_plot({}));
  elements_of(survival_plot({}));
  elements_of(strip_plot({}));
  elements_of(bar_plot({}));
  elements_of(heatmap({}));
  elements_of(overlap_plot({}));
  elements_of(flow_chart({}));
}

TEST_CASE("curves over linear and logarithmic axes, one point, none") {
  CurvePlot plot{"Ranks",
                 "",
                 "rank",
                 "molecules",
                 true,
                 true,
                 {{"cells", "#0072B2", {{1, 1000}, {10, 900}, {100, 3}}}, {"rest", "#8C96A0", {{100, 3}, {1000, 1}}}}};
  const std::string two = curve_plot(plot);
  CHECK_THAT(two, Catch::Contains("cells"));
  CHECK(two.find("nan") == std::string::npos);
  plot.series = {{"one", "#0072B2", {{5, 5}}}};
  CHECK(curve_plot(plot).find("nan") == std::string::npos);
  plot.series.clear();
  CHECK(curve_plot(plot).find("nan") == std::string::npos);
  CurvePlot flat{"Saturation", "", "reads", "share", false, false, {{"s", "#0072B2", {{0, 0}, {0, 0}}}}};
  const std::string svg = curve_plot(flat);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
}
