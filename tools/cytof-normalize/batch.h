#pragma once
#include "cli/program.h"

namespace immucan::cytof_normalize {

[[nodiscard]] cli::Command batch_train_command();
[[nodiscard]] cli::Command batch_apply_command();

}  // namespace immucan::cytof_normalize
