#include "assemble.h"

#include <memory>

#include "biomarker/assembly.h"
#include "biomarker/cohort_container.h"
#include "core/error.h"
#include "core/output.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::AssembleOptions& options) {
  set.group("Input");
  set.option("--samples", options.samples, "samples.tsv of the cohort", true);
  set.option("--features", options.features, "Feature tables, or folders searched for *.features.tsv", true);
  set.option("--clinical", options.clinical, "clinical.tsv: its columns describe the observations of --h5mu");
  set.group("Output");
  set.output_file(options.output, "One table: sample_id, feature, value");
  set.option("--h5mu", options.h5mu, "The same values as MuData: a modality each, patients' visits as observations");
  set.group("Algorithm");
  set.choice("--aggregate", options.aggregate, {"refuse", "mean", "first"},
             "Two samples with one feature of a patient and visit");
}

core::Status run(const biomarker::AssembleOptions& options, core::RunContext& context) {
  if (options.clinical && !options.h5mu) core::raise_usage("--clinical goes with --h5mu only. Give both or neither.");
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  biomarker::Assembly assembly = biomarker::assemble_features(options, context);
  if (options.h5mu) {
    std::optional<io::Table> clinical;
    if (options.clinical) clinical = io::read_clinical(*options.clinical, context);
    io::write_mudata(outputs.add_external(*options.h5mu), biomarker::cohort_container(assembly, clinical),
                     context.threads);
  }
  io::write_features(outputs.file(), std::move(assembly.values));
  outputs.count("files", static_cast<std::int64_t>(assembly.files));
  outputs.count("samples", static_cast<std::int64_t>(assembly.samples));
  outputs.count("patients", static_cast<std::int64_t>(assembly.patients));
  outputs.count("features", static_cast<std::int64_t>(assembly.features));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command assemble_command() {
  auto options = std::make_shared<biomarker::AssembleOptions>();
  return {.name = "assemble",
          .summary = "Join the feature tables of all samples into one.",
          .example = "biomarker-score assemble --samples samples.tsv --features results/ -o features.tsv",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
