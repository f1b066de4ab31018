#pragma once
// Joins the files of one acquisition that was stopped and continued.
#include <filesystem>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"

namespace immucan::cytof {

struct ConcatenateOptions {
  std::vector<std::filesystem::path> files;
  std::string order = "acquired";  ///< by $DATE and $BTIM, or "given"
  std::string offsets = "auto";
};

/// Events of all files in order of acquisition; the Time of each file is shifted by the last Time written before it.
/// Panels must hold the same channels in the same order and agree in their markers. One block in memory; two readings.
/// Returns the number of events.
std::uint64_t concatenate_files(const ConcatenateOptions& options, core::OutputFile& out, core::RunContext& context);

}  // namespace immucan::cytof
