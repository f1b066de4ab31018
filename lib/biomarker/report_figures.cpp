#include "biomarker/report_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "core/text.h"
#include "report/plots.h"
#include "report/svg.h"
#include "stats/kaplan_meier.h"
#include "stats/roc.h"

namespace immucan::biomarker {
namespace {

namespace colour = report::colour;
constexpr double kNan = AssociationRow::kNan;
/// Blue and vermilion belong to responders and non-responders.
constexpr std::array<std::string_view, 6> kTrackColours{colour::kOrange, colour::kSky,    colour::kGreen,
                                                        colour::kPurple, colour::kYellow, colour::kGrey};

/// Values of a feature per patient of the cohort; empty when the features table does not have it.
std::span<const double> values_of(const ReportData& data, const std::string& feature) {
  const auto found = std::ranges::lower_bound(data.cohort.features, feature);
  if (found == data.cohort.features.end() || *found != feature) return {};
  return data.cohort.row(static_cast<std::size_t>(found - data.cohort.features.begin()));
}

struct ByResponse {
  std::vector<double> responders, nonresponders;
};
ByResponse split_by_response(const ReportData& data, const std::string& feature) {
  ByResponse split;
  const auto values = values_of(data, feature);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const Response response = data.response[data.cohort.clinical_row[i]];
    if (response == Response::kResponder) split.responders.push_back(values[i]);
    if (response == Response::kNonResponder) split.nonresponders.push_back(values[i]);
  }
  return split;
}

double median(std::vector<double> values) {
  if (values.empty()) return kNan;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string ratio_note(double effect, double lower, double upper) {
  if (std::isnan(effect)) return "NA";
  if (std::isnan(lower) || std::isnan(upper)) return report::ratio_number(std::exp(effect));
  return fmt::format("{} ({} to {})", report::ratio_number(std::exp(effect)), report::ratio_number(std::exp(lower)),
                     report::ratio_number(std::exp(upper)));
}

std::string p_words(std::string_view name, double p) {
  return std::isnan(p) ? fmt::format("{} NA", name) : fmt::format("{} {}", name, report::short_number(p, 2));
}

std::size_t count(const std::vector<Response>& responses, const std::vector<std::uint8_t>& among, Response wanted) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < responses.size(); ++i) number += among[i] != 0 && responses[i] == wanted ? 1 : 0;
  return number;
}

std::string time_axis(const ReportOptions& options) {
  return options.time.ends_with("_days") ? "days" : options.time;
}

struct Group {
  std::vector<double> time;
  std::vector<std::uint8_t> event;
};

report::SurvivalCurve curve_of(const Group& group, const std::vector<double>& ticks) {
  report::SurvivalCurve curve;
  for (const stats::SurvivalPoint& point : stats::kaplan_meier(group.time, group.event)) {
    if (point.events > 0) {
      curve.time.push_back(point.time);
      curve.survival.push_back(point.survival);
      curve.lower.push_back(point.lower);
      curve.upper.push_back(point.upper);
    }
  }
  for (std::size_t i = 0; i < group.time.size(); ++i) {
    if (group.event[i] == 0) curve.censored.push_back(group.time[i]);
  }
  std::ranges::sort(curve.censored);
  // The curve goes on to the last patient seen.
  if (!group.time.empty()) {
    const double last = *std::ranges::max_element(group.time);
    if (curve.time.empty() || last > curve.time.back()) {
      curve.survival.push_back(curve.survival.empty() ? 1 : curve.survival.back());
      curve.lower.push_back(curve.lower.empty() ? 1 : curve.lower.back());
      curve.upper.push_back(curve.upper.empty() ? 1 : curve.upper.back());
      curve.time.push_back(last);
    }
  }
  curve.at_risk = stats::numbers_at_risk(group.time, ticks);
  return curve;
}

