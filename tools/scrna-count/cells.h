#pragma once
#include "cli/program.h"

namespace immucan::scrna_count {

[[nodiscard]] cli::Command cells_command();

}  // namespace immucan::scrna_count
