#pragma once
#include "cli/program.h"

namespace immucan::cytof_normalize {

[[nodiscard]] cli::Command clean_command();

}  // namespace immucan::cytof_normalize
