#include "biomarker/cohort_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include "biomarker/assembly.h"
#include "core/error.h"
#include "core/text.h"
#include "io/features_table.h"
#include "io/matrix_table.h"
#include "io/samples_table.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Either form of table as features × samples.
struct Values {
  std::vector<std::string> samples, features;
  io::FeatureEntries entries;  ///< long
  io::MatrixTable matrix;      ///< wide
  bool wide = false;

  /// Calls visit(sample, feature, value) for every value that was written, NA included.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& entry : entries.entries) visit(entry.sample, entry.feature, entry.value);
    for (std::size_t feature = 0; wide && feature < matrix.rows(); ++feature) {
      const auto row = matrix.row(feature);
      for (std::size_t sample = 0; sample < row.size(); ++sample) visit(sample, feature, row[sample]);
    }
  }
};

/// Long tables have a column sample_id; everything else is a wide one.
Values read_any(const std::filesystem::path& path, core::RunContext& context) {
  Values values;
  {
    // Only the header is looked at here; the input is recorded when it is read in full.
    core::RunContext probe(context.tool, context.version, context.command);
    values.wide = !io::TsvReader(io::open_source(path, probe)).find("sample_id");
  }
  if (values.wide) {
    values.matrix = io::read_matrix_table(path, context, {.allow_missing = true});
    values.samples = values.matrix.column_names;
    values.features = values.matrix.row_names;
  } else {
    values.entries = io::read_feature_entries(path, context);
    values.samples = values.entries.samples;
    values.features = values.entries.features;
  }
  return values;
}

/// What samples.tsv says of each sample of the table; without it a sample is its patient.
struct SampleRows {
  std::vector<std::string> patient;  ///< empty: not of this visit, or a control
  std::vector<std::string> batch;
  std::vector<std::size_t> rank;  ///< row in samples.tsv
  std::vector<double> day;        ///< time-varying only
};

/// Days of the samples that count; 65 with those that have none.
void read_days(const std::vector<io::Sample>& samples, SampleRows& rows, const CohortFeaturesOptions& options) {
  std::vector<std::string> without;
  for (std::size_t i = 0; i < rows.patient.size(); ++i) {
    const io::Sample& sample = samples[rows.rank[i]];
    if (!rows.patient[i].empty() && !sample.day) without.push_back(sample.sample_id);
    rows.day.push_back(sample.day.value_or(0));
  }
  if (!without.empty()) {
    core::raise(
        {options.samples->string(), core::Place::none(),
         fmt::format("{} sample{} without a day: {}", without.size(), without.size() == 1 ? "" : "s", some_of(without)),
         "--time-varying needs to know when each was taken"});
  }
}

SampleRows sample_rows(const Values& values, const CohortFeaturesOptions& options, core::RunContext& context) {
  SampleRows result;
  if (!options.samples) {
    result.patient = values.samples;
    for (std::size_t i = 0; i < values.samples.size(); ++i) result.rank.push_back(i);
    return result;
  }
  const std::vector<io::Sample> samples = io::read_samples(*options.samples, context);
  std::unordered_map<std::string_view, std::size_t> by_id;
  for (std::size_t i = 0; i < samples.size(); ++i) by_id.emplace(samples[i].sample_id, i);
  std::set<std::string> unknown;
  bool any = false;
  for (const std::string& id : values.samples) {
    const auto found = by_id.find(id);
    if (found == by_id.end()) {
      unknown.insert(id);
      continue;
    }
    const io::Sample& sample = samples[found->second];
    const bool counts = sample.control == "sample" && (options.time_varying || sample.visit == options.visit);
    any = any || counts;
    result.patient.push_back(counts ? sample.patient_id : "");
    result.batch.push_back(sample.batch);
    result.rank.push_back(found->second);
  }
  if (!unknown.empty()) {
    core::raise({options.features.string(), core::Place::none(),
                 fmt::format("{} sample_id{} not in {}: {}", unknown.size(), unknown.size() == 1 ? " is" : "s are",
                             options.samples->filename().string(), some_of({unknown.begin(), unknown.end()})),
                 "Both tables must use the same sample ids"});
  }
  if (!any) {
    core::raise({options.features.string(), core::Place::none(),
                 fmt::format("no feature belongs to a sample of visit '{}'", options.visit), "Choose another --visit"});
  }
  if (options.time_varying) read_days(samples, result, options);
  return result;
}

std::string source_of(const std::string& feature) {
  const auto parts = io::parse_feature(feature);
  return parts ? parts->modality + "@" + parts->specimen : "";
}

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

[[noreturn]] void fail_unknown_patients(const std::set<std::string>& missing, std::size_t known,
                                        const CohortFeaturesOptions& options, const io::Table& clinical) {
  core::raise({options.features.string(), core::Place::none(),
               fmt::format("{} of {} {} not in {}: {}", missing.size(), missing.size() + known,
                           options.samples ? "patients with features are" : "sample_ids are", clinical.name,
                           some_of({missing.begin(), missing.end()})),
               options.samples ? "Both tables must use the same patient ids"
                               : "Without --samples, sample_id must equal patient_id"});
}