report::HeatmapTrack response_track(const ReportData& data, const std::vector<std::size_t>& order) {
  report::HeatmapTrack track{
      "response", {}, {{"R", std::string(colour::kBlue)}, {"NR", std::string(colour::kVermilion)}}};
  bool unknown = false;
  for (const std::size_t patient : order) {
    const Response response = data.response[data.cohort.clinical_row[patient]];
    track.categories.emplace_back(response == Response::kResponder      ? "R"
                                  : response == Response::kNonResponder ? "NR"
                                                                        : "not known");
    unknown = unknown || response == Response::kUnknown;
  }
  if (unknown) track.colours.emplace_back("not known", std::string(colour::kGrid));
  return track;
}

/// A clinical column as a track; none when the column is absent or has too many levels to tell apart.
std::optional<report::HeatmapTrack> clinical_track(const ReportData& data, const std::string& column,
                                                   const std::string& name, const std::vector<std::size_t>& order,
                                                   std::size_t first_colour) {
  const auto at = data.clinical.find(column);
  if (!at) return std::nullopt;
  report::HeatmapTrack track{name, {}, {}};
  std::map<std::string, std::string> levels;
  for (const std::size_t patient : order) {
    const std::string& text = data.clinical.rows[data.cohort.clinical_row[patient]][*at];
    track.categories.push_back(core::is_missing(text) ? "not known" : text);
    if (!core::is_missing(text)) levels.emplace(text, "");
  }
  if (levels.empty() || levels.size() > 6) return std::nullopt;
  for (auto& [level, fill] : levels)
    track.colours.emplace_back(level, std::string(kTrackColours[first_colour++ % kTrackColours.size()]));
  return track;
}

/// z-scores of a feature over the patients; NaN where missing.
std::vector<double> z_scores(std::span<const double> values) {
  double sum = 0, squares = 0, n = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++n;
  }
  const double mean = n > 0 ? sum / n : 0;
  for (const double value : values) squares += std::isnan(value) ? 0 : (value - mean) * (value - mean);
  const double deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  std::vector<double> scores;
  for (const double value : values)
    scores.push_back(std::isnan(value) ? kNan : deviation > 0 ? (value - mean) / deviation : 0);
  return scores;
}

}  // namespace

std::string cohort_flow_figure(const ReportData& data, const ReportOptions& options) {
  const std::size_t all = data.clinical.rows.size();
  const auto total = [](const std::vector<std::uint8_t>& flags) {
    return static_cast<std::size_t>(std::ranges::count(flags, 1));
  };
  const std::size_t sampled = total(data.sampled), measured = total(data.measured);
  const std::size_t responders = count(data.response, data.measured, Response::kResponder);
  const std::size_t nonresponders = count(data.response, data.measured, Response::kNonResponder);
  report::FlowChart chart{"Patients of this report", {}, {}};
  const auto left_out = [](std::size_t number, const std::string& why) {
    return number == 0 ? std::vector<std::string>{} : std::vector<std::string>{fmt::format("{} {}", number, why)};
  };
  chart.steps.push_back({{fmt::format("{} patients", all), "clinical table"}, {}});
  chart.steps.push_back({{fmt::format("{} with a sample", sampled), "visit: " + options.visit},
                         left_out(all - sampled, "without a sample")});
  chart.steps.push_back(
      {{fmt::format("{} with features", measured), fmt::format("{} features in all", data.cohort.features.size())},
       left_out(sampled > measured ? sampled - measured : 0, "without features")});
  chart.steps.push_back({{fmt::format("{} with a known response", responders + nonresponders)},
                         left_out(measured - responders - nonresponders, "response not known")});
  chart.ends.push_back({{fmt::format("{} responders", responders)}, {std::string(colour::kBlue)}});
  chart.ends.push_back({{fmt::format("{} non-responders", nonresponders)}, {std::string(colour::kVermilion)}});
  return report::flow_chart(chart);
}

