#include "clean.h"

#include "core/output.h"
#include "cytof/clean_events.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {

cli::Command clean_command() {
  struct Options {
    cytof::CleanOptions science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {.name = "clean",
          .summary = "Leave out odd ion clouds, debris, doublets, dead cells and events beside gaps in Time.",
          .example = "cytof-normalize clean -o cleaned run1.normalized.fcs",
          .declare =
              [options](cli::OptionSet& set) {
                cytof::CleanOptions& o = options->science;
                set.group("Input");
                set.inputs("FILE", o.files, "FCS files");
                add_offsets_option(set, o.offsets);
                set.group("Output");
                set.output_folder(options->output);
                set.group("Algorithm");
                set.option("--deviations", o.deviations,
                           "Center, Offset, Width, Residual, Event_length: scaled MADs about the median; 0 = no gate");
                set.option("--dna-deviations", o.dna_deviations, "the same for DNA; 0 = no gate");
                set.option("--dead-deviations", o.dead_deviations,
                           "scaled MADs above the median of the viability channel; 0 = no gate");
                set.option("--viability", o.viability,
                           "viability channel (default: the first of Pt194, Pt195, Pt198, Rh103)");
                set.option("--gap", o.gap_seconds, "seconds without events that are a gap; 0 = no gate");
                set.option("--margin", o.margin_seconds, "seconds left out on either side of a gap");
              },
          .run =
              [options](core::RunContext& context) {
                core::OutputSet outputs = core::OutputSet::folder(context, options->output);
                cytof::clean_files(options->science, outputs, context);
                outputs.commit();
                return core::Status::kOk;
              }};
}

}  // namespace immucan::cytof_normalize
