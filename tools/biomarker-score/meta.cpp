#include "meta.h"

#include <memory>

#include "biomarker/cohort_meta.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::CohortMetaOptions& options) {
  set.group("Input");
  set.option("--cohorts", options.tables, "Outputs of associate, one per cohort: NAME=PATH, or PATH", true);
  set.group("Algorithm");
  set.option("--min-cohorts", options.min_cohorts, "Cohorts a feature needs to be pooled");
  set.group("Output");
  set.output_file(options.output, "A row per feature, by p");
}

core::Status run(const biomarker::CohortMetaOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const auto rows = biomarker::pool_cohorts(options, context);
  outputs.file().write(biomarker::format_pooled(rows));
  outputs.count("features", static_cast<std::int64_t>(rows.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command meta_command() {
  auto options = std::make_shared<biomarker::CohortMetaOptions>();
  return {.name = "meta",
          .summary = "Pool the association tables of several cohorts, with their heterogeneity.",
          .example = "biomarker-score meta --cohorts liu=liu.tsv riaz=riaz.tsv hugo=hugo.tsv -o pooled.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