std::string overlap_figure(const ReportData& data, const ReportOptions& options) {
  report::OverlapPlot plot{"Measured together, visit " + options.visit, "patients", {}, {}};
  const std::size_t patients = data.cohort.patients.size(), sources = data.cohort.sources.size();
  std::vector<std::vector<bool>> has(patients, std::vector<bool>(sources, false));
  for (std::size_t f = 0; f < data.cohort.features.size(); ++f) {
    const auto row = data.cohort.row(f);
    for (std::size_t i = 0; i < patients; ++i) {
      if (!std::isnan(row[i])) has[i][data.cohort.source[f]] = true;
    }
  }
  for (std::size_t s = 0; s < sources; ++s) {
    const std::string& source = data.cohort.sources[s];
    const std::size_t at = source.find('@');
    const std::string name = at == std::string::npos
                                 ? (source.empty() ? "other" : source)
                                 : modality_name(source.substr(0, at)) + ", " + source.substr(at + 1);
    const auto size = std::ranges::count_if(has, [s](const std::vector<bool>& members) { return members[s]; });
    plot.sets.emplace_back(name, static_cast<std::size_t>(size));
  }
  std::map<std::vector<bool>, std::size_t> counts;
  for (const auto& members : has) ++counts[members];
  plot.columns.assign(counts.begin(), counts.end());
  std::ranges::stable_sort(plot.columns, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second
                                : std::ranges::count(a.first, true) > std::ranges::count(b.first, true);
  });
  constexpr std::size_t kMostColumns = 18;
  if (plot.columns.size() > kMostColumns) plot.columns.resize(kMostColumns);
  return report::overlap_plot(plot);
}

std::string composition_figure(const ReportData& data, const std::string& column, const std::string& title) {
  const auto at = data.clinical.find(column);
  if (!at) return {};
  std::map<std::string, std::vector<double>> levels;
  for (std::size_t row = 0; row < data.clinical.rows.size(); ++row) {
    const std::string& text = data.clinical.rows[row][*at];
    auto& counts = levels[core::is_missing(text) ? "not known" : text];
    counts.resize(3);
    counts[static_cast<std::size_t>(data.response[row])] += 1;
  }
  constexpr std::size_t kMostLevels = 12;
  if (levels.size() > kMostLevels) return {};
  report::BarPlot plot{title, "patients", {}, {levels.begin(), levels.end()}};
  const bool unknown = std::ranges::find(data.response, Response::kUnknown) != data.response.end();
  plot.parts = {{"responder", std::string(colour::kBlue)}, {"non-responder", std::string(colour::kVermilion)}};
  if (unknown) plot.parts.emplace_back("not known", std::string(colour::kGrey));
  return report::bar_plot(plot);
}

std::vector<AssociationRow> top_rows(const std::vector<AssociationRow>& rows, std::size_t most) {
  std::vector<AssociationRow> top;
  for (const AssociationRow& row : rows) {
    if (top.size() == most) break;
    if (!std::isnan(row.p) && !row.confounded()) top.push_back(row);
  }
  return top;
}

std::string effect_figure(const std::vector<AssociationRow>& rows, const ReportOptions& options, bool survival) {
  report::ForestPlot plot;
  plot.title = survival ? "Hazard ratio per standard deviation" : "Odds ratio of response per standard deviation";
  plot.axis = survival ? "hazard ratio, 95 % interval" : "odds ratio, 95 % interval";
  plot.low_words = survival ? "longer survival" : "higher in non-responders";
  plot.high_words = survival ? "shorter survival" : "higher in responders";
  plot.note_heading = survival ? "HR (95 %), FDR" : "OR (95 %), FDR";
  std::vector<std::string> modalities;
  for (const AssociationRow& row : rows) {
    if (std::isnan(row.effect)) continue;
    if (plot.rows.size() == static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1))) break;
    const FeatureLabel label = feature_label(row.feature);
    plot.rows.push_back(
        {label.name, ratio_note(row.effect, row.lower, row.upper) + ", " + report::short_number(row.fdr, 2),
         row.feature + (row.confounded() ? " (confounded by batch)" : ""), std::exp(row.effect), std::exp(row.lower),
         std::exp(row.upper), modality_colour(label.modality), row.confounded() || !(row.fdr < options.fdr)});
    if (std::ranges::find(modalities, label.modality) == modalities.end()) modalities.push_back(label.modality);
  }
  std::ranges::sort(modalities);
  for (const std::string& modality : modalities)
    plot.legend.emplace_back(modality_name(modality), modality_colour(modality));
  return plot.rows.empty() ? std::string{} : report::forest_plot(plot);
}

