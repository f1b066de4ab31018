#pragma once
#include "cli/program.h"

namespace immucan::tools {
[[nodiscard]] cli::Command paired_command();
}
