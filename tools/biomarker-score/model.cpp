#include "model.h"

#include <memory>

#include "analysis_options.h"
#include "biomarker/survival_model.h"
#include "core/output.h"
#include "io/tsv.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::SurvivalModelOptions& options) {
  declare_survival_table(set, options);
  set.option("--start", options.start, "Column: start of the interval");
  set.group("Algorithm");
  set.option("--terms", options.terms, "Columns, or A:B for their product; text becomes indicators", true);
  set.option("--factor", options.factors, "Columns of numbers that are names of groups");
  set.option("--strata", options.strata, "Columns with a baseline hazard each");
  set.option("--cluster", options.cluster, "Column: rows of one cluster depend on each other; robust errors");
  declare_ties(set, options.ties);
  set.option("--permutations", options.permutations, "Permutations for p");
  set.group("Output");
  set.output_file(options.output, "Coefficients, tests, likelihood");
}

core::Status run(const biomarker::SurvivalModelOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  outputs.file().write(biomarker::format_survival_model(
      biomarker::fit_survival_model(io::read_table(options.table, context), options, context.seed)));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command model_command() {
  auto options = std::make_shared<biomarker::SurvivalModelOptions>();
  return {.name = "model",
          .summary = "Fit one Cox model to the columns of a table.",
          .example =
              "biomarker-score model --time os_days --event os_event --terms arm age arm:age -o cox.tsv clinical.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
