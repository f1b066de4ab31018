#include "cutpoint.h"

#include <memory>

#include "biomarker/cutpoint.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::CutpointOptions& options) {
  set.group("Input");
  set.option("--features", options.cohort.features,
             "Long table (sample_id, feature, value), or wide: names in the first column, then samples", true);
  set.option("--clinical", options.clinical, "clinical.tsv, one row per patient", true);
  set.option("--samples", options.cohort.samples, "samples.tsv; without it sample_id must equal patient_id");
  set.option("--visit", options.cohort.visit, "The one visit that is analysed");
  set.choice("--aggregate", options.cohort.aggregate, {"refuse", "mean", "first"},
             "Two samples with one feature of a patient and visit");
  set.option("--feature", options.names, "Features to cut (default: all)");
  set.group("Outcome");
  set.option("--response", options.outcome.response, "Column of clinical.tsv: R or NR");
  set.option("--time", options.outcome.time, "Column of clinical.tsv: follow-up");
  set.option("--event", options.outcome.event, "Column of clinical.tsv: 1 event, 0 end of follow-up");
  set.group("Algorithm");
  set.option("--min-share", options.min_share, "Least share of patients below a cut");
  set.option("--max-share", options.max_share, "Largest share of patients below a cut");
  set.option("--permutations", options.permutations, "Permutations for p_permutation (0: none)");
  set.option("--bootstrap", options.bootstrap, "Bootstrap samples for the interval of the cut (0: none)");
  set.option("--min-samples", options.min_samples, "Values a feature needs");
  set.group("Output");
  set.output_file(options.output, "A row per feature, by corrected p");
}

core::Status run(const biomarker::CutpointOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const auto cutpoints = biomarker::find_cutpoints(options, context);
  outputs.file().write(biomarker::format_cutpoints(cutpoints));
  outputs.count("features", static_cast<std::int64_t>(cutpoints.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command cutpoint_command() {
  auto options = std::make_shared<biomarker::CutpointOptions>();
  return {.name = "cutpoint",
          .summary = "Find the best cut-point of features, with p-values corrected for the search.",
          .example =
              "biomarker-score cutpoint --features scores.tsv --clinical clinical.tsv --time os_days --event os_event "
              "-o cuts.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
