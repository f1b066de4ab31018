#pragma once
#include "cli/program.h"

namespace immucan::tools {

/// `peptide-match search`: spectra against protein sequences.
[[nodiscard]] cli::Command search_command();

}  // namespace immucan::tools
