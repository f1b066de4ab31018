#pragma once
#include "cli/program.h"

namespace immucan::cohort_registry {

[[nodiscard]] cli::Command link_command();

}  // namespace immucan::cohort_registry
