#include "biomarker/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "biomarker/report_figures.h"
#include "biomarker/report_tables.h"
#include "core/text.h"
#include "report/html_page.h"
#include "report/svg.h"

namespace immucan::biomarker {
namespace {

using core::escape_xml;

constexpr std::size_t kCurves = 8;  ///< ROC and strip plots
constexpr std::size_t kSurvivalPlots = 4;
constexpr std::size_t kArmPlots = 3;  ///< features shown per arm

/// Counts that several sentences need.
struct Findings {
  std::size_t tested = 0, significant = 0, confounded = 0;
};
Findings findings_of(const std::vector<AssociationRow>& rows, double level) {
  Findings findings;
  for (const AssociationRow& row : rows) {
    findings.tested += std::isnan(row.p) ? 0 : 1;
    findings.confounded += row.confounded() ? 1 : 0;
    findings.significant += row.fdr < level && !row.confounded() ? 1 : 0;
  }
  return findings;
}

std::string plural(std::size_t number, const std::string& one, const std::string& many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::string tile(const std::string& number, const std::string& words) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escape_xml(number), escape_xml(words));
}

std::string names_of(const std::vector<AssociationRow>& rows, std::size_t most) {
  std::vector<std::string> names;
  for (const AssociationRow& row : rows) {
    if (names.size() < most) names.push_back(escape_xml(feature_label(row.feature).name));
  }
  return core::join(names, "; ");
}

std::vector<AssociationRow> significant_rows(const std::vector<AssociationRow>& rows, double level) {
  std::vector<AssociationRow> chosen;
  std::ranges::copy_if(rows, std::back_inserter(chosen),
                       [level](const AssociationRow& row) { return row.fdr < level && !row.confounded(); });
  return chosen;
}

void head(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  const auto measured = static_cast<std::size_t>(std::ranges::count(data.measured, 1));
  std::size_t responders = 0, nonresponders = 0;
  for (std::size_t i = 0; i < data.response.size(); ++i) {
    responders += data.measured[i] != 0 && data.response[i] == Response::kResponder ? 1 : 0;
    nonresponders += data.measured[i] != 0 && data.response[i] == Response::kNonResponder ? 1 : 0;
  }
  const Findings findings = findings_of(data.by_response, options.fdr);
  std::string html =
      fmt::format("<h1>{}<span class=\"badge\">research use only</span></h1>\n", escape_xml(options.title));
  html += fmt::format("<p class=\"lead\">Features of visit <b>{}</b> against response{}.</p>\n<div class=\"tiles\">\n",
                      escape_xml(options.visit), data.has_survival ? " and survival" : "");
  html += tile(std::to_string(measured), "patients with features");
  html += tile(fmt::format("{} / {}", responders, nonresponders), "responders / non-responders");
  html += tile(std::to_string(data.cohort.sources.size()), "modality and specimen pairs");
  html += tile(std::to_string(findings.tested), "features tested");
  html += tile(std::to_string(findings.significant),
               fmt::format("with response at FDR < {}", report::short_number(options.fdr)));
  html += tile(std::to_string(findings.confounded), "confounded by batch");
  page.head(html + "</div>\n");
}

void summary_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  page.section("summary", "Summary");
  const std::string level = report::short_number(options.fdr);
  std::string list = "<ul>\n";
  if (!data.by_response.empty()) {
    const Findings findings = findings_of(data.by_response, options.fdr);
    const auto found = significant_rows(data.by_response, options.fdr);
    list += fmt::format(
        "<li><b>Response.</b> {} of {} tested features {} between responders and non-responders at FDR &lt; "
        "{}{}</li>\n",
        findings.significant, findings.tested, findings.significant == 1 ? "differs" : "differ", level,
        found.empty() ? "." : fmt::format("; the leading ones: {}.", names_of(found, 5)));
    if (findings.confounded > 0) {
      std::vector<AssociationRow> flagged;
      std::ranges::copy_if(data.by_response, std::back_inserter(flagged), &AssociationRow::confounded);
      list += fmt::format("<li><b>Batch.</b> {} batch and {} not counted as found: {}.</li>\n",
                          plural(findings.confounded, "feature follows", "features follow"),
                          findings.confounded == 1 ? "is" : "are", names_of(flagged, 5));
    }
  }
  if (!data.by_survival.empty()) {
    const auto found = significant_rows(data.by_survival, options.fdr);
    list += fmt::format("<li><b>Survival.</b> {} at FDR &lt; {}{}</li>\n",
                        found.empty() ? "No feature is associated"
                                      : plural(found.size(), "feature is associated", "features are associated"),
                        level, found.empty() ? "." : fmt::format(": {}.", names_of(found, 5)));
  }
  if (!data.interactions.empty()) {
    std::vector<AssociationRow> found;
    std::ranges::copy_if(data.interactions, std::back_inserter(found),
                         [&](const AssociationRow& row) { return row.fdr_interaction < options.fdr; });
    list += fmt::format(
        "<li><b>Treatment.</b> {} at FDR &lt; {}{}</li>\n",
        found.empty() ? "No feature interacts with the arm"
                      : plural(found.size(), "feature interacts", "features interact") + " with the arm",
        level, found.empty() ? "; nothing here is called predictive." : fmt::format(": {}.", names_of(found, 5)));
  }
  page.raw(list + "</ul>\n");
  page.paragraph(
      "One cohort, tested feature by feature: these are candidates to be confirmed in other patients, not a test for "
      "any single patient.",
      "note");
}

