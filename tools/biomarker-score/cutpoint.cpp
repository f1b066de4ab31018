#include "cutpoint.h"

#include <memory>

#include "analysis_options.h"
#include "biomarker/cutpoint.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::CutpointOptions& options) {
  declare_cohort_input(set, options);
  declare_visit(set, options);
  set.option("--feature", options.names, "Features to cut (default: all)");
  declare_response(set, options);
  declare_survival(set, options);
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
