#pragma once
#include "cli/program.h"

namespace immucan::tools {

/// One HTML page about a cohort: who was measured, what goes with response and survival, how good the data are.
[[nodiscard]] cli::Command report_command();

}  // namespace immucan::tools
