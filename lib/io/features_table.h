#pragma once
// SAMPLE.features.tsv (DESIGN §4): long and sorted, `sample_id feature value`; a feature is
// modality@specimen:entity:measure.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

struct FeatureValue {
  std::string sample_id;
  std::string feature;
  std::optional<double> value;  ///< nullopt = NA
};

/// "cytof", "blood", "CD8 T", "fraction" → "cytof@blood:CD8_T:fraction" (the entity is escaped).
[[nodiscard]] std::string feature_name(std::string_view modality, std::string_view specimen, std::string_view entity,
                                       std::string_view measure);
struct FeatureParts {
  std::string modality, specimen, entity, measure;
};
/// nullopt unless of the form modality@specimen:entity:measure.
[[nodiscard]] std::optional<FeatureParts> parse_feature(std::string_view feature);

/// Sorts by (sample_id, feature) and writes with header; a duplicate (sample, feature) is an Error (kInternal).
void write_features(core::OutputFile& out, std::vector<FeatureValue> values);
/// 65 on a malformed feature, a value that is neither finite nor NA, a duplicate.
[[nodiscard]] std::vector<FeatureValue> read_features(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] std::vector<FeatureValue> read_features(std::unique_ptr<ByteSource> source);

/// The same table with every name held once (16 bytes per value): for cohorts.
struct FeatureEntries {
  struct Entry {
    std::uint32_t sample, feature;
    double value;  ///< NaN = NA
  };
  std::vector<std::string> samples, features;  ///< in the order of their first row
  std::vector<Entry> entries;                  ///< in the order of the file
};
[[nodiscard]] FeatureEntries read_feature_entries(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] FeatureEntries read_feature_entries(std::unique_ptr<ByteSource> source);

}  // namespace immucan::io
