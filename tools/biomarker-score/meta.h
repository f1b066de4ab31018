#pragma once
#include "cli/program.h"

namespace immucan::tools {
[[nodiscard]] cli::Command meta_command();
}  // namespace immucan::tools
