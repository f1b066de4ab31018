#include "report.h"

#include <memory>

#include "biomarker/report_page.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::ReportOptions& options) {
  set.group("Input");
  set.option("--features", options.features, "features of the cohort, as assemble writes them", true);
  set.option("--clinical", options.clinical, "clinical.tsv, one row per patient", true);
  set.option("--samples", options.samples, "samples.tsv", true);
  set.option("--response-associations", options.response_associations, "table of associate --response");
  set.option("--survival-associations", options.survival_associations, "table of associate --time --event");
  set.option("--interactions", options.interactions, "table of associate --time --event --treatment");
  set.option("--qc", options.qc, "folder searched for *_mqc.json");
  set.group("Content");
  set.option("--title", options.title, "heading of the page");
  set.option("--visit", options.visit, "the visit whose features are shown");
  set.choice("--aggregate", options.aggregate, {"refuse", "mean", "first"},
             "two samples with one feature of a patient and visit");
  set.option("--response", options.response, "column of clinical.tsv: R or NR");
  set.option("--time", options.time, "column of clinical.tsv: follow-up");
  set.option("--event", options.event, "column of clinical.tsv: 1 event, 0 end of follow-up");
  set.option("--arm", options.arm, "column of clinical.tsv with the arms");
  set.option("--fdr", options.fdr, "false discovery rate below which a feature counts as found");
  set.option("--top", options.top, "features in the ranked figures and the heatmap");
  set.group("Output");
  set.output_file(options.output, "one HTML file that needs nothing else");
}

core::Status run(const biomarker::ReportOptions& options, core::RunContext& context) {
  if (!(options.fdr > 0 && options.fdr < 1))
    core::raise_usage("--fdr must lie between 0 and 1. Give for example 0.05.");
  if (options.top < 1 || options.top > 100) core::raise_usage("--top must lie between 1 and 100. Give for example 15.");
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const biomarker::ReportData data = biomarker::read_report_data(options, context);
  outputs.file().write(biomarker::report_page(data, options, context));
  outputs.count("patients", static_cast<std::int64_t>(data.cohort.patients.size()));
  outputs.count("features", static_cast<std::int64_t>(data.cohort.features.size()));
  outputs.count("quality_fragments", static_cast<std::int64_t>(data.qc.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command report_command() {
  auto options = std::make_shared<biomarker::ReportOptions>();
  return {.name = "report",
          .summary = "Write one HTML page about a cohort and its biomarkers.",
          .example =
              "biomarker-score report --features features.tsv --clinical clinical.tsv --samples samples.tsv "
              "--response-associations associations.tsv --qc samples -o report.html",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
