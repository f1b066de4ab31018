#include "biomarker/assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <set>
#include <system_error>
#include <tuple>

#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr std::size_t kNamesShown = 5;
constexpr std::string_view kSuffix = ".features.tsv";

std::unordered_map<std::string_view, std::size_t> index_of(const std::vector<io::Sample>& samples) {
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < samples.size(); ++i) index.emplace(samples[i].sample_id, i);
  return index;
}

void refuse_unknown_samples(const std::vector<io::FeatureValue>& values, const std::filesystem::path& file,
                            const std::unordered_map<std::string_view, std::size_t>& known, const std::string& table) {
  std::set<std::string> unknown;
  for (const io::FeatureValue& value : values) {
    if (!known.contains(value.sample_id)) unknown.insert(value.sample_id);
  }
  if (unknown.empty()) return;
  core::raise({file.string(), core::Place::none(),
               fmt::format("{} sample_id{} not in {}: {}", unknown.size(), unknown.size() == 1 ? " is" : "s are", table,
                           some_of({unknown.begin(), unknown.end()})),
               "Use the ids of samples.tsv (--sample of the tools that write features)"});
}

}  // namespace

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamesShown, names.size()); ++i) {
    text += (i == 0 ? "'" : ", '") + core::printable(names[i]) + "'";
  }
  return names.size() > kNamesShown ? text + fmt::format(" and {} more", names.size() - kNamesShown) : text;
}

Aggregate aggregate_policy(std::string_view name) {
  if (name == "mean") return Aggregate::kMean;
  if (name == "first") return Aggregate::kFirst;
  return Aggregate::kRefuse;
}

std::vector<std::filesystem::path> find_feature_tables(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::filesystem::path> result;
  for (const auto& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      result.push_back(path);
      continue;
    }
    std::vector<std::filesystem::path> found;
    std::filesystem::recursive_directory_iterator at(path, error);
    for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
      if (at->is_regular_file() && at->path().filename().string().ends_with(kSuffix)) found.push_back(at->path());
    }
    if (error) core::raise_input_errno(path.string(), "search", error.value());
    if (found.empty()) {
      throw core::Error(core::Status::kNoInput,
                        fmt::format("{}: no file named *.features.tsv in this folder. Give the folders that the tools "
                                    "wrote, or the files.",
                                    path.string()));
    }
    std::ranges::sort(found);
    result.insert(result.end(), found.begin(), found.end());
  }
  return result;
}

std::vector<io::FeatureValue> merge_visits(std::vector<io::FeatureValue> values, const std::vector<io::Sample>& samples,
                                           Aggregate aggregate, const std::string& file) {
  const auto index = index_of(samples);
  struct Entry {
    const io::Sample* sample;
    std::size_t rank;  ///< row in samples.tsv
    io::FeatureValue* value;
  };
  std::vector<Entry> entries;
  entries.reserve(values.size());
  for (io::FeatureValue& value : values) {
    const std::size_t rank = index.at(value.sample_id);
    entries.push_back({&samples[rank], rank, &value});
  }
  const auto place = [](const Entry& e) { return std::tie(e.sample->patient_id, e.sample->visit, e.value->feature); };
  std::ranges::sort(entries, [&](const Entry& a, const Entry& b) {
    return std::tuple_cat(place(a), std::tie(a.rank)) < std::tuple_cat(place(b), std::tie(b.rank));
  });
  std::vector<io::FeatureValue> merged;
  merged.reserve(values.size());
  for (std::size_t begin = 0; begin < entries.size();) {
    std::size_t end = begin + 1;
    while (end < entries.size() && place(entries[end]) == place(entries[begin])) ++end;
    if (end - begin > 1 && aggregate == Aggregate::kRefuse) {
      const Entry &a = entries[begin], &b = entries[begin + 1];
      core::raise(
          {file, core::Place::none(),
           fmt::format("samples '{}' and '{}' both give '{}' for patient '{}', visit {}",
                       core::printable(a.value->sample_id), core::printable(b.value->sample_id),
                       core::printable(a.value->feature, 200), core::printable(a.sample->patient_id), a.sample->visit),
           "Say how to join them: --aggregate mean, or first (in the order of samples.tsv)"});
    }
    io::FeatureValue result = std::move(*entries[begin].value);
    if (aggregate == Aggregate::kMean) {
      double sum = 0, count = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const auto value = i == begin ? result.value : entries[i].value->value;
        if (!value) continue;
        sum += *value;
        count += 1;
      }
      result.value = count > 0 ? std::optional(sum / count) : std::nullopt;
    }
    merged.push_back(std::move(result));
    begin = end;
  }
  return merged;
}

Assembly assemble_features(const AssembleOptions& options, core::RunContext& context) {
  const std::vector<io::Sample> samples = io::read_samples(options.samples, context);
  const auto index = index_of(samples);
  Assembly result;
  std::unordered_map<std::string, std::string> file_of_feature;  // (sample, feature) → file
  const auto files = find_feature_tables(options.features);
  for (const auto& file : files) {
    context.interrupt.check();
    std::vector<io::FeatureValue> values = io::read_features(file, context);
    refuse_unknown_samples(values, file, index, options.samples.filename().string());
    for (io::FeatureValue& value : values) {
      const auto [known, inserted] =
          file_of_feature.try_emplace(value.sample_id + '\t' + value.feature, file.filename().string());
      if (!inserted) {
        core::raise({file.string(), core::Place::none(),
                     fmt::format("'{}' of sample '{}' stands in {} already", core::printable(value.feature, 200),
                                 core::printable(value.sample_id), core::printable(known->second)),
                     "Give every table once"});
      }
      if (samples[index.at(value.sample_id)].control == "sample") result.values.push_back(std::move(value));
    }
  }
  result.files = files.size();
  result.values =
      merge_visits(std::move(result.values), samples, aggregate_policy(options.aggregate), options.samples.string());
  std::set<std::string_view> sample_ids, patients, features;
  for (const io::FeatureValue& value : result.values) {
    sample_ids.insert(value.sample_id);
    patients.insert(samples[index.at(value.sample_id)].patient_id);
    features.insert(value.feature);
  }
  result.samples = sample_ids.size();
  result.patients = patients.size();
  result.features = features.size();
  if (result.values.empty()) {
    core::raise({options.samples.string(), core::Place::none(), "the feature tables hold no value of these samples",
                 "Check the inputs of --features"});
  }
  result.table = samples;
  return result;
}

}  // namespace immucan::biomarker
