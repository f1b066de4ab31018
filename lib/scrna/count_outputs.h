#pragma once
#include "core/output.h"
#include "core/run_context.h"
#include "scrna/chemistry_detection.h"
#include "scrna/count.h"

namespace immucan::scrna {

/// Everything `scrna-count count` writes (docs/scrna-count.md lists it); the caller commits.
void write_count_outputs(core::OutputSet& outputs, const CountOptions& options, const ChosenChemistry& chosen,
                         const ReferenceIndex& index, const CountResult& result, const core::RunContext& context);

}  // namespace immucan::scrna
