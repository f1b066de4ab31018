#pragma once
#include "cli/program.h"

namespace immucan::tools {
[[nodiscard]] cli::Command model_command();
}
