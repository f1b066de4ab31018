#include "build.h"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/output.h"
#include "core/text.h"
#include "io/temporary_file.h"
#include "microbiome/database.h"
#include "microbiome/database_info.h"
#include "microbiome/work_folder.h"

namespace immucan::microbiome_profile {

namespace {

namespace fs = std::filesystem;

struct Options {
  microbiome::BuildOptions build;
  std::optional<fs::path> output, update, info, check;
  std::optional<std::string> memory;
  std::vector<fs::path> merge;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.option("-g,--genomes", options.build.genomes,
             "Folder of FASTA files, a list of them, or a table with columns genome and file");
  set.option("--taxonomy", options.build.taxonomy, "Folder with nodes.dmp and names.dmp (merged.dmp is used if there)");
  set.option("--genome-taxa", options.build.genome_taxa,
             "Table with columns genome, genome_taxid and species_id; without it taxids are read from headers "
             "(kraken:taxid|N)");
  set.option("--gtdb", options.build.gtdb, "GTDB taxonomy table: genome, lineage d__...;s__...");
  set.option("--lineages", options.build.lineages, "Table with a column genome and one column per rank, highest first");
  set.option("--host", options.build.host, "FASTA file of the host's genome; its reads are set apart while profiling");
  set.option("--host-taxid", options.build.host_taxid, "Taxid of the host");
  set.option("--update", options.update, "Take over the genomes of this database and add --genomes to them");
  set.option("--merge", options.merge, "Take over the genomes of these databases (repeat the option)");
  set.group("Output");
  set.output_file(options.output, "The database");
  set.group("Existing database");
  set.option("--info", options.info, "Print what a database holds, as JSON");
  set.option("--check", options.check, "Read a database and verify its checksums and structure");
  set.group("Algorithm");
  set.option("-k,--kmer-length", options.build.kmer_length, "Length of k-mers, 15 to 31");
  set.option("--density", options.build.density,
             "Keep one k-mer in this many; 0 chooses 16 to 200 from the size of the genomes");
  set.option("--minimum-sampled", options.build.minimum_sampled,
             "Small genomes are sampled more densely to have at least this many k-mers");
  set.group("Resources");
  set.option(
      "--memory", options.memory,
      "Memory for k-mers on their way, as 800M or 4G (default 32M); more wait in a folder OUTPUT.work, from which "
      "an interrupted build goes on");
}

core::Status inspect(const Options& options, core::RunContext& context) {
  if (options.output || !options.build.genomes.empty() || options.update || !options.merge.empty() ||
      (options.info && options.check))
    core::raise_usage("--info and --check stand alone: they build nothing");
  const microbiome::Database database(options.info ? *options.info : *options.check, context, true);
  if (options.info) {
    std::cout << microbiome::database_info(database);
    return core::Status::kOk;
  }
  microbiome::check_database(database, context);
  context.log.info("the database is whole, digest " + database.digest());
  return core::Status::kOk;
}

/// Beside a regular output; for pipes and devices in the folder for temporary files.
fs::path work_folder(const fs::path& output, const core::RunContext& context) {
  std::error_code error;
  const auto status = fs::status(output, error);
  if (output != "-" && (!fs::exists(status) || fs::is_regular_file(status))) return output.string() + ".work";
  return io::temporary_folder(context) / "microbiome-build.work";
}

/// Rows of what found no counterpart.
std::string unmatched_tsv(const microbiome::BuildReport& report) {
  std::string text = "what\tgenome\ttaxid\trank\tname\n";
  for (const std::string& genome : report.without_taxon) text += "genome_without_taxon\t" + genome + "\tNA\tNA\tNA\n";
  for (std::size_t i = 0; i < report.taxonomy.size(); ++i) {
    const microbiome::Taxon& taxon = report.taxonomy.nodes()[i];
    if (report.has_genome[i] == 0)
      text += fmt::format("taxon_without_genome\tNA\t{}\t{}\t{}\n", taxon.taxid, taxon.rank, taxon.name);
  }
  return text;
}

void tell(const microbiome::BuildReport& report, std::int64_t empty_taxa, core::RunContext& context) {
  for (const std::string& name : report.without_taxon)
    context.log.warning(fmt::format("no taxon for genome '{}': left out", core::printable(name)));
  if (report.newly_dense != 0)
    context.log.warning(fmt::format(
        "{} new genomes are small and sampled more densely: their additional k-mers were not looked for in the genomes "
        "taken over. Where phages or plasmids of these matter, build anew",
        report.newly_dense));
  context.log.info(fmt::format("{} genomes of {} species ({} taken over), {} bases, {} k-mers (one in {})",
                               report.genomes, report.species, report.taken_over, report.bases, report.kmers,
                               report.density));
  context.log.info(
      fmt::format("{} genomes without a taxon, {} taxa without a genome", report.without_taxon.size(), empty_taxa));
}

void count(core::OutputSet& outputs, const microbiome::BuildReport& report, std::int64_t empty_taxa) {
  outputs.count("genomes", static_cast<std::int64_t>(report.genomes));
  outputs.count("genomes_taken_over", static_cast<std::int64_t>(report.taken_over));
  outputs.count("genomes_without_taxon", report.without_taxon);
  outputs.count("taxa_without_genome", empty_taxa);
  outputs.count("species", static_cast<std::int64_t>(report.species));
  outputs.count("bases", static_cast<std::int64_t>(report.bases));
  outputs.count("kmers", static_cast<std::int64_t>(report.kmers));
  outputs.count("units", static_cast<std::int64_t>(report.units));
  outputs.count("genome_sets", static_cast<std::int64_t>(report.sets));
  outputs.count("density", report.density);
}

core::Status run(const Options& options, core::RunContext& context) {
  if (options.info || options.check) return inspect(options, context);
  microbiome::BuildOptions build = options.build;
  build.existing = options.merge;
  if (options.update) build.existing.push_back(*options.update);
  if (build.genomes.empty() && build.existing.size() < 2)
    core::raise_usage(
        "give genomes (--genomes), at least two databases (--merge A --merge B), or a database to look at (--info, "
        "--check)");
  if (!options.output) core::raise_usage("--output is required");
  if (options.memory) {
    const auto bytes = core::parse_bytes(*options.memory);
    if (!bytes || *bytes < (1U << 20))
      core::raise_usage("--memory '" + core::printable(*options.memory) +
                        "' is not a size of 1M or more, as 800M or 4G");
    build.memory = *bytes;
  }
  build.work_folder = work_folder(*options.output, context);
  auto outputs = core::OutputSet::single(context, *options.output);
  const auto report = microbiome::build_database(build, context, outputs.file());
  const auto empty_taxa = std::ranges::count(report.has_genome, 0);
  if (std::error_code error;
      *options.output != "-" && (!fs::exists(*options.output, error) || fs::is_regular_file(*options.output, error)))
    outputs.add(options.output->string() + ".unmatched.tsv").write(unmatched_tsv(report));
  count(outputs, report, empty_taxa);
  outputs.commit();
  microbiome::WorkFolder::remove(build.work_folder);
  tell(report, empty_taxa, context);
  return core::Status::kOk;
}

}  // namespace

cli::Command build_command() {
  auto options = std::make_shared<Options>();
  return {.name = "build",
          .summary = "Build a database from genomes, a taxonomy and a host genome, add to one, or join several.",
          .example =
              "microbiome-profile build --genomes genomes/ --taxonomy taxonomy/ --genome-taxa genome_tax.tsv "
              "--host host.fa.gz -o microbes.db",
          .declare = [options](cli::OptionSet& set) { declare(*options, set); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
