#include "biomarker/report_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.h"
#include "report/svg.h"

namespace immucan::biomarker {
namespace {

/// A page with every gene of a genome would not open; the association table holds them all.
constexpr std::size_t kTableRows = 300;

using report::Cell;
using report::number_cell;
using report::text_cell;

Cell feature_cell(const AssociationRow& row) {
  const FeatureLabel label = feature_label(row.feature);
  return {fmt::format("<span title=\"{}\"><span class=\"dot\" style=\"background:{}\"></span>{}</span>",
                      core::escape_xml(row.feature), modality_colour(label.modality), core::escape_xml(label.name)),
          label.name, false};
}

std::string ratio_html(double effect) {
  return core::escape_xml(report::ratio_number(std::exp(effect)));
}

/// exp(effect) with its interval, sorted by the effect.
Cell ratio_cell(double effect, double lower, double upper) {
  if (std::isnan(effect)) return {"NA", "NA", true};
  std::string html = ratio_html(effect);
  if (!std::isnan(lower) && !std::isnan(upper)) {
    html += fmt::format(" <span class=\"small\">({} to {})</span>", ratio_html(lower), ratio_html(upper));
  }
  return {html, core::format_double(effect), true};
}

Cell auc_cell(const AssociationRow& row) {
  if (std::isnan(row.auc)) return {"NA", "NA", true};
  std::string html = fmt::format("{:.2f}", row.auc);
  if (row.auc_lower == row.auc_upper) {
    html += " <span class=\"small\">(separated)</span>";
  } else if (!std::isnan(row.auc_lower) && !std::isnan(row.auc_upper)) {
    html += fmt::format(" <span class=\"small\">({:.2f} to {:.2f})</span>", row.auc_lower, row.auc_upper);
  }
  return {html, core::format_double(row.auc), true};
}

/// The words of the table's claim and flags; a claim stands out, a flag warns.
Cell verdict_cell(const AssociationRow& row) {
  std::string html, key;
  if (!row.claim.empty() && row.claim != "none") {
    html += fmt::format("<span class=\"chip strong\">{}</span>", core::escape_xml(row.claim));
    key = "0" + row.claim;
  }
  for (const std::string_view flag : core::split(row.flag, ';')) {
    if (core::is_missing(flag)) continue;
    std::string words(flag);
    std::ranges::replace(words, '_', ' ');
    if (flag == "batch_confounded") words = "confounded by batch";
    // Only a finding that must not be believed warns; the others are remarks on the fit.
    html += fmt::format("<span class=\"chip{}\">{}</span>", flag == "batch_confounded" ? " warn" : "",
                        core::escape_xml(words));
    key += "1" + words;
  }
  return {html.empty() ? std::string("–") : html, key.empty() ? std::string("2") : key, false};
}

Cell median_cell(const AssociationRow& row) {
  return {report::short_number(row.median_responders) + " / " + report::short_number(row.median_nonresponders),
          core::format_double(row.median_responders - row.median_nonresponders), true};
}

Cell rank_cell(std::size_t rank) {
  return {std::to_string(rank), {}, true};
}

std::string rows_caption(std::size_t rows) {
  return rows <= kTableRows
             ? std::string{}
             : fmt::format("The first {} of {} features; the association table holds all.", kTableRows, rows);
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Lower and upper bound of what is usual; wide open for fewer than eight samples.
std::pair<double, double> usual_range(const std::vector<double>& values) {
  constexpr std::size_t kFewest = 8;
  constexpr double kDeviations = 5, kNormal = 1.4826;
  const double infinity = std::numeric_limits<double>::infinity();
  if (values.size() < kFewest) return {-infinity, infinity};
  const double centre = median_of(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - centre));
  const double spread = kDeviations * kNormal * median_of(distances);
  if (spread == 0) return {-infinity, infinity};  // most samples agree exactly: no scale to judge by
  return {centre - spread, centre + spread};
}

report::HtmlTable qc_table(const std::string& id, const std::vector<const report::QcFragment*>& fragments) {
  report::HtmlTable table;
  table.id = "qc-" + id;
  table.caption = fragments.front()->section_name;
  table.shown = 12;
  table.columns.push_back({"sample", ""});
  std::vector<std::string> metrics;
  std::map<std::string, std::vector<double>> values;
  for (const auto* fragment : fragments) {
    for (const report::QcMetric& metric : fragment->metrics) {
      values[metric.name].push_back(metric.value);
      if (std::ranges::find(metrics, metric.name) != metrics.end()) continue;
      metrics.push_back(metric.name);
      table.columns.push_back({metric.title, metric.description});
    }
  }
  std::map<std::string, std::pair<double, double>> usual;
  for (const auto& [name, all] : values) usual.emplace(name, usual_range(all));
  for (const auto* fragment : fragments) {
    std::vector<Cell> row{text_cell(fragment->sample_id)};
    for (const std::string& name : metrics) {
      const auto found = std::ranges::find(fragment->metrics, name, &report::QcMetric::name);
      Cell cell = number_cell(found == fragment->metrics.end() ? AssociationRow::kNan : found->value, 4);
      if (found != fragment->metrics.end() && (found->value < usual[name].first || found->value > usual[name].second)) {
        cell.html = "<span class=\"chip warn\" title=\"far from the other samples\">" + cell.html + " !</span>";
      }
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

report::HtmlTable response_table(const std::vector<AssociationRow>& rows, double level) {
  report::HtmlTable table{"response-table", "", {}, {}, 20, true};
  table.columns = {
      {"#", "rank by p"},
      {"feature", "the dot gives the modality; rest the pointer on a name to see the full one"},
      {"finding", "at FDR < " + report::short_number(level)},
      {"odds ratio (95 %)", "of response, per standard deviation of the feature"},
      {"AUC (95 %)", "above 0.5: higher in responders; DeLong interval, not defined where the groups are separated"},
      {"p", "the test is named in the association table"},
      {"FDR", "Benjamini and Hochberg over all tested features"},
      {"median R / NR", "median in responders and in non-responders"},
      {"n", "patients with a value and a known response"}};
  std::size_t rank = 0;
  for (const AssociationRow& row : rows) {
    if (rank == kTableRows) break;
    table.rows.push_back({rank_cell(++rank), feature_cell(row), verdict_cell(row),
                          ratio_cell(row.effect, row.lower, row.upper), auc_cell(row), number_cell(row.p, 2),
                          number_cell(row.fdr, 2), median_cell(row), number_cell(row.n)});
  }
  table.caption = rows_caption(rows.size());
  return table;
}

report::HtmlTable survival_table(const std::vector<AssociationRow>& rows, double level) {
  report::HtmlTable table{"survival-table", "", {}, {}, 12, true};
  table.columns = {{"#", "rank by p"},
                   {"feature", "the dot gives the modality; rest the pointer on a name to see the full one"},
                   {"finding", "at FDR < " + report::short_number(level)},
                   {"hazard ratio (95 %)", "Cox model, per standard deviation of the feature"},
                   {"p", ""},
                   {"FDR", "Benjamini and Hochberg over all tested features"},
                   {"n", "patients with a value and a known survival"},
                   {"events", ""}};
  std::size_t rank = 0;
  for (const AssociationRow& row : rows) {
    if (rank == kTableRows) break;
    table.rows.push_back({rank_cell(++rank), feature_cell(row), verdict_cell(row),
                          ratio_cell(row.effect, row.lower, row.upper), number_cell(row.p, 2), number_cell(row.fdr, 2),
                          number_cell(row.n), number_cell(row.events)});
  }
  table.caption = rows_caption(rows.size());
  return table;
}

report::HtmlTable interaction_table(const std::vector<AssociationRow>& rows, double level) {
  report::HtmlTable table{"interaction-table", "", {}, {}, 10, true};
  const std::string reference = rows.empty() ? "reference" : rows.front().arm_reference;
  const std::string other = rows.empty() ? "other" : rows.front().arm_other;
  table.columns = {
      {"#", "rank by p of the interaction"},
      {"feature", "the dot gives the modality; rest the pointer on a name to see the full one"},
      {"finding", "predictive needs randomised arms and an interaction at FDR < " + report::short_number(level)},
      {"HR in " + other + " (95 %)", "Cox model, per standard deviation of the feature"},
      {"HR in " + reference + " (95 %)", "Cox model, per standard deviation of the feature"},
      {"p interaction", "feature × arm"},
      {"FDR", "Benjamini and Hochberg over all interaction tests"}};
  std::size_t rank = 0;
  for (const AssociationRow& row : rows) {
    if (rank == kTableRows) break;
    table.rows.push_back({rank_cell(++rank), feature_cell(row), verdict_cell(row),
                          ratio_cell(row.effect_other, row.lower_other, row.upper_other),
                          ratio_cell(row.effect_reference, row.lower_reference, row.upper_reference),
                          number_cell(row.p_interaction, 2), number_cell(row.fdr_interaction, 2)});
  }
  table.caption = rows_caption(rows.size());
  return table;
}

report::HtmlTable batch_table(const ReportData& data, const ReportOptions& options) {
  report::HtmlTable table{
      "batch-table",
      "",
      {{"modality", ""}, {"batch", ""}, {"responders", ""}, {"non-responders", ""}, {"not known", ""}},
      {},
      40,
      false};
  std::map<std::string, std::size_t> row_of;
  const std::size_t id = data.clinical.require("patient_id");
  for (std::size_t row = 0; row < data.clinical.rows.size(); ++row) row_of.emplace(data.clinical.rows[row][id], row);
  std::map<std::pair<std::string, std::string>, std::array<std::size_t, 3>> counts;
  for (const io::Sample& sample : data.samples) {
    const auto patient = row_of.find(sample.patient_id);
    if (sample.visit != options.visit || sample.batch.empty() || patient == row_of.end()) continue;
    if (!sample.control.empty() && sample.control != "sample") continue;
    ++counts[{modality_name(sample.modality) + ", " + sample.specimen, sample.batch}]
            [static_cast<std::size_t>(data.response[patient->second])];
  }
  for (const auto& [key, numbers] : counts) {
    std::vector<Cell> row{text_cell(key.first), text_cell(key.second)};
    for (const std::size_t number : numbers) row.push_back({std::to_string(number), {}, true});
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<report::HtmlTable> qc_tables(const std::vector<report::QcFragment>& fragments) {
  std::map<std::string, std::vector<const report::QcFragment*>> by_tool;
  for (const report::QcFragment& fragment : fragments) by_tool[fragment.id].push_back(&fragment);
  std::vector<report::HtmlTable> tables;
  for (const auto& [id, members] : by_tool) {
    std::string anchor;
    for (const char c : id)
      anchor += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '-';
    tables.push_back(qc_table(anchor, members));
  }
  return tables;
}

report::HtmlTable input_table(const std::vector<core::FileRecord>& inputs) {
  report::HtmlTable table{"input-table", "", {{"file", ""}, {"bytes", ""}, {"SHA-256", ""}}, {}, 8, false};
  // Tables first; the many quality fragments follow.
  for (const bool fragment : {false, true}) {
    for (const core::FileRecord& input : inputs) {
      if (input.name.ends_with("_mqc.json") != fragment) continue;
      table.rows.push_back({text_cell(input.name),
                            {std::to_string(input.size), {}, true},
                            {"<code>" + core::escape_xml(input.sha256) + "</code>", {}, false}});
    }
  }
  return table;
}

}  // namespace immucan::biomarker
