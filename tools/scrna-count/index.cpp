#include "index.h"

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/output.h"
#include "scrna/index_info.h"
#include "scrna/reference_index.h"

namespace immucan::scrna_count {

namespace {

struct Options {
  scrna::IndexOptions index;
  std::optional<std::filesystem::path> output, info, check;
};

void declare(cli::OptionSet& set, Options& all) {
  scrna::IndexOptions& options = all.index;
  set.group("Input");
  set.option("--genome", options.genome, "Genome, FASTA");
  set.option("--gtf", options.gtf, "Genes, transcripts and exons, GTF or GFF3");
  set.option("--transcripts", options.transcripts, "Transcripts, FASTA, instead of genome and genes: spliced only");
  set.option("--t2g", options.transcript_genes, "Table of transcript, gene and gene name, with --transcripts");
  set.option("--features", options.features, "Antibodies, hashtags, guides: Cell Ranger's feature reference CSV");
  set.group("Output");
  set.output_file(all.output, "Index to write");
  set.group("Existing index");
  set.option("--info", all.info, "Print what an index holds, as JSON");
  set.option("--check", all.check, "Read an index and verify its checksums and bounds");
  set.group("Algorithm");
  set.option("--seed-length", options.seed_length, "Bases of a seed, odd, 13 to 31");
  set.option("--syncmer-length", options.syncmer_length,
             "Bases of the part of a seed that chooses it, odd; nearer to the seed length keeps more seeds");
  set.option("--longest-read", options.longest_read, "Longest read 2 that may cross a splice junction anywhere");
}

void warn(const scrna::IndexSummary& summary, core::RunContext& context) {
  const auto left_out = [&](std::uint64_t genes, const std::string& reason) {
    if (genes > 0) context.log.warning(std::to_string(genes) + " genes " + reason + " and were left out");
  };
  left_out(summary.genes_on_unknown_chromosomes, "lie on chromosomes that the genome lacks");
  left_out(summary.genes_without_exons, "have no exons");
  left_out(summary.trans_spliced_genes, "are trans-spliced over strands or chromosomes");
}

core::Status build(const scrna::IndexOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const scrna::IndexSummary summary = scrna::build_index(options, outputs.file(), context);
  warn(summary, context);
  const auto count = [&](const char* name, std::uint64_t value) {
    outputs.count(name, static_cast<std::int64_t>(value));
  };
  count("chromosomes", summary.chromosomes);
  count("bases", summary.bases);
  count("genes", summary.genes);
  count("genes_without_exons", summary.genes_without_exons);
  count("transcripts", summary.transcripts);
  count("junctions", summary.junctions);
  count("junction_contigs", summary.contigs);
  count("features", summary.features);
  count("seeds", summary.seeds);
  outputs.commit();
  context.log.info(std::to_string(summary.genes) + " genes, " + std::to_string(summary.junctions) + " junctions, " +
                   std::to_string(summary.seeds) + " seeds");
  return core::Status::kOk;
}

core::Status run(const Options& all, core::RunContext& context) {
  const scrna::IndexOptions& in = all.index;
  const bool genome = !in.genome.empty() || !in.gtf.empty();
  const bool transcripts = !in.transcripts.empty() || !in.transcript_genes.empty();
  if (int{genome} + int{transcripts} + int{all.info.has_value()} + int{all.check.has_value()} != 1)
    core::raise_usage("Give one of: --genome with --gtf, --transcripts with --t2g, --info, --check.");
  if (all.info || all.check) {
    if (all.output) core::raise_usage("--output: --info and --check write nothing.");
    const scrna::ReferenceIndex index(all.info ? *all.info : *all.check, context);
    if (all.info) {
      std::cout << scrna::index_info(index);
    } else {
      context.log.info("the index is whole, digest " + index.digest());
    }
    return core::Status::kOk;
  }
  if (genome && (in.genome.empty() || in.gtf.empty()))
    core::raise_usage(in.gtf.empty() ? "--gtf is required with --genome." : "--genome is required with --gtf.");
  if (transcripts && (in.transcripts.empty() || in.transcript_genes.empty())) {
    core::raise_usage(in.transcripts.empty() ? "--transcripts is required with --t2g."
                                             : "--t2g is required with --transcripts.");
  }
  if (!all.output) core::raise_usage("--output is required.");
  scrna::IndexOptions options = in;
  options.output = *all.output;
  return build(options, context);
}

}  // namespace

cli::Command index_command() {
  auto options = std::make_shared<Options>();
  return {.name = "index",
          .summary = "Build the index of a genome and its genes, or look at one.",
          .example = "scrna-count index --genome GRCh38.fa.gz --gtf gencode.gtf.gz -o GRCh38.idx",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
