#include "biomarker/report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "io/features_table.h"
#include "report/svg.h"

namespace immucan::biomarker {
namespace {

constexpr std::uint64_t kLargestFragment = 16 << 20;

/// Unlike Table::number, infinite bounds are read: a separated logistic fit may write them.
class Cells {
 public:
  Cells(const io::Table& table, std::size_t row) : table_(table), row_(row) {}
  [[nodiscard]] double number(std::string_view column, bool required = false) const {
    const auto at = required ? std::optional(table_.require(column)) : table_.find(column);
    if (!at) return AssociationRow::kNan;
    const std::string& text = table_.rows[row_][*at];
    if (core::is_missing(text)) return AssociationRow::kNan;
    const auto value = core::parse_double(text);
    if (!value)
      table_.fail(row_, *at, fmt::format("'{}' is not a number", core::printable(text)),
                  "Write the table anew with associate");
    return *value;
  }
  [[nodiscard]] std::string text(std::string_view column) const {
    const auto at = table_.find(column);
    return at && !core::is_missing(table_.rows[row_][*at]) ? table_.rows[row_][*at] : std::string{};
  }

 private:
  const io::Table& table_;
  std::size_t row_;
};

void require_probability(const io::Table& table, std::size_t row, std::string_view column, double value) {
  if (std::isnan(value) || (value >= 0 && value <= 1)) return;
  table.fail(row, table.require(column),
             fmt::format("{} {} is not between 0 and 1", column, core::format_double(value)),
             "Write the table anew with associate");
}

std::vector<Response> read_response(const io::Table& clinical, const std::string& column) {
  const std::size_t at = clinical.require(column);
  std::vector<Response> response;
  for (std::size_t row = 0; row < clinical.rows.size(); ++row) {
    const std::string& text = clinical.rows[row][at];
    if (core::is_missing(text)) {
      response.push_back(Response::kUnknown);
    } else if (text == "R" || text == "1") {
      response.push_back(Response::kResponder);
    } else if (text == "NR" || text == "0") {
      response.push_back(Response::kNonResponder);
    } else {
      clinical.fail(row, at, fmt::format("unknown response '{}'", core::printable(text)), "Write R, NR or NA");
    }
  }
  return response;
}

void read_survival(const ReportOptions& options, ReportData& data) {
  const auto time = data.clinical.find(options.time), event = data.clinical.find(options.event);
  data.time.assign(data.clinical.rows.size(), AssociationRow::kNan);
  data.event.assign(data.clinical.rows.size(), 0);
  if (options.survival_associations || options.interactions) {
    (void)data.clinical.require(options.time);
    (void)data.clinical.require(options.event);
  }
  if (!time || !event) return;
  data.has_survival = true;
  for (std::size_t row = 0; row < data.clinical.rows.size(); ++row) {
    const auto days = data.clinical.number(row, *time), ended = data.clinical.number(row, *event);
    if (!days || !ended) continue;
    if (*days < 0) data.clinical.fail(row, *time, "a negative time", "Count from the start of follow-up");
    if (*ended != 0 && *ended != 1)
      data.clinical.fail(row, *event, "an event that is neither 0 nor 1", "Write 0, 1 or NA");
    data.time[row] = *days;
    data.event[row] = *ended == 1;
  }
}

std::vector<report::QcFragment> read_qc(const std::vector<std::filesystem::path>& folders, core::RunContext& context) {
  std::vector<std::filesystem::path> files;
  for (const auto& folder : folders) {
    std::error_code code;
    std::filesystem::recursive_directory_iterator entries(folder, code);
    if (code) core::raise_input_errno(folder.string(), "open", code.value());
    for (; entries != std::filesystem::recursive_directory_iterator(); entries.increment(code)) {
      if (code) core::raise_input_errno(folder.string(), "read", code.value());
      if (entries->is_regular_file(code) && entries->path().filename().string().ends_with("_mqc.json"))
        files.push_back(entries->path());
    }
  }
  std::ranges::sort(files);
  files.erase(std::ranges::unique(files).begin(), files.end());
  std::vector<report::QcFragment> fragments;
  for (const auto& file : files) {
    context.interrupt.check();
    const auto source = io::open_source(file, context);
    for (auto& fragment : report::parse_multiqc_fragment(io::read_all(*source, kLargestFragment), file.string())) {
      fragments.push_back(std::move(fragment));
    }
  }
  std::ranges::stable_sort(fragments, [](const report::QcFragment& a, const report::QcFragment& b) {
    return std::tie(a.id, a.sample_id) < std::tie(b.id, b.sample_id);
  });
  return fragments;
}

std::string blanks(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

}  // namespace

std::vector<AssociationRow> read_associations(const std::filesystem::path& path, core::RunContext& context) {
  const io::Table table = io::read_table(path, context);
  const std::size_t feature = table.require("feature");
  std::vector<AssociationRow> rows;
  std::set<std::string> seen;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const Cells cells(table, r);
    AssociationRow row;
    row.feature = table.rows[r][feature];
    if (core::is_missing(row.feature))
      table.fail(r, feature, "the feature is missing", "Write the table anew with associate");
    if (!seen.insert(row.feature).second) {
      table.fail(r, feature, fmt::format("feature '{}' appears twice", core::printable(row.feature)),
                 "Write the table anew with associate");
    }
    row.test = cells.text("test");
    row.flag = cells.text("flag");
    row.claim = cells.text("claim");
    row.arm_reference = cells.text("arm_reference");
    row.arm_other = cells.text("arm_other");
    row.randomised = cells.text("randomised") == "1";
    row.n = cells.number("n", true);
    row.effect = cells.number("effect", true);
    row.lower = cells.number("lower", true);
    row.upper = cells.number("upper", true);
    row.p = cells.number("p", true);
    row.fdr = cells.number("fdr", true);
    require_probability(table, r, "p", row.p);
    require_probability(table, r, "fdr", row.fdr);
    row.responders = cells.number("n_responders");
    row.nonresponders = cells.number("n_nonresponders");
    row.median_responders = cells.number("median_responders");
    row.median_nonresponders = cells.number("median_nonresponders");
    row.auc = cells.number("auc");
    row.auc_lower = cells.number("auc_lower");
    row.auc_upper = cells.number("auc_upper");
    row.events = cells.number("events");
    row.interaction = cells.number("interaction");
    row.p_interaction = cells.number("p_interaction");
    row.fdr_interaction = cells.number("fdr_interaction");
    row.effect_reference = cells.number("effect_reference");
    row.lower_reference = cells.number("lower_reference");
    row.upper_reference = cells.number("upper_reference");
    row.effect_other = cells.number("effect_other");
    row.lower_other = cells.number("lower_other");
    row.upper_other = cells.number("upper_other");
    row.batch_p = cells.number("batch_p");
    row.p_batch_adjusted = cells.number("p_batch_adjusted");
    rows.push_back(std::move(row));
  }
  return rows;
}

ReportData read_report_data(const ReportOptions& options, core::RunContext& context) {
  ReportData data;
  data.clinical = io::read_clinical(options.clinical, context);
  data.samples = io::read_samples(options.samples, context);
  data.response = read_response(data.clinical, options.response);
  read_survival(options, data);
  data.arm.resize(data.clinical.rows.size());
  if (const auto arm = data.clinical.find(options.arm)) {
    for (std::size_t row = 0; row < data.clinical.rows.size(); ++row) {
      if (!core::is_missing(data.clinical.rows[row][*arm])) data.arm[row] = data.clinical.rows[row][*arm];
    }
  }
  CohortFeaturesOptions join;
  join.features = options.features;
  join.samples = options.samples;
  join.visit = options.visit;
  join.aggregate = options.aggregate;
  data.cohort = join_features(join, data.clinical, context);
  data.measured.assign(data.clinical.rows.size(), 0);
  for (const std::size_t row : data.cohort.clinical_row) data.measured[row] = 1;
  std::set<std::string> with_sample;
  for (const io::Sample& sample : data.samples) {
    if (sample.visit == options.visit && (sample.control.empty() || sample.control == "sample"))
      with_sample.insert(sample.patient_id);
  }
  const std::size_t id = data.clinical.require("patient_id");
  for (const auto& row : data.clinical.rows) data.sampled.push_back(with_sample.contains(row[id]) ? 1 : 0);
  if (options.response_associations) data.by_response = read_associations(*options.response_associations, context);
  if (options.survival_associations) data.by_survival = read_associations(*options.survival_associations, context);
  if (options.interactions) data.interactions = read_associations(*options.interactions, context);
  data.qc = read_qc(options.qc, context);
  return data;
}

FeatureLabel feature_label(const std::string& feature) {
  const auto parts = io::parse_feature(feature);
  if (!parts) return {feature, {}, {}};
  FeatureLabel label;
  label.modality = parts->modality;
  constexpr auto kMeasures = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"fraction", "fraction of cells"},
      {"fraction_of_parent", "fraction of parent"},
      {"log1p_cpm", "expression, ln(1 + CPM)"},
      {"log1p_psms", "peptides, ln(1 + PSMs)"},
      {"abundance", "relative abundance"},
      {"shannon", "Shannon index"},
  });
  const auto known = std::ranges::find(kMeasures, parts->measure, [](const auto& measure) { return measure.first; });
  label.measure = known == kMeasures.end() ? blanks(parts->measure) : std::string(known->second);
  std::string name = blanks(parts->entity);
  if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
    const std::string population = name.substr(0, slash);
    name = name.substr(slash + 1) + (population == "total" ? "" : " in " + population);
  }
  if (name == "community") name = label.measure;
  if (parts->measure == "count") name += " count";
  if (parts->measure == "log1p_psms") name += " peptides";  // a gene's name alone would read as its expression
  label.name = name + ", " + parts->specimen;
  return label;
}

std::string modality_name(const std::string& modality) {
  if (modality == "cytof") return "CyTOF";
  if (modality == "scrna") return "scRNA-seq";
  if (modality == "peptide") return "HLA peptides";
  if (modality == "microbiome") return "microbiome";
  return modality.empty() ? "other" : modality;
}

std::string modality_colour(const std::string& modality) {
  if (modality == "cytof") return std::string(report::colour::kSky);
  if (modality == "scrna") return std::string(report::colour::kOrange);
  if (modality == "peptide") return std::string(report::colour::kGreen);
  if (modality == "microbiome") return std::string(report::colour::kPurple);
  return std::string(report::colour::kGrey);
}

}  // namespace immucan::biomarker
