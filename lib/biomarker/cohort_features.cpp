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
#include "io/samples_table.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Long tables begin with sample_id; everything else is a wide one.
std::vector<io::FeatureValue> read_any(const std::filesystem::path& path, core::RunContext& context) {
  {
    // Only the header is looked at here; the input is recorded when it is read in full.
    core::RunContext probe(context.tool, context.version, context.command);
    const io::TsvReader reader(io::open_source(path, probe));
    if (reader.find("sample_id")) return io::read_features(path, context);
  }
  io::TsvReader reader(io::open_source(path, context));
  const std::vector<std::string> header = reader.header();
  std::vector<io::FeatureValue> values;
  std::set<std::string> names;
  for (std::size_t column = 1; column < header.size(); ++column) {
    if (!names.insert(header[column]).second) {
      core::raise({reader.name(), core::Place::line(1, column + 1),
                   fmt::format("the sample '{}' occurs twice", core::printable(header[column])),
                   "Keep one column per sample"});
    }
  }
  names.clear();
  while (reader.next()) {
    if (core::is_missing(reader.field(0))) reader.fail(0, "the name of a feature is missing", "NA is never an id");
    if (!names.emplace(reader.field(0)).second) {
      reader.fail(0, fmt::format("the feature '{}' occurs twice", core::printable(reader.field(0))),
                  "Keep one row per feature");
    }
    for (std::size_t column = 1; column < header.size(); ++column) {
      values.push_back({header[column], std::string(reader.field(0)), reader.number(column)});
    }
  }
  return values;
}

/// Keeps the samples of one visit; sample_id becomes patient_id.
std::vector<io::FeatureValue> to_patients(std::vector<io::FeatureValue> values, const CohortFeaturesOptions& options,
                                          const std::vector<io::Sample>& samples) {
  std::unordered_map<std::string_view, const io::Sample*> by_id;
  for (const io::Sample& sample : samples) by_id.emplace(sample.sample_id, &sample);
  std::set<std::string> unknown;
  for (const io::FeatureValue& value : values) {
    if (!by_id.contains(value.sample_id)) unknown.insert(value.sample_id);
  }
  if (!unknown.empty()) {
    core::raise({options.features.string(), core::Place::none(),
                 fmt::format("{} sample_id{} not in {}: {}", unknown.size(), unknown.size() == 1 ? " is" : "s are",
                             options.samples->filename().string(), some_of({unknown.begin(), unknown.end()})),
                 "Both tables must use the same sample ids"});
  }
  std::erase_if(values, [&](const io::FeatureValue& value) {
    const io::Sample& sample = *by_id.at(value.sample_id);
    return sample.control != "sample" || sample.visit != options.visit;
  });
  if (values.empty()) {
    core::raise({options.features.string(), core::Place::none(),
                 fmt::format("no feature belongs to a sample of visit '{}'", options.visit), "Choose another --visit"});
  }
  return merge_visits(std::move(values), samples, aggregate_policy(options.aggregate), options.features.string());
}

std::string source_of(const std::string& feature) {
  const auto parts = io::parse_feature(feature);
  return parts ? parts->modality + "@" + parts->specimen : "";
}

}  // namespace

CohortFeatures join_features(const CohortFeaturesOptions& options, const io::Table& clinical,
                             core::RunContext& context) {
  std::vector<io::FeatureValue> values = read_any(options.features, context);
  std::vector<io::Sample> samples;
  std::unordered_map<std::string, std::string> patient_of, batch_of;
  if (options.samples) {
    samples = io::read_samples(*options.samples, context);
    values = to_patients(std::move(values), options, samples);
    for (const io::Sample& sample : samples) {
      patient_of[sample.sample_id] = sample.patient_id;
      batch_of[sample.sample_id] = sample.batch;
    }
  }
  const auto patient = [&](const std::string& sample) -> const std::string& {
    return options.samples ? patient_of.at(sample) : sample;
  };

  std::set<std::string> with_features;
  for (const io::FeatureValue& value : values) with_features.insert(patient(value.sample_id));
  CohortFeatures cohort;
  std::unordered_map<std::string_view, std::size_t> column;
  const std::size_t id_column = clinical.require("patient_id");
  for (std::size_t row = 0; row < clinical.rows.size(); ++row) {
    if (with_features.erase(clinical.rows[row][id_column]) == 0) continue;
    column.emplace(clinical.rows[row][id_column], cohort.patients.size());
    cohort.patients.push_back(clinical.rows[row][id_column]);
    cohort.clinical_row.push_back(row);
  }
  if (!with_features.empty()) {
    core::raise(
        {options.features.string(), core::Place::none(),
         fmt::format("{} of {} {} not in {}: {}", with_features.size(), with_features.size() + cohort.patients.size(),
                     options.samples ? "patients with features are" : "sample_ids are", clinical.name,
                     some_of({with_features.begin(), with_features.end()})),
         options.samples ? "Both tables must use the same patient ids"
                         : "Without --samples, sample_id must equal patient_id"});
  }

  std::map<std::string, std::size_t> feature_index;
  for (const io::FeatureValue& value : values) feature_index.emplace(value.feature, 0);
  std::map<std::string, std::uint32_t> source_index;
  for (auto& [name, index] : feature_index) {
    index = cohort.features.size();
    cohort.features.push_back(name);
    const auto [entry, inserted] =
        source_index.try_emplace(source_of(name), static_cast<std::uint32_t>(source_index.size()));
    if (inserted) cohort.sources.push_back(entry->first);
    cohort.source.push_back(entry->second);
  }
  const std::size_t patients = cohort.patients.size();
  cohort.values.assign(cohort.features.size() * patients, kNan);
  if (options.samples) cohort.batch.assign(cohort.sources.size(), std::vector<std::string>(patients));
  for (const io::FeatureValue& value : values) {
    const std::size_t feature = feature_index.at(value.feature), at = column.at(patient(value.sample_id));
    cohort.values[feature * patients + at] = value.value.value_or(kNan);
    if (options.samples) cohort.batch[cohort.source[feature]][at] = batch_of.at(value.sample_id);
  }
  return cohort;
}

}  // namespace immucan::biomarker
