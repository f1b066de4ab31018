#include "paired.h"

#include <memory>

#include "analysis_options.h"
#include "biomarker/paired.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::PairedOptions& options) {
  declare_cohort_input(set, options);
  set.option("--before", options.before, "First visit");
  set.option("--after", options.after, "Second visit");
  declare_response(set, options);
  set.group("Algorithm");
  set.option("--min-pairs", options.min_pairs, "Pairs a feature needs to be tested");
  set.group("Output");
  set.output_file(options.output, "A row per feature, by p");
}

core::Status run(const biomarker::PairedOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const auto changes = biomarker::test_paired(options, context);
  outputs.file().write(biomarker::format_paired(changes, options.outcome.response.has_value()));
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
