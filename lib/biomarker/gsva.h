#pragma once
// GSVA (Hänzelmann, Castelo and Guinney 2013): kernel estimate of each gene over the samples, then a rank walk per
// sample.
#include <map>
#include <string>
#include <vector>

#include "biomarker/sample_scores.h"

namespace immucan::biomarker {

enum class GsvaKernel { kGaussian, kPoisson, kNone };

struct GsvaOptions {
  GsvaKernel kernel = GsvaKernel::kGaussian;
  bool max_difference = true;         ///< sum of the two largest deviations; else the larger one
  TieOrder ties = TieOrder::kShared;  ///< others than shared also use the truncated table of the normal CDF
};

/// Values of each gene in a frozen cohort.
using GeneValues = std::map<std::string, std::vector<double>>;

/// Needs two samples, or the values of a cohort that each sample is compared with instead: its scores then depend on
/// nothing else, and a member of that cohort has the bits of its cohort's run. Genes of no variation are dropped.
/// Replaces the values of `matrix` by those of the kernel.
[[nodiscard]] ScoreTable gsva_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                     const GsvaOptions& options, unsigned threads,
                                     const core::InterruptSource* interrupt, const GeneValues* reference = nullptr);

}  // namespace immucan::biomarker
