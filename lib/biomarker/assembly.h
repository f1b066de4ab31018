#pragma once
// One long feature table of a whole cohort, checked against samples.tsv.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/run_context.h"
#include "io/features_table.h"
#include "io/samples_table.h"

namespace immucan::biomarker {

/// Two samples that give the same feature for one patient and visit.
enum class Aggregate { kRefuse, kMean, kFirst };
[[nodiscard]] Aggregate aggregate_policy(std::string_view name);

struct AssembleOptions {
  std::filesystem::path samples, output;
  std::vector<std::filesystem::path> features;    ///< files, or folders searched for *.features.tsv
  std::string aggregate = "refuse";               ///< refuse | mean | first
  std::optional<std::filesystem::path> h5mu;      ///< the same values as MuData
  std::optional<std::filesystem::path> clinical;  ///< its columns go into the MuData
};

struct Assembly {
  std::vector<io::FeatureValue> values;
  std::vector<io::Sample> table;  ///< all of samples.tsv
  std::size_t files = 0, samples = 0, patients = 0, features = 0;
};

/// 65: a sample that samples.tsv does not know (which, how many), a feature given twice for a sample, or for a
/// (patient, visit) without --aggregate. 66: a folder without feature tables. With `mean` and `first` the value stands
/// under the sample that comes first in samples.tsv. Samples that are controls are left out.
[[nodiscard]] Assembly assemble_features(const AssembleOptions& options, core::RunContext& context);

/// All *.features.tsv of the given files and folders, sorted by path within each folder.
[[nodiscard]] std::vector<std::filesystem::path> find_feature_tables(const std::vector<std::filesystem::path>& paths);

/// Merges values of samples that share patient and visit. `sample_index` maps a sample_id to its row in `samples`.
[[nodiscard]] std::vector<io::FeatureValue> merge_visits(std::vector<io::FeatureValue> values,
                                                         const std::vector<io::Sample>& samples, Aggregate aggregate,
                                                         const std::string& file);

/// "a, b, c and 4 more", for messages.
[[nodiscard]] std::string some_of(const std::vector<std::string>& names);

}  // namespace immucan::biomarker
