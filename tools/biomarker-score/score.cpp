#include "score.h"

#include <filesystem>
#include <memory>
#include <optional>

#include "biomarker/sample_scores.h"
#include "core/error.h"
#include "core/output.h"
#include "core/text.h"

namespace immucan::tools {

namespace {

struct Options {
  biomarker::ScoreOptions score;
  std::optional<std::filesystem::path> dispersion;
};

void declare(cli::OptionSet& set, Options& all) {
  biomarker::ScoreOptions& options = all.score;
  set.group("Input");
  set.input("EXPR", options.expression, "Genes × samples, TSV or GCT 1.2, plain or compressed");
  set.option("--sets", options.sets, "Gene sets: GMT, or a table with the columns set and gene", true);
  set.choice("--duplicates", options.duplicates, {"refuse", "mean", "median", "maxvar"},
             "Genes that occur in several rows");
  set.group("Output");
  set.output_file(options.output, "Scores, sets × samples");
  set.option("--dispersion", all.dispersion, "singscore: spread of the ranks of each set, sets × samples");
  set.group("Algorithm");
  set.choice("--method", options.method, {"ssgsea", "gsva", "zscore", "plage", "singscore"}, "Score");
  set.choice("--compat", options.compat, {"none", "gsva"}, "Another tool's ties and normalisation to the letter");
  set.flag("--normalize,!--no-normalize", options.normalize,
           "Normalise: by the number of genes; with --compat gsva by the range of the table");
  set.choice("--kernel", options.kernel, {"gaussian", "poisson", "none"}, "gsva: kernel of a gene over the samples");
  set.flag("--max-difference,!--no-max-difference", options.max_difference,
           "gsva: sum of both deviations, else the larger one");
  set.choice("--direction", options.direction, {"known", "unknown"},
             "singscore: NAME_UP and NAME_DN are joined if known");
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

core::Status run(const Options& options, core::RunContext& context) {
  if (options.dispersion && options.score.method != "singscore")
    core::raise_usage("--dispersion belongs to --method singscore");
  core::OutputSet outputs = core::OutputSet::single(context, options.score.output);
  std::optional<core::OutputFile> second;
  if (options.dispersion) second.emplace(*options.dispersion);
  std::optional<biomarker::ScoreTable> dispersions;
  const biomarker::ScoreTable table = biomarker::score_samples(options.score, context, &dispersions);
  outputs.file().write(to_tsv(table));
  outputs.count("sets", static_cast<std::int64_t>(table.sets.size()));
  outputs.count("samples", static_cast<std::int64_t>(table.samples.size()));
  if (second && dispersions) {
    second->write(to_tsv(*dispersions));
    second->commit();
  }
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
