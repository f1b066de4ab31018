#pragma once
#include "cli/program.h"

namespace immucan::cytof_normalize {

[[nodiscard]] cli::Command spillover_command();

}  // namespace immucan::cytof_normalize
