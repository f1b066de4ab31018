#include "associate.h"

#include <memory>

#include "analysis_options.h"
#include "biomarker/association.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::AssociateOptions& options) {
  declare_cohort_input(set, options);
  declare_visit(set, options);
  declare_response(set, options);
  declare_survival(set, options);
  set.option("--start", options.outcome.start,
             "Survival: column with the time at which a patient comes under observation");
  set.flag("--time-varying", options.cohort.time_varying,
           "Survival: all visits, each value from its day in samples.tsv until the next one");
  set.option("--days-per-unit", options.outcome.days_per_unit, "Days in one unit of --time, for --time-varying");
  set.group("Algorithm");
  set.option("--covariates", options.outcome.covariates, "Columns of clinical.tsv to adjust for");
  set.option("--treatment", options.outcome.treatment, "Column with two arms: tests marker × arm");
  set.option("--batch", options.outcome.batch, "Column of clinical.tsv with batches, instead of those of samples.tsv");
  set.option("--strata", options.outcome.strata, "Columns of clinical.tsv; patients are compared within strata");
  set.flag("--pan-tumour,!--no-pan-tumour", options.pan_tumour,
           "Stratify by tumour_type where two types have 20 patients each");
  set.option("--cluster", options.outcome.cluster,
             "Column of clinical.tsv whose rows depend on each other: robust errors. patient: every sample is a row");
  declare_ties(set, options.outcome.ties);
  set.flag("--ph-test", options.proportional_hazards, "Survival: test of proportional hazards");
  set.flag("--moderated", options.moderated, "Response: moderated t of limma");
  set.flag("--trend", options.trend, "Moderated t with a prior variance that follows the mean");
  set.flag("--robust", options.robust, "Moderated t with a prior that outlying variances do not steer");
  set.option("--compare", options.compare, "Response: feature whose AUC is compared with all others (paired DeLong)");
  set.option("--min-samples", options.min_samples, "Values a feature needs to be tested");
  set.group("Output");
  set.output_file(options.output, "A row per feature, by p");
}

core::Status run(const biomarker::AssociateOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const biomarker::AssociationTable table = biomarker::associate(options, context);
  outputs.file().write(biomarker::format_associations(table));
  outputs.count("patients", static_cast<std::int64_t>(table.patients));
  outputs.count("features", static_cast<std::int64_t>(table.rows.size()));
  outputs.count("tests", static_cast<std::int64_t>(table.tested));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command associate_command() {
  auto options = std::make_shared<biomarker::AssociateOptions>();
  return {.name = "associate",
          .summary = "Test every feature against response or survival.",
          .example =
              "biomarker-score associate --features features.tsv --samples samples.tsv --clinical clinical.tsv "
              "--response response --treatment arm -o associations.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
