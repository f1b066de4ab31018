#include "biomarker/cohort_container.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::string_view, 4> kVisits = {"naive", "on-treatment", "progression", "follow-up"};

std::size_t rank_of_visit(std::string_view visit) {
  return static_cast<std::size_t>(std::ranges::find(kVisits, visit) - kVisits.begin());
}

/// A slash would make a group within the file.
std::string object_name(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name.empty() || name == "." ? "_" : name;
}

/// Empty texts are missing; categories ascend by byte and all of them occur.
io::Categorical categories_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::int32_t> code;
  for (const std::string& text : texts) {
    if (!text.empty()) code.emplace(text, 0);
  }
  io::Categorical column;
  for (auto& [text, number] : code) {
    number = static_cast<std::int32_t>(column.categories.size());
    column.categories.push_back(text);
  }
  for (const std::string& text : texts) column.codes.push_back(text.empty() ? -1 : code.at(text));
  return column;
}

/// One patient at one visit.
struct Moment {
  std::string patient, visit;
  std::optional<double> day;
};

class Builder {
 public:
  explicit Builder(const Assembly& assembly) : assembly_(assembly) {
    for (std::size_t i = 0; i < assembly.table.size(); ++i) sample_row_.emplace(assembly.table[i].sample_id, i);
    list_moments();
    list_features();
  }

  io::MuData build(const std::optional<io::Table>& clinical) {
    std::vector<std::pair<std::string, io::AnnData>> modalities;
    std::vector<std::vector<std::uint32_t>> maps;
    for (const auto& [modality, features] : features_) {
      maps.emplace_back();
      modalities.emplace_back(modality, modality_data(modality, features, maps.back()));
    }
    io::MuData data = io::join_modalities(std::move(modalities));
    data.obs = observations(clinical);
    for (std::size_t i = 0; i < maps.size(); ++i) data.modalities[i].obs_map = std::move(maps[i]);
    return data;
  }

 private:
  using Key = std::pair<std::string_view, std::string_view>;  // patient, visit

  const io::Sample& sample_of(const io::FeatureValue& value) const {
    return assembly_.table[sample_row_.at(value.sample_id)];
  }

  void list_moments() {
    std::set<Key> wanted;
    for (const io::FeatureValue& value : assembly_.values) {
      const io::Sample& sample = sample_of(value);
      wanted.emplace(sample.patient_id, sample.visit);
    }
    std::unordered_map<std::string_view, std::size_t> patient_rank;
    for (const io::Sample& sample : assembly_.table) {
      patient_rank.emplace(sample.patient_id, patient_rank.size());
      const Key key(sample.patient_id, sample.visit);
      if (!wanted.contains(key)) continue;
      const auto [at, inserted] = moment_.emplace(key, moments_.size());
      if (inserted) moments_.push_back({sample.patient_id, sample.visit, sample.day});
      if (!moments_[at->second].day) moments_[at->second].day = sample.day;
    }
    std::ranges::stable_sort(moments_, {}, [&](const Moment& moment) {
      return std::pair(patient_rank.at(moment.patient), rank_of_visit(moment.visit));
    });
    // The keys view texts of samples.tsv, which stay where they are.
    for (std::size_t i = 0; i < moments_.size(); ++i) moment_.at({moments_[i].patient, moments_[i].visit}) = i;
  }

  void list_features() {
    for (const io::FeatureValue& value : assembly_.values) {
      const auto parts = io::parse_feature(value.feature);
      features_[object_name(parts ? parts->modality : "other")].emplace(value.feature, 0);
    }
    for (auto& [modality, features] : features_) {
      std::size_t column = 0;
      for (auto& [feature, number] : features) {
        number = column++;
        modality_of_.emplace(feature, modality);
      }
    }
  }

  struct Row {
    std::set<std::size_t> samples;  ///< rows of samples.tsv
  };

  static io::DataFrame variables(const std::map<std::string, std::size_t>& features) {
    io::DataFrame var;
    std::vector<std::string> specimens, entities, measures;
    for (const auto& [feature, column] : features) {
      const auto parts = io::parse_feature(feature).value_or(io::FeatureParts{});
      var.index.push_back(feature);
      specimens.push_back(parts.specimen);
      entities.push_back(parts.entity);
      measures.push_back(parts.measure);
    }
    var.columns = {
        {"specimen", categories_of(specimens)}, {"entity", std::move(entities)}, {"measure", categories_of(measures)}};
    return var;
  }

