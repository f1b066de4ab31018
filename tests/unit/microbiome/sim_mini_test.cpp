// The small simulated metagenome of the shared data: real genomes, known truth.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

#include "core/text.h"
#include "io/tsv.h"
#include "microbiome/profiling.h"

using namespace immucan;
using namespace immucan::microbiome;
namespace fs = std::filesystem;

namespace {

struct Truth {
  double taxonomic, sequence;
};

std::map<std::uint64_t, Truth> read_truth(const fs::path& path, core::RunContext& run) {
  io::TsvReader table(io::open_source(path, run));
  const auto id = table.require("species_id"), copies = table.require("taxonomic_abundance"),
             reads = table.require("read_fraction_of_known");
  std::map<std::uint64_t, Truth> truth;
  while (table.next())
    truth[static_cast<std::uint64_t>(table.integer(id).value())] = {table.number(copies).value(),
                                                                    table.number(reads).value()};
  return truth;
}

}  // namespace

TEST_CASE("sim_mini: every species, no other, and abundances near the truth") {
  const fs::path data = fs::path(IMMUCAN_SHARED_DATA) / "microbiome/sim_mini";
  const fs::path work = fs::temp_directory_path() / ("immucan_sim_mini_" + std::to_string(::getpid()));
  fs::create_directories(work);
  const std::string unpack = "zstd -dc '" + (data / "mini_db_genomes.tar.zst").string() + "' 2>/dev/null | tar x -C '" +
                             work.string() + "' 2>/dev/null";
  if (!fs::exists(data) || std::system(unpack.c_str()) != 0) {
    std::cout << "SKIPPED: shared data microbiome/sim_mini not there, or no zstd to unpack its genomes\n";
    fs::remove_all(work);
    return;
  }
  core::RunContext run("test", "0.0.0", "test");
  BuildOptions options;
  options.genomes = work;
  options.taxonomy = data / "taxonomy";
  options.genome_taxa = data / "genome_tax.tsv";
  options.host = data / "host.fa.gz";
  core::OutputFile out(work / "mini.db");
  CHECK(build_database(options, run, out).genomes == 22);
  out.commit();
  const Database database(work / "mini.db", run);
  const auto counts = count_sample(database, {{{data / "mini_R1.fastq.gz", data / "mini_R2.fastq.gz"}}}, run);
  const auto profile = make_profile(database, counts, estimate_abundance(database, counts));
  const auto truth = read_truth(data / "truth_species.tsv", run);
  fs::remove_all(work);

  CHECK(profile.fragments == 30000);
  CHECK(profile.host_fraction == Approx(0.076).margin(0.003));  // a quarter of the host's reads is of regions not given
  CHECK(profile.known_fraction == Approx(0.72).margin(0.015));
  double taxonomic = 0, sequence = 0;
  std::size_t species = 0;
  for (const auto& row : profile.rows) {
    if (row.rank != "species") continue;
    ++species;
    INFO(row.name);
    REQUIRE(truth.contains(row.taxid));
    taxonomic += std::abs(row.taxonomic_abundance - truth.at(row.taxid).taxonomic);
    sequence += std::abs(row.sequence_abundance - truth.at(row.taxid).sequence);
  }
  CHECK(species == truth.size());
  CHECK(taxonomic <= 0.0703);  // Kraken 2 with reads divided by genome length
  CHECK(sequence <= 0.0242);   // Kraken 2
}
