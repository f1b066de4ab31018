#include "scrna/annotate.h"

#include <memory>
#include <string>

#include "annotate.h"
#include "core/output.h"

namespace immucan::scrna_count {

namespace {

void declare(cli::OptionSet& set, scrna::AnnotateOptions& options) {
  set.group("Input");
  set.input("MATRIX", options.input, "counts of called cells: 10x folder, 10x .h5 or .h5ad");
  set.option("--sample", options.sample, "Sample id; by default the name of the input");
  set.choice("--specimen", options.specimen, {"tissue", "blood", "stool", "saliva"}, "What was sampled");
  set.option("--layer", options.layer, "Layer of an .h5ad to read instead of X");
  set.option("--markers", options.markers, "Marker genes of cell types instead of the shipped table");
  set.option("--pairs", options.pairs, "Ligand-receptor pairs instead of the shipped table");
  set.option("-i,--index", options.index,
             "Places of genes: index of scrna-count; with places malignant cells are told");
  set.option("--gtf", options.gtf, "Places of genes: annotation, GTF");
  set.option("--positions", options.positions, "Places of genes: table of gene, chromosome and start");
  set.option("--airr", options.airr, "Receptor sequences of the cells, AIRR rearrangement table");
  set.option("--signatures", options.signatures, "Gene sets (GMT) to average in every pseudobulk");
  set.group("Output");
  set.output_folder(options.output);
  set.choice("--pseudobulk", options.pseudobulk, {"none", "major", "immune", "minor"},
             "Level whose types get a pseudobulk beside the total");
  set.option("--least-cells", options.least_cells,
             "Cells of a type below which its pseudobulk and interactions are missing");
  set.group("Algorithm");
  set.option("--alpha", options.alpha, "Share of cells that random marker genes would name");
  set.option("--neighbours", options.neighbours,
             "Cells that smooth each other; 0: half the root of the cells, 5 to 15");
  set.option("--malignant-types", options.malignant_types,
             "Major types that may be malignant; by default epithelial ones and unassigned");
  set.flag("--interactions,!--no-interactions", options.interactions,
           "Score ligands and receptors between major types");
  set.option("--permutations", options.permutations, "Shuffles of the cell types for the p of an interaction");
  set.option("--least-fold", options.least_fold,
             "An interaction is called from this fold over other cells, on both sides");
}

core::Status run(const scrna::AnnotateOptions& options, core::RunContext& context) {
  const scrna::AnnotateResult result = scrna::annotate(options, context);
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  scrna::write_annotation(outputs, options, result, context);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command annotate_command() {
  auto options = std::make_shared<scrna::AnnotateOptions>();
  return {.name = "annotate",
          .summary = "Name the cells, tell malignant ones, score interactions between cell types.",
          .example = "scrna-count annotate --sample P01 -i GRCh38.idx -o P01_types P01_cells/filtered",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