std::string strip_figure(const ReportData& data, const AssociationRow& row) {
  const FeatureLabel label = feature_label(row.feature);
  ByResponse split = split_by_response(data, row.feature);
  report::StripPlot plot;
  plot.title = label.name;
  plot.subtitle = p_words("FDR", row.fdr);
  plot.axis = label.measure;
  plot.groups = {{"R", std::string(colour::kBlue), std::move(split.responders)},
                 {"NR", std::string(colour::kVermilion), std::move(split.nonresponders)}};
  return report::strip_plot(plot);
}

std::string roc_figure(const ReportData& data, const AssociationRow& row) {
  const FeatureLabel label = feature_label(row.feature);
  ByResponse split = split_by_response(data, row.feature);
  stats::Auc auc = stats::auc_delong(split.responders, split.nonresponders);
  const bool lower = auc.auc < 0.5;
  if (lower) {
    for (double& value : split.responders) value = -value;
    for (double& value : split.nonresponders) value = -value;
    auc = stats::auc_delong(split.responders, split.nonresponders);
  }
  report::RocPlot plot{label.name,
                       lower ? "lower in responders" : "higher in responders",
                       std::string(colour::kBlue),
                       {},
                       auc.auc,
                       auc.lower,
                       auc.upper};
  // Without any overlap DeLong's variance is 0: an interval of no width would pretend to certainty.
  if (std::isnan(auc.variance) || auc.variance == 0) plot.lower = kNan;
  for (const stats::RocPoint& point : stats::roc_curve(split.responders, split.nonresponders)) {
    plot.points.emplace_back(point.false_positive_rate, point.true_positive_rate);
  }
  return report::roc_plot(plot);
}

std::string survival_figure(const ReportData& data, const ReportOptions& options, const AssociationRow& row,
                            const std::string& arm) {
  const auto values = values_of(data, row.feature);
  std::vector<double> known;
  for (const double value : values) {
    if (!std::isnan(value)) known.push_back(value);
  }
  const double cut = median(known);
  Group high, low;
  double latest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t patient = data.cohort.clinical_row[i];
    if (std::isnan(values[i]) || std::isnan(data.time[patient])) continue;
    // All panels of a feature share the axis, so the last day is taken before the arms part.
    latest = std::max(latest, data.time[patient]);
    if (!arm.empty() && data.arm[patient] != arm) continue;
    Group& group = values[i] > cut ? high : low;
    group.time.push_back(data.time[patient]);
    group.event.push_back(data.event[patient]);
  }
  const FeatureLabel label = feature_label(row.feature);
  report::SurvivalPlot plot;
  plot.title = label.name + (arm.empty() ? "" : ": arm " + arm);
  plot.axis = time_axis(options);
  plot.ticks = report::nice_ticks(0, latest, 5);
  if (plot.ticks.back() < latest && plot.ticks.size() > 1)
    plot.ticks.push_back(2 * plot.ticks.back() - plot.ticks[plot.ticks.size() - 2]);
  plot.subtitle = arm.empty()
                      ? fmt::format("HR per SD {}, FDR {}", ratio_note(row.effect, row.lower, row.upper),
                                    report::short_number(row.fdr, 2))
                      : "HR per SD " + (arm == row.arm_reference
                                            ? ratio_note(row.effect_reference, row.lower_reference, row.upper_reference)
                                            : ratio_note(row.effect_other, row.lower_other, row.upper_other));
  const auto add = [&](const Group& group, const std::string& name, const std::string& short_name,
                       std::string_view fill, bool dashed) {
    report::SurvivalCurve curve = curve_of(group, plot.ticks);
    curve.name = name;
    curve.short_name = short_name;
    curve.colour = std::string(fill);
    curve.dashed = dashed;
    plot.curves.push_back(std::move(curve));
  };
  add(high, fmt::format("above median (n = {})", high.time.size()), "above", colour::kGreen, false);
  add(low, fmt::format("at or below (n = {})", low.time.size()), "at or below", colour::kPurple, true);
  return report::survival_plot(plot);
}

