#pragma once
// The whole cohort as files.
#include <filesystem>

#include "core/run_context.h"
#include "simulate/plan.h"

namespace immucan::simulate {

/// Writes tables, references and raw data below `directory`; run.json is the commit mark.
void write_cohort(const Options& options, const std::filesystem::path& directory, core::RunContext& context);

}  // namespace immucan::simulate
