#pragma once
// The features of a cohort as a matrix of patients: one visit, joined with samples.tsv and clinical.tsv.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/tsv.h"

namespace immucan::biomarker {

struct CohortFeatures {
  std::vector<std::string> patients;  ///< those of clinical.tsv that have features, in its order
  std::vector<std::size_t> clinical_row;
  std::vector<std::string> features;  ///< sorted by name
  std::vector<double> values;         ///< feature-major; NaN = missing
  std::vector<std::string> sources;   ///< modality@specimen, or "" where a name has another form
  std::vector<std::uint32_t> source;  ///< of each feature
  /// Batch of each patient's sample, per source; empty text = not known. Empty without samples.tsv.
  std::vector<std::vector<std::string>> batch;
  /// Time-varying: day of the measurement of each row. The rows of a patient follow each other by day.
  std::vector<double> day;

  [[nodiscard]] std::span<const double> row(std::size_t feature) const {
    return std::span(values).subspan(feature * patients.size(), patients.size());
  }
};

struct CohortFeaturesOptions {
  std::filesystem::path features;  ///< long (sample_id feature value), or wide: names in the first column, then samples
  std::optional<std::filesystem::path> samples;
  std::string visit = "naive";
  std::string aggregate = "refuse";
  bool separate_samples = false;  ///< every sample is a row of its own: `patients` may then repeat
  /// All visits, a row per patient and day of a measurement; a value stands until the next one of the feature.
  bool time_varying = false;
};

/// 65: ids that do not meet (which, how many), two values of one feature and patient, no sample of the visit.
[[nodiscard]] CohortFeatures join_features(const CohortFeaturesOptions& options, const io::Table& clinical,
                                           core::RunContext& context);

}  // namespace immucan::biomarker
