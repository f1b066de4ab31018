#pragma once
// Batch normalisation of whole files: the controls are read once, each file is moved in a stream.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "cytof/batch_model.h"

namespace immucan::cytof {

struct BatchTrainFiles {
  std::filesystem::path controls;  ///< table: file, batch
  std::string channels;            ///< see choose_channels
  std::int64_t cells = 1'000'000;  ///< of all controls together, an equal share of each file
  std::string offsets = "auto";
  BatchTrainOptions science;
};

struct BatchTraining {
  BatchModel model;
  std::string plot;  ///< the controls before and after
};

/// Reads the controls; memory: 4 bytes per cell taken and channel, twice while the map is trained.
[[nodiscard]] BatchTraining train_batch_files(const BatchTrainFiles& options, core::RunContext& context);

struct BatchApplyFiles {
  std::vector<std::filesystem::path> files;
  std::filesystem::path model;
  std::string batch;
  std::optional<std::filesystem::path> batches;  ///< table: file, batch, instead of files and batch
  std::string extrapolation = "clamp";
  std::string offsets = "auto";
};

/// Writes STEM.batch_normalized.fcs, STEM.batch.svg and STEM.cytof_batch_mqc.json per file. Two readings per file, one
/// block in memory per thread.
void apply_batch_files(const BatchApplyFiles& options, core::OutputSet& outputs, core::RunContext& context);

}  // namespace immucan::cytof