/// Patients in the order of clinical.tsv, their samples in that of samples.tsv where these are separate; returns the
/// column of each sample.
std::vector<std::size_t> place_patients(const SampleRows& rows, const CohortFeaturesOptions& options,
                                        const io::Table& clinical, CohortFeatures& cohort) {
  std::map<std::string, std::vector<std::size_t>> samples_of;
  std::set<std::string> missing;
  for (std::size_t sample = 0; sample < rows.patient.size(); ++sample) {
    if (rows.patient[sample].empty()) continue;
    samples_of[rows.patient[sample]].push_back(sample);
    missing.insert(rows.patient[sample]);
  }
  std::vector<std::size_t> result(rows.patient.size(), kNowhere);
  const std::size_t id_column = clinical.require("patient_id");
  std::size_t known = 0;
  for (std::size_t row = 0; row < clinical.rows.size(); ++row) {
    const std::string& id = clinical.rows[row][id_column];
    if (missing.erase(id) == 0) continue;
    ++known;
    std::vector<std::size_t>& samples = samples_of[id];
    std::ranges::sort(samples, {}, [&](std::size_t sample) {
      return std::pair(rows.day.empty() ? 0 : rows.day[sample], rows.rank[sample]);
    });
    for (const std::size_t sample : samples) {
      const bool later = options.time_varying && sample != samples.front() && rows.day[sample] > cohort.day.back();
      if (options.separate_samples || later || sample == samples.front()) {
        cohort.patients.push_back(id);
        cohort.clinical_row.push_back(row);
        if (options.time_varying) cohort.day.push_back(rows.day[sample]);
      }
      result[sample] = cohort.patients.size() - 1;
    }
  }
  if (!missing.empty()) fail_unknown_patients(missing, known, options, clinical);
  return result;
}

/// Features that the visit has, by name; returns the row of each feature of the table.
std::vector<std::size_t> place_features(const Values& values, const SampleRows& rows, CohortFeatures& cohort) {
  std::vector<std::uint8_t> used(values.features.size(), 0);
  values.for_each([&](std::size_t sample, std::size_t feature, double) {
    if (!rows.patient[sample].empty()) used[feature] = 1;
  });
  std::vector<std::size_t> order, result(values.features.size(), kNowhere);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] != 0) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](std::size_t i) -> const std::string& { return values.features[i]; });
  std::map<std::string, std::uint32_t> source_index;
  for (const std::size_t i : order) {
    result[i] = cohort.features.size();
    cohort.features.push_back(values.features[i]);
    const auto [entry, inserted] =
        source_index.try_emplace(source_of(values.features[i]), static_cast<std::uint32_t>(source_index.size()));
    if (inserted) cohort.sources.push_back(entry->first);
    cohort.source.push_back(entry->second);
  }
  return result;
}

/// One value per feature and patient. Several samples of a patient are refused or merged in the order of samples.tsv.
void fill(const Values& values, const SampleRows& rows, const CohortFeaturesOptions& options,
          const std::vector<std::size_t>& column, const std::vector<std::size_t>& feature_row, CohortFeatures& cohort) {
  constexpr std::uint32_t kNobody = 0xffffffffU;
  const Aggregate aggregate = aggregate_policy(options.aggregate);
  const std::size_t patients = cohort.patients.size();
  cohort.values.assign(cohort.features.size() * patients, kNan);
  std::vector<std::uint32_t> owner(cohort.values.size(), kNobody);
  std::vector<std::uint32_t> count(aggregate == Aggregate::kMean ? cohort.values.size() : 0, 0);
  if (options.samples) cohort.batch.assign(cohort.sources.size(), std::vector<std::string>(patients));
  values.for_each([&](std::size_t sample, std::size_t feature, double value) {
    if (column[sample] == kNowhere) return;
    const std::size_t cell = feature_row[feature] * patients + column[sample];
    const bool first = owner[cell] == kNobody;
    if (!first && aggregate == Aggregate::kRefuse) {
      core::raise(
          {options.features.string(), core::Place::none(),
           fmt::format("samples '{}' and '{}' both give '{}' for patient '{}', {}",
                       core::printable(values.samples[owner[cell]]), core::printable(values.samples[sample]),
                       core::printable(values.features[feature], 200), core::printable(cohort.patients[column[sample]]),
                       options.time_varying ? "day " + core::format_double(cohort.day[column[sample]])
                                            : "visit " + options.visit),
           "Say how to join them: --aggregate mean, or first (in the order of samples.tsv)"});
    }
    const bool earlier = first || rows.rank[sample] < rows.rank[owner[cell]];
    if (earlier) {
      owner[cell] = static_cast<std::uint32_t>(sample);
      if (options.samples) cohort.batch[cohort.source[feature_row[feature]]][column[sample]] = rows.batch[sample];
    }
    if (aggregate == Aggregate::kMean) {
      if (std::isnan(value)) return;
      const double so_far = count[cell] == 0 ? 0.0 : cohort.values[cell] * count[cell];
      cohort.values[cell] = (so_far + value) / ++count[cell];
    } else if (earlier) {
      cohort.values[cell] = value;
    }
  });
}

/// A value stands until the feature is measured again.
void carry_forward(CohortFeatures& cohort) {
  const std::size_t rows = cohort.patients.size();
  for (std::size_t cell = 0; cell < cohort.values.size(); ++cell) {
    const std::size_t row = cell % rows;
    const bool same = row > 0 && cohort.clinical_row[row] == cohort.clinical_row[row - 1];
    if (same && std::isnan(cohort.values[cell])) cohort.values[cell] = cohort.values[cell - 1];
  }
}

}  // namespace

CohortFeatures join_features(const CohortFeaturesOptions& options, const io::Table& clinical,
                             core::RunContext& context) {
  const Values values = read_any(options.features, context);
  const SampleRows rows = sample_rows(values, options, context);
  CohortFeatures cohort;
  const std::vector<std::size_t> column = place_patients(rows, options, clinical, cohort);
  const std::vector<std::size_t> feature_row = place_features(values, rows, cohort);
  fill(values, rows, options, column, feature_row, cohort);
  if (options.time_varying) {
    carry_forward(cohort);
    cohort.batch.clear();  // of a row whose values may be older than its sample
  }
  return cohort;
}

}  // namespace immucan::biomarker