  io::AnnData modality_data(const std::string& modality, const std::map<std::string, std::size_t>& features,
                            std::vector<std::uint32_t>& map) const {
    std::map<std::size_t, Row> rows;  // by moment
    for (const io::FeatureValue& value : assembly_.values) {
      if (modality_of_.at(value.feature) != modality) continue;
      const io::Sample& sample = sample_of(value);
      rows[moment_.at({sample.patient_id, sample.visit})].samples.insert(sample_row_.at(value.sample_id));
    }
    io::AnnData data;
    map.assign(moments_.size(), 0);
    std::vector<std::string> ids, specimens, batches;
    for (const auto& [moment, row] : rows) {
      data.obs.index.push_back(name_of(moments_[moment]));
      map[moment] = static_cast<std::uint32_t>(data.obs.index.size());
      ids.push_back(joined(row, &io::Sample::sample_id));
      specimens.push_back(joined(row, &io::Sample::specimen));
      batches.push_back(joined(row, &io::Sample::batch));
    }
    data.obs.columns = {
        {"sample_id", std::move(ids)}, {"specimen", categories_of(specimens)}, {"batch", categories_of(batches)}};
    data.var = variables(features);
    io::DenseMatrix x{rows.size(), features.size(), std::vector<double>(rows.size() * features.size(), kMissing)};
    for (const io::FeatureValue& value : assembly_.values) {
      if (modality_of_.at(value.feature) != modality || !value.value) continue;
      const io::Sample& sample = sample_of(value);
      const std::size_t row = map[moment_.at({sample.patient_id, sample.visit})] - 1;
      x.values[row * features.size() + features.at(value.feature)] = *value.value;
    }
    data.dense_layers.emplace_back("values", std::move(x));
    return data;
  }

  /// Different values of the samples of a row, joined by ';' in the order of samples.tsv.
  std::string joined(const Row& row, std::string io::Sample::* member) const {
    std::vector<std::string> parts;
    for (const std::size_t sample : row.samples) {
      const std::string& text = assembly_.table[sample].*member;
      if (!text.empty() && std::ranges::find(parts, text) == parts.end()) parts.push_back(text);
    }
    return core::join(parts, ";");
  }

  static std::string name_of(const Moment& moment) { return moment.patient + ":" + moment.visit; }

  io::DataFrame observations(const std::optional<io::Table>& clinical) const {
    io::DataFrame obs;
    std::vector<std::string> patients, visits;
    std::vector<double> days;
    for (const Moment& moment : moments_) {
      obs.index.push_back(name_of(moment));
      patients.push_back(moment.patient);
      visits.push_back(moment.visit);
      days.push_back(moment.day.value_or(kMissing));
    }
    obs.columns = {{"patient_id", categories_of(patients)}, {"visit", categories_of(visits)}, {"day", std::move(days)}};
    if (clinical) add_clinical(*clinical, obs);
    return obs;
  }

  void add_clinical(const io::Table& clinical, io::DataFrame& obs) const {
    const std::size_t id_column = clinical.require("patient_id");
    std::unordered_map<std::string_view, std::size_t> row_of;
    for (std::size_t row = 0; row < clinical.rows.size(); ++row) row_of.emplace(clinical.rows[row][id_column], row);
    std::set<std::string> taken = {"_index"};
    for (const io::DataFrameColumn& column : obs.columns) taken.insert(column.name);
    for (std::size_t column = 0; column < clinical.header.size(); ++column) {
      if (column == id_column) continue;
      std::vector<std::string> texts;
      for (const Moment& moment : moments_) {
        const auto row = row_of.find(moment.patient);
        const std::string text = row == row_of.end() ? "" : clinical.rows[row->second][column];
        texts.push_back(core::is_missing(text) ? "" : text);
      }
      std::string name = object_name(clinical.header[column]);
      while (!taken.insert(name).second) name = "clinical_" + name;
      obs.columns.push_back(typed(std::move(name), texts));
    }
  }

  /// Numbers where every value present is a finite one and there is one at all.
  static io::DataFrameColumn typed(std::string name, const std::vector<std::string>& texts) {
    std::vector<double> numbers;
    bool any = false;
    for (const std::string& text : texts) {
      const auto number = text.empty() ? std::optional(kMissing) : core::parse_double(text);
      if (!number || (!text.empty() && !std::isfinite(*number))) return {std::move(name), categories_of(texts)};
      any |= !text.empty();
      numbers.push_back(*number);
    }
    if (!any) return {std::move(name), categories_of(texts)};
    return {std::move(name), std::move(numbers)};
  }

  const Assembly& assembly_;
  std::unordered_map<std::string_view, std::size_t> sample_row_;
  std::vector<Moment> moments_;
  std::map<Key, std::size_t> moment_;
  std::map<std::string, std::map<std::string, std::size_t>> features_;  ///< modality → feature → column
  std::unordered_map<std::string_view, std::string_view> modality_of_;
};

}  // namespace

io::MuData cohort_container(const Assembly& assembly, const std::optional<io::Table>& clinical) {
  return Builder(assembly).build(clinical);
}

}  // namespace immucan::biomarker
