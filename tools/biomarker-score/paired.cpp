#include "paired.h"

#include <memory>

#include "biomarker/paired.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::PairedOptions& options) {
  set.group("Input");
  set.option("--features", options.cohort.features,
             "Long table (sample_id, feature, value), or wide: names in the first column, then samples", true);
  set.option("--clinical", options.clinical, "clinical.tsv, one row per patient", true);
  set.option("--samples", options.cohort.samples, "samples.tsv, which gives the visit of each sample");
  set.option("--before", options.before, "First visit");
  set.option("--after", options.after, "Second visit");
  set.choice("--aggregate", options.cohort.aggregate, {"refuse", "mean", "first"},
             "Two samples with one feature of a patient and visit");
  set.option("--response", options.response, "Column of clinical.tsv: R or NR; compares the changes");
  set.group("Algorithm");
  set.option("--min-pairs", options.min_pairs, "Pairs a feature needs to be tested");
  set.group("Output");
  set.output_file(options.output, "A row per feature, by p");
}

core::Status run(const biomarker::PairedOptions& options, core::RunContext& context) {
  if (!options.cohort.samples) core::raise_usage("--samples is needed: it says which visit a sample is of");
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const auto changes = biomarker::test_paired(options, context);
  outputs.file().write(biomarker::format_paired(changes, options.response.has_value()));
  outputs.count("features", static_cast<std::int64_t>(changes.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command paired_command() {
  auto options = std::make_shared<biomarker::PairedOptions>();
  return {.name = "paired",
          .summary = "Test the change of every feature between two visits of the same patients.",
          .example =
              "biomarker-score paired --features features.tsv --samples samples.tsv --clinical clinical.tsv "
              "--response response -o paired.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
