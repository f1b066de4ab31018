#include "build.h"

#include <fmt/format.h>

#include <memory>

#include "core/output.h"
#include "microbiome/database.h"

namespace immucan::microbiome_profile {

namespace {

struct Options {
  microbiome::BuildOptions build;
  std::filesystem::path output;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.option("-g,--genomes", options.build.genomes,
             "Folder of FASTA files, a list of them, or a table with columns genome and file", true);
  set.option("--taxonomy", options.build.taxonomy, "Folder with nodes.dmp and names.dmp (merged.dmp is used if there)");
  set.option("--genome-taxa", options.build.genome_taxa,
             "Table with columns genome, genome_taxid and species_id; without it taxids are read from headers "
             "(kraken:taxid|N)");
  set.option("--gtdb", options.build.gtdb, "GTDB taxonomy table: genome, lineage d__...;s__...");
  set.option("--lineages", options.build.lineages, "Table with a column genome and one column per rank, highest first");
  set.option("--host", options.build.host, "FASTA file of the host's genome; its reads are set apart while profiling");
  set.option("--host-taxid", options.build.host_taxid, "Taxid of the host");
  set.group("Output");
  set.output_file(options.output, "The database");
  set.group("Algorithm");
  set.option("-k,--kmer-length", options.build.kmer_length, "Length of k-mers, 15 to 31");
  set.option("--density", options.build.density,
             "Keep one k-mer in this many; 0 chooses 16 to 200 from the size of the genomes");
  set.option("--minimum-sampled", options.build.minimum_sampled,
             "Small genomes are sampled more densely to have at least this many k-mers");
}

core::Status run(const Options& options, core::RunContext& context) {
  auto outputs = core::OutputSet::single(context, options.output);
  const auto report = microbiome::build_database(options.build, context, outputs.file());
  for (const std::string& name : report.without_taxon)
    context.log.warning(fmt::format("no taxon for genome '{}': left out", name));
  outputs.count("genomes", static_cast<std::int64_t>(report.genomes));
  outputs.count("genomes_without_taxon", report.without_taxon);
  outputs.count("species", static_cast<std::int64_t>(report.species));
  outputs.count("bases", static_cast<std::int64_t>(report.bases));
  outputs.count("kmers", static_cast<std::int64_t>(report.kmers));
  outputs.count("units", static_cast<std::int64_t>(report.units));
  outputs.count("genome_sets", static_cast<std::int64_t>(report.sets));
  outputs.count("density", report.density);
  outputs.commit();
  context.log.info(fmt::format("{} genomes of {} species, {} bases, {} k-mers (one in {}), {} genomes left out",
                               report.genomes, report.species, report.bases, report.kmers, report.density,
                               report.without_taxon.size()));
  return core::Status::kOk;
}

}  // namespace

cli::Command build_command() {
  auto options = std::make_shared<Options>();
  return {.name = "build",
          .summary = "Build a database from genomes, a taxonomy and a host genome.",
          .example =
              "microbiome-profile build --genomes genomes/ --taxonomy taxonomy/ --genome-taxa genome_tax.tsv "
              "--host host.fa.gz -o microbes.db",
          .declare = [options](cli::OptionSet& set) { declare(*options, set); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
