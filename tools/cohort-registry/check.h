#pragma once
#include "cli/program.h"

namespace immucan::cohort_registry {

[[nodiscard]] cli::Command check_command();

}  // namespace immucan::cohort_registry
