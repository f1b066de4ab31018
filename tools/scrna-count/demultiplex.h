#pragma once
#include "cli/program.h"

namespace immucan::scrna_count {

[[nodiscard]] cli::Command demultiplex_command();

}  // namespace immucan::scrna_count
