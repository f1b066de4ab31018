#include "score.h"

#include <memory>

#include "biomarker/sample_scores.h"
#include "core/output.h"
#include "core/text.h"

namespace immucan::tools {

namespace {

void declare(cli::OptionSet& set, biomarker::ScoreOptions& options) {
  set.group("Input");
  set.input("EXPR", options.expression, "Genes × samples, TSV or GCT 1.2, plain or compressed");
  set.option("--sets", options.sets, "Gene sets: GMT, or a table with the columns set and gene", true);
  set.choice("--duplicates", options.duplicates, {"refuse", "mean", "median", "maxvar"},
             "Genes that occur in several rows");
  set.group("Output");
  set.output_file(options.output, "Scores, sets × samples");
  set.group("Algorithm");
  set.choice("--method", options.method, {"ssgsea", "zscore"}, "Score");
  set.choice("--compat", options.compat, {"none", "gsva"}, "Another tool's ties and normalisation to the letter");
  set.flag("--normalize,!--no-normalize", options.normalize,
           "Normalise: by the number of genes; with --compat gsva by the range of the table");
  set.option("--min-genes", options.min_genes, "Measured genes a set needs (default 5; 1 with --compat)");
  set.option("--min-coverage", options.min_coverage, "Share of its genes a set needs (default 0.5; 0 with --compat)");
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

core::Status run(const biomarker::ScoreOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const biomarker::ScoreTable table = biomarker::score_samples(options, context);
  outputs.file().write(to_tsv(table));
  outputs.count("sets", static_cast<std::int64_t>(table.sets.size()));
  outputs.count("samples", static_cast<std::int64_t>(table.samples.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command score_command() {
  auto options = std::make_shared<biomarker::ScoreOptions>();
  return {.name = "score",
          .summary = "Score gene sets in every sample of an expression matrix.",
          .example = "biomarker-score score --method ssgsea --sets immune.gmt -o scores.tsv tpm.tsv.gz",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::tools