std::string interaction_figure(const std::vector<AssociationRow>& rows, double level) {
  report::ForestPlot plot;
  plot.title = "Hazard ratio per standard deviation in each arm";
  plot.axis = "hazard ratio, 95 % interval";
  plot.low_words = "longer survival";
  plot.high_words = "shorter survival";
  plot.note_heading = "HR (95 %); FDR of the interaction";
  for (const AssociationRow& row : rows) {
    if (std::isnan(row.p_interaction)) continue;
    const FeatureLabel label = feature_label(row.feature);
    plot.rows.push_back({label.name + ": " + row.arm_other,
                         ratio_note(row.effect_other, row.lower_other, row.upper_other) + "; " +
                             report::short_number(row.fdr_interaction, 2),
                         row.feature, std::exp(row.effect_other), std::exp(row.lower_other), std::exp(row.upper_other),
                         std::string(colour::kSky), !(row.fdr_interaction < level)});
    plot.rows.push_back({label.name + ": " + row.arm_reference,
                         ratio_note(row.effect_reference, row.lower_reference, row.upper_reference), row.feature,
                         std::exp(row.effect_reference), std::exp(row.lower_reference), std::exp(row.upper_reference),
                         std::string(colour::kOrange), !(row.fdr_interaction < level)});
    if (plot.legend.empty())
      plot.legend = {{row.arm_other, std::string(colour::kSky)}, {row.arm_reference, std::string(colour::kOrange)}};
  }
  return plot.rows.empty() ? std::string{} : report::forest_plot(plot);
}

std::string heatmap_figure(const ReportData& data, const ReportOptions& options,
                           const std::vector<AssociationRow>& rows) {
  const std::size_t patients = data.cohort.patients.size();
  report::Heatmap plot;
  plot.title = "Patients and leading features";
  plot.scale_title = "z-score";
  std::vector<std::vector<double>> scores;
  std::vector<double> direction_sum(patients, 0), direction_count(patients, 0);
  for (const AssociationRow& row : rows) {
    const auto values = values_of(data, row.feature);
    if (values.empty()) continue;
    const FeatureLabel label = feature_label(row.feature);
    plot.rows.push_back(label.name);
    plot.row_colours.push_back(modality_colour(label.modality));
    scores.push_back(z_scores(values));
    for (std::size_t i = 0; i < patients; ++i) {
      if (std::isnan(scores.back()[i])) continue;
      direction_sum[i] += row.effect < 0 ? -scores.back()[i] : scores.back()[i];
      ++direction_count[i];
    }
  }
  if (plot.rows.empty()) return {};
  std::vector<std::size_t> order(patients);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto mean = [&](std::size_t i) { return direction_count[i] > 0 ? direction_sum[i] / direction_count[i] : 0; };
  const auto group = [&](std::size_t i) { return data.response[data.cohort.clinical_row[i]]; };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return group(a) != group(b) ? group(a) < group(b) : mean(a) > mean(b);
  });
  for (std::size_t c = 0; c < order.size(); ++c) {
    plot.columns.push_back(data.cohort.patients[order[c]]);
    if (c > 0 && group(order[c]) != group(order[c - 1])) plot.gaps.push_back(c);
  }
  for (const auto& row : scores) {
    for (const std::size_t patient : order) plot.values.push_back(row[patient]);
  }
  plot.tracks.push_back(response_track(data, order));
  if (auto track = clinical_track(data, options.arm, "arm", order, 0)) plot.tracks.push_back(std::move(*track));
  if (auto track = clinical_track(data, "tumour_type", "tumour type", order, 2))
    plot.tracks.push_back(std::move(*track));
  return report::heatmap(plot);
}

}  // namespace immucan::biomarker
