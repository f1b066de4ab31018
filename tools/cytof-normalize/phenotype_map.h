#pragma once
#include "cli/program.h"

namespace immucan::cytof_normalize {

[[nodiscard]] cli::Command phenotype_train_command();
[[nodiscard]] cli::Command phenotype_apply_command();

}  // namespace immucan::cytof_normalize
