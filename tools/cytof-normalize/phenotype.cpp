#include "phenotype.h"

#include "core/output.h"
#include "cytof/phenotyping.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

core::Status run_phenotype(const cytof::PhenotypeOptions& options, const std::filesystem::path& folder,
                           core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  const cytof::PhenotypeResult result = cytof::phenotype_files(options, context);
  cytof::write_phenotype(result, options, outputs);
  outputs.count("events", static_cast<std::int64_t>(result.events));
  outputs.count("cells", static_cast<std::int64_t>(result.cells));
  outputs.count("populations", static_cast<std::int64_t>(result.populations.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command phenotype_command() {
  struct Options {
    cytof::PhenotypeOptions science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "phenotype",
      .summary = "Count the populations of one sample by a table of gates: fractions and marker medians.",
      .example = "cytof-normalize phenotype --gates gates.tsv --sample P01 --specimen blood -o P01 P01.normalized.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::PhenotypeOptions& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "normalised FCS files of one sample");
            set.option("--gates", o.gates, "gate table: population, parent, marker, min, max on the arcsinh(x/5) scale",
                       true);
            set.option("--sample", o.sample, "sample id (default: the first file's name)");
            set.choice("--specimen", o.specimen, {"tissue", "blood", "stool", "saliva"}, "where the sample is from");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.group("Algorithm");
            set.option("--beads", o.beads,
                       "leave out beads that are still in the file: none, auto, dvs, beta, or a list of masses");
            set.option("--least-dna", o.least_dna, "leave out events with less DNA (arcsinh(x/5) of Ir191)");
          },
      .run =
          [options](core::RunContext& context) { return run_phenotype(options->science, options->output, context); }};
}

}  // namespace immucan::cytof_normalize
