#include "score.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "biomarker/score_run.h"
#include "core/error.h"
#include "core/output.h"
#include "core/text.h"

namespace immucan::tools {

namespace {

struct Options {
  biomarker::ScoreOptions score;
  std::optional<std::filesystem::path> dispersion, coverage, leading_edge, save_reference, percentiles;
};

void declare(cli::OptionSet& set, Options& all) {
  biomarker::ScoreOptions& options = all.score;
  set.group("Input");
  set.input("EXPR", options.expression,
            "Genes × samples: TSV or GCT 1.2, plain or compressed; .h5ad; 10x .h5 or folder");
  set.option("--sets", options.sets, "Gene sets: GMT, or a table with the columns set and gene");
  set.option("--aliases", options.aliases, "Table with the columns alias and gene: names to replace by current ones");
  set.option("--gene-column", options.gene_column, ".h5ad: column of var with gene names; 10x: id for the ids");
  set.option("--reference", options.reference, "Frozen cohort, written by --save-reference");
  set.choice("--duplicates", options.duplicates, {"refuse", "mean", "median", "maxvar"},
             "Genes that occur in several rows");
  set.group("Output");
  set.output_file(options.output, "Scores, sets × samples");
  set.option("--dispersion", all.dispersion, "singscore: spread of the ranks of each set, sets × samples");
  set.option("--coverage", all.coverage, "Measured genes of every set, and genes above the floor of every sample");
  set.option("--leading-edge", all.leading_edge,
             "ssgsea: the genes that raise each score most, with their share of it");
  set.option("--leading-genes", options.leading_genes, "Genes per set and sample in --leading-edge");
  set.option("--save-reference", all.save_reference, "This cohort's scores, to compare new patients with");
  set.option("--percentiles", all.percentiles, "Per cent of the --reference below each score");
  set.group("Algorithm");
  set.choice("--method", options.method,
             {"ssgsea", "gsva", "zscore", "plage", "singscore", "aucell", "mean", "mcpcounter", "quantiseq", "epic",
              "cibersort", "io-panel"},
             "Score");
  set.choice("--compat", options.compat, {"none", "gsva", "gseapy"},
             "Another tool's ties and normalisation to the letter");
  set.flag("--normalize,!--no-normalize", options.normalize,
           "Normalise: by the number of genes; with --compat by the range of the table");
  set.choice("--kernel", options.kernel, {"gaussian", "poisson", "none"}, "gsva: kernel of a gene over the samples");
  set.flag("--max-difference,!--no-max-difference", options.max_difference,
           "gsva: sum of both deviations, else the larger one");
  set.choice("--direction", options.direction, {"known", "unknown"},
             "singscore: NAME_UP and NAME_DN are joined if known");
  set.option("--top-share", options.top_share, "aucell: share of the genes, from the highest, that is looked at");
  set.flag("--tumour,!--no-tumour", options.tumour, "quantiseq: leave out genes that tumours express");
  set.option("--signature", options.signature, "epic, cibersort: profiles, genes × cell types");
  set.option("--signature-variability", options.signature_variability, "epic: variances of --signature, for weights");
  set.option("--signature-genes", options.signature_genes, "epic: table with the column gene, the genes to fit");
  set.option("--permutations", options.permutations, "cibersort: random mixtures for the row P_value (0: none)");
  set.choice("--unit", options.unit, {"auto", "tpm", "log2"}, "io-panel: scale of EXPR; auto: under 50 is log2");
  set.option("--log-offset", options.log_offset, "io-panel: what was added to TPM before taking log2");
  set.choice("--log-base", options.log_base, {"10", "2"}, "io-panel: logarithm of the T-cell-inflamed GEP");
  set.option("--ips-genes", options.ips_genes, "io-panel: genes of the immunophenoscore (gene_name name class weight)");
  set.option("--tide-model", options.tide_model, "io-panel: TIDE's profiles (gene dysfunction exclusion)");
  set.flag("--pretreated", options.pretreated, "io-panel: TIDE by exclusion only");
  set.option("--mrna", options.mrna, "epic: table with the columns type and mrna, mRNA per cell");
  set.flag("--other-cells,!--no-other-cells", options.other_cells, "epic: cells of no given type are possible");
  set.option("--min-genes", options.min_genes, "Measured genes a set needs (default 5; 1 with --compat)");
  set.option("--min-coverage", options.min_coverage, "Share of its genes a set needs (default 0.5; 0 with --compat)");
  set.flag("--skip-thin", options.skip_thin, "Sets under these limits are NA instead of an error");
  set.flag("--skip-absent", options.skip_absent, "Sets without any measured gene are NA instead of an error");
}

std::string to_tsv(const biomarker::ScoreTable& table) {
  std::string text = "set";
  for (const std::string& sample : table.samples) text += '\t' + sample;
  text += '\n';
  for (std::size_t set = 0; set < table.sets.size(); ++set) {
    text += table.sets[set];
    for (std::size_t sample = 0; sample < table.samples.size(); ++sample) {
      text += '\t';
      core::append_double(text, table.at(set, sample));
    }
    text += '\n';
  }
  return text;
}

void check(const Options& options) {
  if (options.dispersion && options.score.method != "singscore")
    core::raise_usage("--dispersion belongs to --method singscore");
  if (options.leading_edge && (options.score.method != "ssgsea" || options.score.compat != "none"))
    core::raise_usage("--leading-edge belongs to --method ssgsea without --compat");
  const biomarker::ScoreOptions& score = options.score;
  if (score.min_coverage && !(*score.min_coverage >= 0 && *score.min_coverage <= 1))
    core::raise_usage("--min-coverage must be between 0 and 1");
  if (score.min_genes && *score.min_genes < 1) core::raise_usage("--min-genes must be at least 1");
  if (score.leading_genes < 1) core::raise_usage("--leading-genes must be at least 1");
  if (!(score.top_share > 0 && score.top_share <= 1)) core::raise_usage("--top-share must be above 0, up to 1");
  if (!(score.log_offset > 0)) core::raise_usage("--log-offset must be above 0");
  if (score.permutations < 0) core::raise_usage("--permutations must not be negative");
  if (score.permutations > 0 && score.method != "cibersort")
    core::raise_usage("--permutations belongs to --method cibersort");
  if (options.percentiles && !options.score.reference) core::raise_usage("--percentiles needs --reference");
}

core::Status run(const Options& options, core::RunContext& context) {
  check(options);
  core::OutputSet outputs = core::OutputSet::single(context, options.score.output);
  std::vector<core::OutputFile> files;
  for (const auto& path :
       {options.dispersion, options.coverage, options.leading_edge, options.save_reference, options.percentiles}) {
    if (path) files.emplace_back(*path);
  }
  biomarker::ScoreExtras extras;
  extras.want_coverage = options.coverage.has_value();
  extras.want_leading_edge = options.leading_edge.has_value();
  extras.want_reference = options.save_reference.has_value();
  const biomarker::ScoreTable table = biomarker::score_samples(options.score, context, &extras);
  outputs.file().write(to_tsv(table));
  outputs.count("sets", static_cast<std::int64_t>(table.sets.size()));
  outputs.count("samples", static_cast<std::int64_t>(table.samples.size()));
  std::size_t next = 0;
  if (options.dispersion) files[next++].write(to_tsv(*extras.dispersions));
  if (options.coverage) files[next++].write(extras.coverage);
  if (options.leading_edge) files[next++].write(extras.leading_edge);
  if (options.save_reference) files[next++].write(extras.reference);
  if (options.percentiles) files[next++].write(to_tsv(*extras.percentiles));
  for (core::OutputFile& file : files) file.commit();
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command score_command() {
  auto options = std::make_shared<Options>();
  return {.name = "score",
          .summary = "Score gene sets in every sample of an expression matrix.",
          .example = "biomarker-score score --method ssgsea --sets immune.gmt -o scores.tsv tpm.tsv.gz",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
