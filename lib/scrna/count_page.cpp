#include "scrna/count_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "core/text.h"
#include "report/html_page.h"
#include "report/plots.h"
#include "report/svg.h"

namespace immucan::scrna {

namespace {

using report::colour::category;

constexpr std::size_t kCurvePoints = 300;
constexpr std::size_t kShownCells = 400;

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string percent(double value) {
  return fmt::format("{:.1f} %", 100 * value);
}

void figures_section(report::HtmlPage& page, const Counted& counted, const Figures& figures) {
  const auto& [options, chosen, index, result, features] = counted;
  page.section("figures", "Figures");
  report::HtmlTable table{"figures-table", "", {{"Figure", ""}, {"Value", ""}, {"What it is", ""}}, {}, 50, false};
  const auto row = [&](std::string_view name, std::string value, std::string_view meaning) {
    table.rows.push_back({report::text_cell(name), report::text_cell(value), report::text_cell(meaning)});
  };
  row("Cells", with_commas(figures.cells),
      fmt::format("barcodes with at least {} molecules", with_commas(result.call.threshold)));
  row("Reads", with_commas(result.reads.reads), "read pairs in the input");
  row("Reads with a barcode", percent(figures.valid_share), "of the reads, on the list or corrected to it");
  row("Reads counted", percent(figures.gene_share), "of the reads: barcode, UMI and one gene");
  row("Molecules", with_commas(result.molecules.molecules), "distinct UMIs per barcode and gene after correction");
  row("Molecules in cells", percent(figures.cell_share), "of all molecules; the rest is ambient or broken cells");
  row("Saturation", percent(figures.saturation),
      "1 - molecules / counted reads: the share of reads that showed nothing new");
  row("Median molecules per cell", fmt::format("{:.0f}", figures.median_molecules), "over the called cells");
  row("Median genes per cell", fmt::format("{:.0f}", figures.median_genes), "genes with at least one molecule");
  row("Mitochondrial", percent(figures.mean_mitochondrial), "of the molecules in cells");
  row("Unspliced", index.spliced_only() ? "not measured" : percent(figures.unspliced_share),
      "of the molecules in cells, with a read over an intron");
  row("Chemistry", chosen.chemistry.name + (chosen.detected ? " (found in the reads)" : ""),
      chosen.chemistry.geometry.text());
  row("Barcode list", chosen.barcodes_found ? "found in the reads" : chosen.whitelist.name(),
      with_commas(chosen.whitelist.size()) + " barcodes");
  if (!features.empty()) {
    row("Feature reads", with_commas(features.reads.reads), features.reads.translated ? "barcodes translated" : "");
    row("Feature molecules", with_commas(features.molecules.molecules), "of tags beside the genes");
  }
  page.table(table);
}

void ranks_section(report::HtmlPage& page, const Counted& counted, const BarcodeStatistics& statistics) {
  std::vector<double> sorted(statistics.molecules.begin(), statistics.molecules.end());
  std::ranges::sort(sorted, std::greater{});
  while (!sorted.empty() && sorted.back() < 1) sorted.pop_back();
  page.section("ranks", "Barcode ranks");
  if (sorted.empty()) return page.paragraph("No barcode has a molecule.");
  const auto cells = static_cast<double>(counted.result.call.cells.size());
  report::CurvePlot plot{"Molecules by rank of the barcode", "", "rank of the barcode", "molecules", true, true, {}};
  report::CurveSeries in{"cells", std::string(category(0)), {}}, out{"other barcodes", std::string(category(7)), {}};
  const double last = std::log(static_cast<double>(sorted.size()));
  double previous = 0;
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double rank = std::round(std::exp(last * static_cast<double>(i) / kCurvePoints));
    if (rank <= previous) continue;
    const double value = sorted[static_cast<std::size_t>(rank) - 1];
    if (rank <= cells) in.points.emplace_back(rank, value);
    if (rank > cells && previous <= cells && !in.points.empty()) out.points.push_back(in.points.back());
    if (rank > cells) out.points.emplace_back(rank, value);
    previous = rank;
  }
  plot.series = {in, out};
  page.figure(
      report::curve_plot(plot),
      "A steep step between cells and other barcodes means that both are well apart. Without one, the library holds "
      "few cells, or much ambient RNA.");
}

void saturation_section(report::HtmlPage& page, const CountResult& result) {
  report::CurveSeries saturation{"saturation", std::string(category(0)), {}},
      molecules{"molecules", std::string(category(2)), {}};
  for (const SaturationPoint& point : saturation_curve(result.molecules, 40)) {
    saturation.points.emplace_back(point.reads, point.saturation);
    molecules.points.emplace_back(point.reads, point.molecules);
  }
  page.section("saturation", "Saturation");
  page.figures(
      {report::curve_plot({"Saturation", "", "counted reads", "saturation", false, false, {saturation}}),
       report::curve_plot({"Molecules", "", "counted reads", "molecules", false, false, {molecules}})},
      "Expected values if only a part of the reads had been sequenced. A curve that still climbs at its right end "
      "says that more reads would show more molecules.");
}

/// One bar of classes; small ones keep their place in the legend.
std::string class_bar(const std::string& title, const std::vector<std::pair<std::string, std::uint64_t>>& classes) {
  report::BarPlot plot{title, "reads", {}, {{"", {}}}};
  for (const auto& [name, reads] : classes) {
    if (reads == 0) continue;
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    plot.parts.emplace_back(words, std::string(category(plot.parts.size())));
    plot.bars.front().second.push_back(static_cast<double>(reads));
  }
  return report::bar_plot(plot);
}

void classes_section(report::HtmlPage& page, const Counted& counted) {
  const ReadSummary& reads = counted.result.reads;
  std::vector<std::pair<std::string, std::uint64_t>> barcodes, mapping, features;
  for (std::size_t i = 0; i < kBarcodeClasses; ++i) {
    const auto barcode_class = static_cast<BarcodeClass>(i);
    if (barcode_class == BarcodeClass::kMulti) {
      barcodes.emplace_back("several, decided", reads.multi_resolved);
      barcodes.emplace_back("several, undecided", reads.barcodes[i] - reads.multi_resolved);
    } else {
      barcodes.emplace_back(name_of(barcode_class), reads.barcodes[i]);
    }
  }
  for (std::size_t i = 0; i < kReadClasses; ++i)
    mapping.emplace_back(name_of(static_cast<ReadClass>(i)), reads.mapping[i]);
  page.section("classes", "Classes of reads");
  page.figure(
      class_bar("Barcodes of all reads", barcodes),
      "exact: on the list. one mismatch, several: corrected to a listed barcode, or not where several fit alike. umi "
      "n, umi homopolymer: the UMI cannot be right.");
  page.figure(
      class_bar("Where reads with a barcode lie", mapping),
      "gene: counted. several genes, antisense, no gene: on the genome, not counted. Many antisense reads mean the "
      "wrong chemistry or strand; many unmapped ones another species or poor reads.");
  if (counted.features.empty()) return;
  for (std::size_t i = 0; i < kFeatureClasses; ++i)
    features.emplace_back(name_of(static_cast<FeatureClass>(i)), counted.features.reads.features[i]);
  page.figure(class_bar("Features of feature reads with a barcode", features),
              "none: the sequence where a feature should be is not in the feature reference.");
}

void cells_section(report::HtmlPage& page, const Counted& counted, const BarcodeStatistics& statistics) {
  page.section("cells", "Cells");
  const auto& cells = counted.result.call.cells;
  if (cells.empty()) return page.paragraph("No barcode was called a cell.");
  const std::size_t step = (cells.size() + kShownCells - 1) / kShownCells;
  std::vector<double> mitochondrial, unspliced, genes;
  for (std::size_t i = 0; i < cells.size(); i += step) {
    mitochondrial.push_back(100 * statistics.mitochondrial[cells[i]]);
    unspliced.push_back(100 * statistics.unspliced[cells[i]]);
    genes.push_back(static_cast<double>(statistics.genes[cells[i]]));
  }
  const auto strip = [](const char* title, const char* axis, std::size_t colour, std::vector<double> values) {
    return report::strip_plot({title, "", axis, {{"cells", std::string(category(colour)), std::move(values)}}});
  };
  std::vector<std::string> plots = {strip("Mitochondrial share", "%", 5, std::move(mitochondrial)),
                                    strip("Genes per cell", "genes", 0, std::move(genes))};
  if (!counted.index.spliced_only()) plots.push_back(strip("Unspliced share", "%", 2, std::move(unspliced)));
  page.figures(plots, step == 1 ? "Every point is a called cell."
                                : fmt::format("Every point is a called cell, one of {} shown.", step));
}

}  // namespace

std::string count_page(const std::string& sample, const Counted& counted, const Figures& figures,
                       const BarcodeStatistics& statistics) {
  report::HtmlPage page("Single-cell RNA: " + sample);
  page.head(fmt::format("<h1>{}</h1><p>Single-cell RNA, molecules per gene and cell</p>", core::escape_xml(sample)));
  figures_section(page, counted, figures);
  ranks_section(page, counted, statistics);
  saturation_section(page, counted.result);
  classes_section(page, counted);
  cells_section(page, counted, statistics);
  return page.finish();
}

}  // namespace immucan::scrna
