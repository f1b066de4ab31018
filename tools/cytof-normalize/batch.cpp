#include "batch.h"

#include "core/output.h"
#include "cytof/batch_files.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

core::Status run_train(const cytof::BatchTrainFiles& options, const std::filesystem::path& folder,
                       core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  const auto [model, plot] = cytof::train_batch_files(options, context);
  outputs.add("model.json").write(cytof::to_json(model));
  outputs.add("batches.svg").write(plot);
  outputs.count("batches", static_cast<std::int64_t>(model.batches.size()));
  outputs.count("channels", static_cast<std::int64_t>(model.channels.names.size()));
  outputs.commit();
  return core::Status::kOk;
}

core::Status run_apply(const cytof::BatchApplyFiles& options, const std::filesystem::path& folder,
                       core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  cytof::apply_batch_files(options, outputs, context);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command batch_train_command() {
  struct Options {
    cytof::BatchTrainFiles science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "batch train",
      .summary = "Learn the differences between batches from a control measured in each (CytoNorm).",
      .example = "cytof-normalize batch train --controls controls.tsv --channels CD3,CD4,CD8 -o model",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::BatchTrainFiles& o = options->science;
            set.group("Input");
            set.option("--controls", o.controls, "table with columns file (relative to the table) and batch", true);
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.group("Algorithm");
            set.option("--channels", o.channels,
                       "channels or markers separated by commas, or a file with one per line (default: all mass "
                       "channels with a marker, without DNA, barcodes and viability)");
            set.option("--clusters", o.science.clusters, "clusters that are moved apart; 1 = all cells together");
            set.option("--grid", o.science.grid, "nodes along each side of the map behind the clusters");
            set.option("--quantiles", o.science.quantiles, "quantiles that are learnt");
            set.option("--least-cells", o.science.least_cells,
                       "a batch with no more cells in a cluster leaves them as they are");
            set.option("--cofactor", o.science.cofactor, "of the arcsinh scale");
            set.option("--cells", o.cells, "cells used of all controls, an equal share of each file");
          },
      .run = [options](core::RunContext& context) { return run_train(options->science, options->output, context); }};
}

cli::Command batch_apply_command() {
  struct Options {
    cytof::BatchApplyFiles science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "batch apply",
      .summary = "Move the files of a batch to the common scale of a model from batch train.",
      .example = "cytof-normalize batch apply --model model/model.json --batch day2 -o normalized P01.fcs P02.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::BatchApplyFiles& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "FCS files of the batch", false);
            set.option("--model", o.model, "model.json of batch train", true);
            set.option("--batch", o.batch, "batch of the files");
            set.option("--batches", o.batches, "instead of FILE and --batch: table with columns file and batch");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.group("Algorithm");
            set.choice("--extrapolation", o.extrapolation, {"clamp", "quantiles", "linear"},
                       "beyond the outermost quantiles: shifted and held within the goal's range, held at its "
                       "outermost quantiles, or CytoNorm's line without bound");
          },
      .run = [options](core::RunContext& context) { return run_apply(options->science, options->output, context); }};
}

}  // namespace immucan::cytof_normalize
