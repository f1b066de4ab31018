#include "curves.h"

#include <memory>

#include "analysis_options.h"
#include "biomarker/survival_curves.h"
#include "core/output.h"
#include "io/tsv.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::SurvivalCurvesOptions& options) {
  declare_survival_table(set, options);
  set.option("--by", options.group, "Column: groups that are compared");
  set.group("Algorithm");
  set.choice("--interval", options.interval, {"log", "log-log", "plain"}, "Scale of the 95 % interval");
  set.option("--tau", options.tau, "End of the restricted mean (default: the earliest end of follow-up of a group)");
  set.option("--permutations", options.permutations, "Permutations for p");
  set.group("Output");
  set.output_folder(options.output);
}

core::Status run(const biomarker::SurvivalCurvesOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  const biomarker::SurvivalCurves curves =
      biomarker::survival_curves(io::read_table(options.table, context), options, context.seed);
  outputs.add("curves.tsv").write(biomarker::format_survival_curves(curves));
  outputs.add("summary.tsv").write(biomarker::format_survival_summary(curves));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command curves_command() {
  auto options = std::make_shared<biomarker::SurvivalCurvesOptions>();
  return {.name = "curves",
          .summary = "Kaplan-Meier curves, restricted means and log-rank test of the groups of a table.",
          .example = "biomarker-score curves --time os_days --event os_event --by arm -o curves clinical.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
