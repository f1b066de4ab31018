#pragma once
#include "cli/program.h"

namespace immucan::scrna_count {

[[nodiscard]] cli::Command count_command();

}  // namespace immucan::scrna_count
