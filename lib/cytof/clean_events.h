#pragma once
// Leaves out what is no intact single cell: odd ion clouds, debris and doublets by DNA, dead cells, and events beside
// gaps in Time.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"

namespace immucan::cytof {

struct CleanOptions {
  std::vector<std::filesystem::path> files;
  double deviations = 4;  ///< scaled median absolute deviations about the median that are kept; 0 = gate not used
  double dna_deviations = 4;
  double dead_deviations = 4;
  std::string viability;    ///< channel or marker; empty: the first of Pt194, Pt195, Pt198, Rh103 that is there
  double gap_seconds = 10;  ///< a pause of more than this in Time is a gap; 0 = gate not used
  double margin_seconds = 1;
  std::string offsets = "auto";
};

/// Writes STEM.cleaned.fcs, STEM.clean.tsv (gate, channel, lower, upper, outside, left_out) and
/// STEM.cytof_clean_mqc.json per file. Three readings, one block and a sample of 131,072 events in memory.
void clean_files(const CleanOptions& options, core::OutputSet& outputs, core::RunContext& context);

}  // namespace immucan::cytof
