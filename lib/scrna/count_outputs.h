#pragma once
#include "core/output.h"
#include "core/run_context.h"
#include "scrna/count_figures.h"

namespace immucan::scrna {

/// Everything `scrna-count count` writes (docs/scrna-count.md lists it); the caller commits. Molecules that were kept
/// one by one are given up once they are written.
void write_count_outputs(core::OutputSet& outputs, const Counted& counted, const core::RunContext& context);

}  // namespace immucan::scrna
