#include "bracken.h"

#include <fmt/format.h>

#include <memory>

#include "core/output.h"
#include "microbiome/bracken.h"

namespace immucan::microbiome_profile {

namespace {

struct Options {
  std::filesystem::path report, distribution;
  microbiome::BrackenOptions bracken;
  std::optional<std::filesystem::path> new_report;
  std::filesystem::path output;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.input("REPORT", options.report, "Report of Kraken, six or eight columns");
  set.option("-k,--kmer-distribution", options.distribution, "databaseXmers.kmer_distrib of the read length", true);
  set.group("Output");
  set.output_file(options.output, "Bracken's table");
  set.option("--out-report", options.new_report, "Also a Kraken report with the new counts");
  set.group("Algorithm");
  set.option("-l,--level", options.bracken.level,
             "Rank code that reads are moved down to: D, P, C, O, F, G, S, S1 ...");
  set.option("--threshold", options.bracken.threshold, "Taxa with fewer reads are left out");
}

core::Status run(const Options& options, core::RunContext& context) {
  if (options.bracken.threshold < 0)
    core::raise_usage(fmt::format("--threshold {} must not be negative", options.bracken.threshold));
  auto outputs = core::OutputSet::single(context, options.output);
  const auto report = microbiome::read_kraken_report(io::open_source(options.report, context));
  const auto distribution = microbiome::read_kmer_distribution(io::open_source(options.distribution, context));
  const auto result = microbiome::redistribute_reads(report, distribution, options.bracken, options.report.string());
  outputs.file().write(microbiome::bracken_table(result.rows, result.level));
  if (options.new_report) {
    outputs.add(*options.new_report).write(microbiome::write_kraken_report(result.report, report.total(), false));
  }
  const auto count = [&](std::string name, std::uint64_t value) {
    outputs.count(std::move(name), static_cast<std::int64_t>(value));
  };
  count("reads", report.total());
  count("taxa", result.taxa);
  count("taxa_kept", result.rows.size());
  count("reads_kept", result.kept);
  count("reads_below_threshold", result.below_threshold);
  count("reads_distributed", result.distributed);
  count("reads_not_distributed", result.not_distributed);
  count("reads_unclassified", result.unclassified);
  outputs.commit();
  context.log.info(
      fmt::format("{} of {} taxa of rank {} kept; {} reads distributed, {} could not be, {} are of taxa "
                  "below the threshold, {} unclassified",
                  result.rows.size(), result.taxa, result.level, result.distributed, result.not_distributed,
                  result.below_threshold, result.unclassified));
  return core::Status::kOk;
}

}  // namespace

cli::Command bracken_command() {
  auto options = std::make_shared<Options>();
  return {
      .name = "bracken",
      .summary = "Move the reads that a Kraken report gives to higher ranks down to species, as Bracken does.",
      .example =
          "microbiome-profile bracken P01.kreport --kmer-distribution database150mers.kmer_distrib -o P01.bracken.tsv",
      .declare = [options](cli::OptionSet& set) { declare(*options, set); },
      .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
