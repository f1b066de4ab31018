#include "io/features_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>

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
  return read_features(open_source(path, context));
}

std::vector<FeatureValue> read_features(std::unique_ptr<ByteSource> source) {
  TsvReader reader(std::move(source));
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

namespace {

/// Names to numbers. Tables come sorted, so that the next name is mostly the one that followed last time.
class NameIndex {
 public:
  explicit NameIndex(std::vector<std::string>& names) : names_(names) {}
  std::uint32_t number(std::string_view name) {
    if (next_ < names_.size() && names_[next_] == name) return next_++;
    if (next_ > 0 && names_[next_ - 1] == name) return next_ - 1;
    const auto [entry, inserted] = index_.try_emplace(std::string(name), static_cast<std::uint32_t>(names_.size()));
    if (inserted) names_.emplace_back(name);
    next_ = entry->second + 1;
    return entry->second;
  }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string>& names_;
  std::unordered_map<std::string, std::uint32_t> index_;
  std::uint32_t next_ = 0;
};

void refuse_repeated(const FeatureEntries& table, const std::string& file) {
  std::vector<std::uint64_t> keys;
  keys.reserve(table.entries.size());
  for (const FeatureEntries::Entry& entry : table.entries) {
    keys.push_back(std::uint64_t{entry.sample} << 32 | entry.feature);
  }
  if (!std::ranges::is_sorted(keys)) std::ranges::sort(keys);
  const auto twin = std::ranges::adjacent_find(keys);
  if (twin == keys.end()) return;
  core::raise({file, core::Place::none(),
               fmt::format("sample '{}' has the feature '{}' twice", core::printable(table.samples[*twin >> 32]),
                           core::printable(table.features[*twin & 0xffffffffU], 200)),
               "Keep one row per sample and feature"});
}

}  // namespace

FeatureEntries read_feature_entries(const std::filesystem::path& path, core::RunContext& context) {
  return read_feature_entries(open_source(path, context));
}

FeatureEntries read_feature_entries(std::unique_ptr<ByteSource> source) {
  TsvReader reader(std::move(source));
  const std::size_t sample_column = reader.require("sample_id");
  const std::size_t feature_column = reader.require("feature");
  const std::size_t value_column = reader.require("value");
  FeatureEntries table;
  NameIndex samples(table.samples), features(table.features);
  while (reader.next()) {
    if (core::is_missing(reader.field(sample_column))) {
      reader.fail(sample_column, "the sample_id is missing", "NA is never an id");
    }
    const std::size_t known = features.size();
    const std::uint32_t sample = samples.number(reader.field(sample_column));
    const std::uint32_t feature = features.number(reader.field(feature_column));
    if (feature == known && !parse_feature(reader.field(feature_column))) {
      reader.fail(feature_column,
                  fmt::format("'{}' is not of the form modality@specimen:entity:measure",
                              core::printable(reader.field(feature_column))),
                  "Write names like cytof@blood:CD8_T:fraction");
    }
    table.entries.push_back({sample, feature, reader.number(value_column).value_or(std::nan(""))});
  }
  refuse_repeated(table, reader.name());
  return table;
}

}  // namespace immucan::io
