#pragma once
// model.json: what a run of `normalize` learnt, so that a later file is scaled to the same baseline without the others.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/bead_normalisation.h"
#include "io/byte_source.h"

namespace immucan::cytof {

struct NormalisationModel {
  BeadMethod method = BeadMethod::kFinck;
  std::size_t window = 201;
  std::vector<int> masses;
  std::vector<double> baseline;  ///< one per mass
  struct Run {
    std::string file;  ///< file name only
    std::uint64_t events = 0, beads = 0, removed = 0;
    std::string gate;  ///< "automatic" or the name of the bead file
    double slope_minimum = 0, slope_maximum = 0;
    std::vector<double> median_before, median_after;  ///< of the beads, per mass
    std::vector<std::string> warnings;
  };
  std::vector<Run> runs;  ///< not read back
};

[[nodiscard]] std::string to_json(const NormalisationModel& model);
/// 65 on anything else than a model of this tool and schema.
[[nodiscard]] NormalisationModel read_normalisation_model(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] NormalisationModel read_normalisation_model(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::cytof
