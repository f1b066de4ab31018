#include "normalize.h"

#include <numeric>

#include "core/output.h"
#include "cytof/normalise_files.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

core::Status run_normalize(const cytof::NormaliseOptions& options, const std::filesystem::path& folder,
                           core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  const cytof::NormalisationModel model = cytof::normalise_files(options, outputs, context);
  std::int64_t events = 0, beads = 0, removed = 0;
  for (const auto& run : model.runs) {
    events += static_cast<std::int64_t>(run.events);
    beads += static_cast<std::int64_t>(run.beads);
    removed += static_cast<std::int64_t>(run.removed);
  }
  outputs.count("events", events);
  outputs.count("beads", beads);
  outputs.count("removed", removed);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command normalize_command() {
  struct Options {
    cytof::NormaliseOptions science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "normalize",
      .summary = "Correct signal drift within and between files by calibration beads and remove the beads.",
      .example = "cytof-normalize normalize --beads dvs -o normalized run1.fcs run2.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::NormaliseOptions& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "FCS files; the baseline is taken over all of them");
            set.option("--bead-events", o.bead_events,
                       "raw beads gated elsewhere, one FCS file per input in the same order; more files than inputs "
                       "are paired by name and the others enter the baseline");
            set.option("--gates", o.gates, "rectangular bead gates in premessa's JSON");
            set.option("--reference", o.reference,
                       "raw beads whose baseline the files are scaled to, instead of that of their own beads");
            set.option("--model", o.model, "model.json of an earlier run: its method, masses, window and baseline");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.flag("--keep-beads", o.keep_beads, "keep beads and their doublets in the normalised file");
            set.group("Algorithm");
            set.choice("--method", o.method, {"finck", "premessa", "catalyst"}, "variant of the algorithm");
            set.option("--beads", o.beads, "bead masses: auto, dvs, beta, or a list such as 140,151,153,165,175");
            set.option("--window", o.window, "beads smoothed together (default 201; catalyst 501)");
            set.choice("--gate", o.gate, {"auto", "cloud", "catalyst"},
                       "automatic bead gate; auto is catalyst with --method catalyst, else cloud");
            set.option("--remove-distance", o.remove_distance,
                       "events at most this far from the beads are removed with them; 0 = the beads alone (default 7; "
                       "with the catalyst gate its own rule)");
          },
      .run =
          [options](core::RunContext& context) { return run_normalize(options->science, options->output, context); }};
}

}  // namespace immucan::cytof_normalize
