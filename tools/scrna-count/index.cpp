#include "index.h"

#include <memory>
#include <string>

#include "core/output.h"
#include "scrna/reference_index.h"

namespace immucan::scrna_count {

namespace {

void declare(cli::OptionSet& set, scrna::IndexOptions& options) {
  set.group("Input");
  set.option("--genome", options.genome, "Genome, FASTA", true);
  set.option("--gtf", options.gtf, "Genes, transcripts and exons, GTF", true);
  set.group("Output");
  set.output_file(options.output, "Index to write");
  set.group("Algorithm");
  set.option("--seed-length", options.seed_length, "Bases of a seed, odd, 13 to 31");
  set.option("--syncmer-length", options.syncmer_length,
             "Bases of the part of a seed that chooses it, odd; nearer to the seed length keeps more seeds");
  set.option("--longest-read", options.longest_read, "Longest read 2 that may cross a splice junction anywhere");
}

core::Status run(const scrna::IndexOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const scrna::IndexSummary summary = scrna::build_index(options, outputs.file(), context);
  if (summary.genes_on_unknown_chromosomes > 0) {
    context.log.warning(std::to_string(summary.genes_on_unknown_chromosomes) +
                        " genes lie on chromosomes that the genome lacks and were left out");
  }
  const auto count = [&](const char* name, std::uint64_t value) {
    outputs.count(name, static_cast<std::int64_t>(value));
  };
  count("chromosomes", summary.chromosomes);
  count("bases", summary.bases);
  count("genes", summary.genes);
  count("transcripts", summary.transcripts);
  count("junctions", summary.junctions);
  count("junction_contigs", summary.contigs);
  count("seeds", summary.seeds);
  outputs.commit();
  context.log.info(std::to_string(summary.genes) + " genes, " + std::to_string(summary.junctions) + " junctions, " +
                   std::to_string(summary.seeds) + " seeds");
  return core::Status::kOk;
}

}  // namespace

cli::Command index_command() {
  auto options = std::make_shared<scrna::IndexOptions>();
  return {.name = "index",
          .summary = "Build the index of a genome and its genes.",
          .example = "scrna-count index --genome GRCh38.fa.gz --gtf gencode.gtf.gz -o GRCh38.idx",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
