#pragma once
#include "cli/program.h"

namespace immucan::microbiome_profile {

[[nodiscard]] cli::Command merge_command();

}  // namespace immucan::microbiome_profile
