#include "phenotype_map.h"

#include "core/output.h"
#include "cytof/cell_map_files.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

core::Status run_train(const cytof::MapTrainFiles& options, const std::filesystem::path& folder,
                       core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  const cytof::CellMap map = cytof::train_map_files(options, context);
  cytof::write_map(map, outputs);
  outputs.count("samples", static_cast<std::int64_t>(map.samples.size()));
  outputs.count("mean_distance", map.mean_distance);
  outputs.count("agreement", map.agreement);
  outputs.commit();
  return core::Status::kOk;
}

core::Status run_apply(const cytof::MapApplyFiles& options, const std::filesystem::path& folder,
                       core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::folder(context, folder);
  cytof::apply_map_files(options, outputs, context);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command phenotype_train_command() {
  struct Options {
    cytof::MapTrainFiles science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "phenotype train",
      .summary = "Learn one map of cells and its clusters for a whole cohort (FlowSOM).",
      .example = "cytof-normalize phenotype train --markers CD3,CD4,CD8,CD20 --clusters 12 -o map P01.fcs P02.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::MapTrainFiles& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "normalised FCS files, a sample each", false);
            set.option("--samples", o.samples, "instead of FILE: table with columns file and sample");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.group("Algorithm");
            set.option("--markers", o.markers,
                       "channels or markers separated by commas, or a file with one per line (default: all mass "
                       "channels with a marker, without DNA, barcodes and viability)");
            set.option("--clusters", o.science.clusters, "clusters of the map's nodes");
            set.option("--grid", o.science.grid, "nodes along each side of the map");
            set.option("--rounds", o.science.rounds, "training steps per cell");
            set.option("--maps", o.science.maps,
                       "maps trained from different seeds; that whose clusters agree best with the others' is kept");
            set.option("--cells", o.cells, "cells taken of a sample, at most; every sample counts the same");
            set.option("--cofactor", o.science.cofactor, "of the arcsinh scale");
          },
      .run = [options](core::RunContext& context) { return run_train(options->science, options->output, context); }};
}

cli::Command phenotype_apply_command() {
  struct Options {
    cytof::MapApplyFiles science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "phenotype apply",
      .summary = "Assign the cells of one sample to the clusters of a cohort's map.",
      .example = "cytof-normalize phenotype apply --model map/model.json --sample P01 -o P01 P01.normalized.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::MapApplyFiles& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "normalised FCS files of one sample");
            set.option("--model", o.model, "model.json of phenotype train", true);
            set.option("--names", o.names, "table with columns cluster and name; equal names are one population");
            set.option("--sample", o.sample, "sample id (default: the first file's name)");
            set.choice("--specimen", o.specimen, {"tissue", "blood", "stool", "saliva"}, "where the sample is from");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_folder(options->output);
            set.flag("--cells,!--no-cells", o.cells, "write the cells (SAMPLE.cells.h5ad)");
          },
      .run = [options](core::RunContext& context) { return run_apply(options->science, options->output, context); }};
}

}  // namespace immucan::cytof_normalize
