#include "scrna/cells.h"

#include <memory>
#include <string>

#include "cells.h"
#include "core/output.h"

namespace immucan::scrna_count {

namespace {

void declare(cli::OptionSet& set, scrna::CellsOptions& options) {
  set.group("Input");
  set.input("MATRIX", options.input, "raw counts: 10x folder, 10x .h5 or .h5ad, with all barcodes");
  set.option("--sample", options.sample, "Sample id; by default the name of the input");
  set.option("--layer", options.layer, "Layer of an .h5ad to read instead of X");
  set.group("Output");
  set.output_folder(options.output);
  set.group("Algorithm");
  set.choice(
      "--method", options.method, {"emptydrops", "ordmag", "knee", "inflection"},
      "What makes a barcode a cell: molecules and, below that, a profile unlike the ambient one; or molecules alone");
  set.option("--expected-cells", options.expected_cells, "Cells loaded; estimated from the counts by default");
  set.option("--fdr", options.false_discovery_rate, "emptydrops: false discovery rate of the cells it adds");
  set.option("--simulations", options.simulations, "emptydrops: simulated droplets");
  set.option("--least-molecules", options.least_molecules,
             "emptydrops: molecules of a candidate; less in data of at most 45,000 barcodes");
  set.flag("--size-test,!--no-size-test", options.size_test,
           "emptydrops: barcodes with more molecules than empty droplets have are cells whatever their profile");
  set.option("--rank-lower", options.rank_lower, "knee and inflection: barcodes of more molecules than this");
  set.flag("--doublets,!--no-doublets", options.doublets, "Score doublets");
  set.option("--doublet-rate", options.doublet_rate, "Share of doublets; estimated by default");
}

core::Status run(const scrna::CellsOptions& options, core::RunContext& context) {
  const scrna::CellsResult result = scrna::find_cells(options, context);
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  scrna::write_cells(outputs, options, result, context);
  outputs.commit();
  context.log.info(std::to_string(result.cells.size()) + " cells of " + std::to_string(result.matrix.barcodes.size()) +
                   " barcodes");
  return core::Status::kOk;
}

}  // namespace

cli::Command cells_command() {
  auto options = std::make_shared<scrna::CellsOptions>();
  return {.name = "cells",
          .summary = "Call cells among the barcodes of a raw matrix, score doublets, estimate ambient RNA.",
          .example = "scrna-count cells --sample P01 -o P01_cells P01/raw.h5",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