void cohort_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  page.section("cohort", "Cohort");
  page.figures({cohort_flow_figure(data, options), overlap_figure(data, options)},
               "Left: patients from the clinical table to the analysis. Right: which modalities were measured in the "
               "same patients; a column per "
               "combination, filled dots belong to it, the bar counts its patients, the bars at the left count all "
               "patients of a modality.");
  std::vector<std::string> bars;
  for (const auto& [column, title] : {std::pair{std::string("tumour_type"), std::string("Tumour types")},
                                      std::pair{options.arm, std::string("Arms")}}) {
    if (std::string figure = composition_figure(data, column, title); !figure.empty())
      bars.push_back(std::move(figure));
  }
  if (!bars.empty()) page.figures(bars, "All patients of the clinical table, by response.");
}

void response_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  page.section("response", "Response");
  if (const std::string figure = effect_figure(data.by_response, options, false); !figure.empty()) {
    page.figure(figure, fmt::format("The features of the smallest p, each scaled to one standard deviation. Filled: "
                                    "FDR &lt; {}. Open: not below it, or confounded by "
                                    "batch. An arrow marks an interval that goes on. In small groups that hardly "
                                    "overlap the interval is wide and the AUC in the table says more.",
                                    report::short_number(options.fdr)));
  }
  page.table(response_table(data.by_response, options.fdr));
  std::vector<std::string> strips, curves;
  for (const AssociationRow& row : top_rows(data.by_response, kCurves)) {
    strips.push_back(strip_figure(data, row));
    curves.push_back(roc_figure(data, row));
  }
  page.raw("<h3>Values of the leading features</h3>\n");
  page.figures(strips,
               "A point per patient; box from the first to the third quartile with the median, whiskers to the last "
               "value within 1.5 box lengths. "
               "R responders, NR non-responders.");
  page.raw("<h3>Separation of responders and non-responders</h3>\n");
  page.figures(curves,
               "ROC curves of single features with DeLong's interval, which is not defined where the groups do not "
               "overlap at all. They describe these patients, who were also used "
               "to choose the features, and "
               "are therefore too good: new patients will show less.");
  if (const std::string figure = heatmap_figure(
          data, options, top_rows(data.by_response, static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1))));
      !figure.empty()) {
    page.raw("<h3>Patients</h3>\n");
    page.figure(figure,
                "z-scores over the patients. Columns: responders, non-responders, then unknown; within each by the "
                "mean of the z-scores, counted in the "
                "direction of response. Features confounded by batch are left out.");
  }
}

void survival_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  page.section("survival", "Survival");
  if (significant_rows(data.by_survival, options.fdr).empty()) {
    page.paragraph(
        fmt::format("No feature passes FDR &lt; {}. The features below are the nearest to it and may well be chance.",
                    report::short_number(options.fdr)),
        "note");
  }
  if (const std::string figure = effect_figure(data.by_survival, options, true); !figure.empty()) {
    page.figure(figure,
                fmt::format("The features of the smallest p, Cox model per standard deviation. Filled: FDR &lt; {}.",
                            report::short_number(options.fdr)));
  }
  page.table(survival_table(data.by_survival, options.fdr));
  std::vector<std::string> plots;
  for (const AssociationRow& row : top_rows(data.by_survival, kSurvivalPlots))
    plots.push_back(survival_figure(data, options, row));
  page.figures(plots,
               "Kaplan–Meier curves with 95 % intervals and the patients still at risk; ticks mark the end of "
               "follow-up. Patients are split at the median "
               "of the feature, a cut chosen without looking at survival. The hazard ratio above each plot comes from "
               "the Cox model of the unsplit feature.");
}

