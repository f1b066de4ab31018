#pragma once
// phenotype train and apply: the cohort's map from FCS files, and one sample on it.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "cytof/cell_map.h"

namespace immucan::cytof {

struct MapTrainFiles {
  std::vector<std::filesystem::path> files;      ///< a sample each
  std::optional<std::filesystem::path> samples;  ///< table: file, sample, instead of files
  std::string markers;                           ///< see choose_channels
  std::int64_t cells = 25'000;                   ///< at most, of each sample
  std::string offsets = "auto";
  CellMapOptions science;
};

/// Memory: 4 bytes per cell taken and marker, twice.
[[nodiscard]] CellMap train_map_files(const MapTrainFiles& options, core::RunContext& context);
/// model.json, tree.svg, heatmap.svg.
void write_map(const CellMap& map, core::OutputSet& outputs);

struct MapApplyFiles {
  std::vector<std::filesystem::path> files;  ///< of one sample
  std::filesystem::path model;
  std::optional<std::filesystem::path> names;  ///< table: cluster, name; clusters of one name are one population
  std::string sample;                          ///< empty: from the first file's name
  std::string specimen = "blood";
  bool cells = true;  ///< write SAMPLE.cells.h5ad
  std::string offsets = "auto";
};

/// SAMPLE.features.tsv, SAMPLE.populations.tsv, SAMPLE.cells.h5ad, SAMPLE.tree.svg, SAMPLE.heatmap.svg and the
/// fragment. Holds the sample's cells: 4 bytes per cell and mass channel, four times that while the .h5ad is written.
void apply_map_files(const MapApplyFiles& options, core::OutputSet& outputs, core::RunContext& context);

}  // namespace immucan::cytof
