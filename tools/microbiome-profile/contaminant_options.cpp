#include "contaminant_options.h"

#include <fmt/format.h>

#include "core/error.h"

namespace immucan::microbiome_profile {

void declare_controls(ControlOptions& options, cli::OptionSet& set) {
  set.option("--controls", options.table,
             "Table with columns sample_id, control (sample, blank, reference) and, where known, batch and "
             "concentration of DNA: finds contaminants");
  set.choice("--contaminant-tests", options.tests, {"auto", "frequency", "prevalence", "combined"},
             "Share against DNA concentration, samples against blanks, or both; auto: what the table allows");
  set.option("--contaminant-fdr", options.fdr, "False discovery rate below which a taxon is a contaminant");
}

microbiome::ContaminantOptions contaminant_options(const ControlOptions& options) {
  if (!(options.fdr > 0 && options.fdr <= 1))
    core::raise_usage(fmt::format("--contaminant-fdr {} is not within 0 to 1", options.fdr));
  using microbiome::ContaminantTests;
  ContaminantTests tests = ContaminantTests::kAuto;
  if (options.tests == "frequency") tests = ContaminantTests::kFrequency;
  if (options.tests == "prevalence") tests = ContaminantTests::kPrevalence;
  if (options.tests == "combined") tests = ContaminantTests::kCombined;
  return {tests, options.fdr};
}

}  // namespace immucan::microbiome_profile