void interaction_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  std::vector<AssociationRow> rows = data.interactions;
  std::ranges::stable_sort(rows, [](const AssociationRow& a, const AssociationRow& b) {
    if (std::isnan(a.p_interaction) != std::isnan(b.p_interaction)) return std::isnan(b.p_interaction);
    return !std::isnan(a.p_interaction) && a.p_interaction < b.p_interaction;
  });
  page.section("treatment", "Treatment");
  const bool randomised = rows.front().randomised;
  page.paragraph(randomised ? "The arms were randomised: a feature whose effect on survival differs between them is "
                              "<b>predictive</b> of the treatment's benefit; one that "
                              "matters whatever the arm is <b>prognostic</b>."
                            : "The arms were not randomised: a difference between them may come from who was treated, "
                              "so no feature is called predictive here.");
  if (std::ranges::none_of(rows, [&](const AssociationRow& row) { return row.fdr_interaction < options.fdr; })) {
    page.paragraph(
        fmt::format(
            "No interaction passes FDR &lt; {}. The features below are the nearest to it and may well be chance.",
            report::short_number(options.fdr)),
        "note");
  }
  std::vector<AssociationRow> leading;
  for (const AssociationRow& row : rows) {
    if (leading.size() < kArmPlots && !std::isnan(row.p_interaction)) leading.push_back(row);
  }
  std::vector<AssociationRow> shown(rows.begin(),
                                    rows.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(rows.size(), 6)));
  if (const std::string figure = interaction_figure(shown, options.fdr); !figure.empty()) {
    page.figure(figure,
                "The features of the smallest interaction p; per arm the hazard ratio of one standard deviation. "
                "Filled: FDR of the interaction &lt; " +
                    report::short_number(options.fdr) + ".");
  }
  page.table(interaction_table(rows, options.fdr));
  std::vector<std::string> plots;
  for (const AssociationRow& row : leading) {
    plots.push_back(survival_figure(data, options, row, row.arm_other));
    plots.push_back(survival_figure(data, options, row, row.arm_reference));
  }
  page.figures(plots,
               "Survival by arm, with the numbers at risk in it. The cut is the median over both arms, chosen without "
               "looking at survival or arm. Shown are the "
               "smallest interaction p, whether or not they pass the false discovery rate.");
}

void quality_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options) {
  page.section("quality", "Quality");
  const report::HtmlTable batches = batch_table(data, options);
  if (!batches.rows.empty()) {
    page.raw("<h3>Batches and response</h3>\n");
    page.table(batches);
    page.paragraph(
        "Where responders and non-responders sit in different batches, biology and batch cannot be told apart; a "
        "feature that follows batch and no longer differs "
        "within batches is marked as confounded.",
        "small");
  }
  for (const report::HtmlTable& table : qc_tables(data.qc)) page.table(table);
  if (!data.qc.empty())
    page.paragraph("A value with ! lies more than five robust standard deviations from the median of its column.",
                   "small");
}

void method_section(report::HtmlPage& page, const ReportData& data, const ReportOptions& options,
                    const core::RunContext& context) {
  page.section("methods", "Methods and provenance");
  page.paragraph(fmt::format(
      "Features of visit {} were joined with the clinical table by patient. Each feature was tested alone. "
      "<b>Response:</b> rank-sum test (the column “test” of the table names it), odds "
      "ratio from a logistic model per standard deviation, area under the ROC curve with DeLong's interval (DeLong et "
      "al. 1988). <b>Survival:</b> Cox model with Efron's "
      "treatment of ties per standard deviation; Kaplan–Meier curves with log-transformed Greenwood intervals. "
      "<b>Treatment:</b> product of feature and arm in the Cox model, likelihood "
      "ratio test. p values were adjusted by Benjamini and Hochberg (1995) within each table. <b>Batch:</b> a feature "
      "that differs between batches and whose association vanishes within them, in a "
      "modality whose batches are unequal in response, is flagged as confounded. Missing values are left out, never "
      "replaced.",
      escape_xml(options.visit)));
  page.paragraph(
      "The words: <b>associated</b>, with outcome in these patients; <b>prognostic</b>, with outcome in randomised "
      "patients whatever the arm; <b>predictive</b>, interacts with a randomised arm.");
  page.raw(fmt::format(
      "<p class=\"small\">{} {} {} · {} patients in the clinical table · visit {} · response column {} · FDR level "
      "{}</p>\n",
      escape_xml(context.tool), escape_xml(context.command), escape_xml(context.version), data.clinical.rows.size(),
      escape_xml(options.visit), escape_xml(options.response), report::short_number(options.fdr)));
  page.raw("<h3>What was read</h3>\n");
  page.table(input_table(context.inputs.sorted()));
  page.paragraph("Research use only. Not for diagnosis or for decisions on treatment.", "note");
}

}  // namespace

std::string report_page(const ReportData& data, const ReportOptions& options, const core::RunContext& context) {
  report::HtmlPage page(options.title);
  head(page, data, options);
  summary_section(page, data, options);
  cohort_section(page, data, options);
  if (!data.by_response.empty()) response_section(page, data, options);
  if (!data.by_survival.empty() && data.has_survival) survival_section(page, data, options);
  if (!data.interactions.empty() && data.has_survival) interaction_section(page, data, options);
  quality_section(page, data, options);
  method_section(page, data, options, context);
  return page.finish();
}

}  // namespace immucan::biomarker
