#include "scrna/demultiplex.h"

#include <memory>
#include <string>

#include "core/output.h"
#include "demultiplex.h"

namespace immucan::scrna_count {

namespace {

void declare(cli::OptionSet& set, scrna::DemultiplexOptions& options) {
  set.group("Input");
  set.input("MATRIX", options.input, "counts that hold the tags: 10x folder, 10x .h5 or .h5ad");
  set.option("--barcodes", options.barcodes,
             "Cells to assign, one barcode per line (filtered/barcodes.tsv.gz); by default all of the matrix");
  set.option("--tags", options.tags, "Table of tag and sample; its tags alone are used");
  set.option("--tag-type", options.tag_type, "Type of the features that are tags, or auto");
  set.option("--sample", options.sample, "Id of the pool; by default the name of the input");
  set.option("--layer", options.layer, "Layer of an .h5ad to read instead of X");
  set.group("Output");
  set.output_folder(options.output);
  set.group("Algorithm");
  set.option("--confidence", options.confidence, "Least probability of a class; below it a cell is uncertain");
}

core::Status run(const scrna::DemultiplexOptions& options, core::RunContext& context) {
  const scrna::DemultiplexResult result = scrna::demultiplex(options, context);
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  scrna::write_demultiplexed(outputs, result);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command demultiplex_command() {
  auto options = std::make_shared<scrna::DemultiplexOptions>();
  return {
      .name = "demultiplex",
      .summary = "Assign the cells of a pool to samples by hashtags or other sample tags.",
      .example =
          "scrna-count demultiplex --tags tags.tsv --barcodes cells/filtered/barcodes.tsv.gz -o samples pool/raw.h5",
      .declare = [options](cli::OptionSet& set) { declare(set, *options); },
      .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
