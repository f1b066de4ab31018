#pragma once
#include "cli/program.h"

namespace immucan::cytof_normalize {

[[nodiscard]] cli::Command convert_command();
[[nodiscard]] cli::Command concat_command();

}  // namespace immucan::cytof_normalize
