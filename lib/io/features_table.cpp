#include "io/features_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/text.h"
#include "io/tsv.h"

namespace immucan::io {
namespace {

/// (sample, feature) order of every features file.
auto key(const FeatureValue& value) {
  return std::tie(value.sample_id, value.feature);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return c == ':' || c == '@' || c == ' ' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

bool is_entity(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return c == ':' || c == ' ' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

}  // namespace

std::string feature_name(std::string_view modality, std::string_view specimen, std::string_view entity,
                         std::string_view measure) {
  return fmt::format("{}@{}:{}:{}", modality, specimen, core::feature_entity(entity), measure);
}

std::optional<FeatureParts> parse_feature(std::string_view feature) {
  const auto parts = core::split(feature, ':');
  if (parts.size() != 3) return std::nullopt;
  const std::size_t at = parts[0].find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view modality = parts[0].substr(0, at);
  const std::string_view specimen = parts[0].substr(at + 1);
  if (!is_word(modality) || !is_word(specimen) || !is_entity(parts[1]) || !is_word(parts[2])) return std::nullopt;
  return FeatureParts{std::string(modality), std::string(specimen), std::string(parts[1]), std::string(parts[2])};
}

void write_features(core::OutputFile& out, std::vector<FeatureValue> values) {
  std::ranges::sort(values, {}, key);
  const auto twin = std::ranges::adjacent_find(values, {}, key);
  if (twin != values.end()) {
    throw core::Error(core::Status::kInternal,
                      fmt::format("feature {} of sample {} was computed twice.", twin->feature, twin->sample_id));
  }
  std::string text = "sample_id\tfeature\tvalue\n";
  for (const FeatureValue& value : values) {
    text += value.sample_id;
    text += '\t';
    text += value.feature;
    text += '\t';
    core::append_double(text, value.value.value_or(std::nan("")));
    text += '\n';
  }
  out.write(text);
}

std::vector<FeatureValue> read_features(const std::filesystem::path& path, core::RunContext& context) {
  TsvReader reader(open_source(path, context));
  const std::size_t sample_column = reader.require("sample_id");
  const std::size_t feature_column = reader.require("feature");
  const std::size_t value_column = reader.require("value");
  std::vector<FeatureValue> values;
  while (reader.next()) {
    if (core::is_missing(reader.field(sample_column))) {
      reader.fail(sample_column, "the sample_id is missing", "NA is never an id");
    }
    if (!parse_feature(reader.field(feature_column))) {
      reader.fail(feature_column,
                  fmt::format("'{}' is not of the form modality@specimen:entity:measure",
                              core::printable(reader.field(feature_column))),
                  "Write names like cytof@blood:CD8_T:fraction");
    }
    values.push_back({std::string(reader.field(sample_column)), std::string(reader.field(feature_column)),
                      reader.number(value_column)});
  }
  std::ranges::stable_sort(values, {}, key);
  const auto twin = std::ranges::adjacent_find(values, {}, key);
  if (twin != values.end()) {
    core::raise({reader.name(), core::Place::none(),
                 fmt::format("sample '{}' has the feature '{}' twice", core::printable(twin->sample_id),
                             core::printable(twin->feature, 200)),
                 "Keep one row per sample and feature"});
  }
  return values;
}

}  // namespace immucan::io
