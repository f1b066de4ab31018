#pragma once
// Mass cytometry of blood: FCS with EQ beads, drift of sensitivity over time and between batches, debris, doublets.
#include "simulate/plan.h"

namespace immucan::simulate {

/// reference/gates.tsv: about twenty populations as a tree of gates on the arcsinh(x/5) scale.
[[nodiscard]] SimulatedFile simulate_gates();
[[nodiscard]] SimulatedFile simulate_cytof(const Cohort& cohort, const SamplePlan& sample);

}  // namespace immucan::simulate
