#pragma once
// Bead normalisation of whole files in a stream: the beads are gated and collected (first passes), then each file is
// scaled and written. Memory: one block of events and one bit per event; the beads lie in temporary files.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "cytof/normalisation_model.h"
#include "io/fcs.h"

namespace immucan::cytof {

struct NormaliseOptions {
  std::vector<std::filesystem::path> files;
  std::string method = "finck";                    ///< finck, premessa, catalyst
  std::string beads = "auto";                      ///< auto, dvs, beta, or masses
  std::vector<std::filesystem::path> bead_events;  ///< raw beads gated elsewhere
  std::optional<std::filesystem::path> gates;      ///< rectangular gates, premessa's JSON
  std::string gate = "auto";                       ///< auto (catalyst for that method, else cloud), cloud, catalyst
  std::optional<std::filesystem::path> model;      ///< baseline of an earlier run
  std::vector<std::filesystem::path> reference;    ///< raw beads that the baseline is taken from
  std::optional<std::int64_t> window;              ///< beads smoothed together
  /// Events this near to the beads are removed with them: 7, but none where CATALYST's gate has its own rule.
  std::optional<double> remove_distance;
  bool keep_beads = false;
  std::string offsets = "auto";
};

/// Writes STEM.normalized.fcs, STEM.beads.fcs (raw), STEM.slopes.tsv, STEM.drift.svg, STEM.cytof_normalize_mqc.json and
/// model.json.
NormalisationModel normalise_files(const NormaliseOptions& options, core::OutputSet& outputs,
                                   core::RunContext& context);

/// File name without folder, ".gz" or ".zst", and ".fcs".
[[nodiscard]] std::string fcs_stem(const std::filesystem::path& path);

/// For each input the bead file that belongs to it: in order when there are as many, else the one whose name shares the
/// longest prefix. Usage error when there are fewer, or no single longest.
[[nodiscard]] std::vector<std::size_t> pair_bead_files(const std::vector<std::filesystem::path>& files,
                                                       const std::vector<std::filesystem::path>& bead_files);

}  // namespace immucan::cytof
