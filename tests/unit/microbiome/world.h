#pragma once
// A small synthetic world whose truth is known.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "core/random.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

namespace fs = std::filesystem;

struct Context : core::RunContext {
  explicit Context(unsigned thread_count = 1) : core::RunContext("test", "0.0.0", "test") { threads = thread_count; }
};

/// A folder that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    static int count = 0;
    path = fs::temp_directory_path() /
           ("immucan_microbiome_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
};

inline std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string random_genome(core::Random& random, std::size_t length) {
  std::string text(length, 'A');
  for (char& base : text) base = "ACGT"[random.below(4)];
  return text;
}

inline std::string mutated(core::Random& random, std::string text, double rate) {
  for (char& base : text)
    if (random.bernoulli(rate)) base = "ACGT"[random.below(4)];
  return text;
}

inline std::string reverse_complement(const std::string& text) {
  std::string out(text.rbegin(), text.rend());
  for (char& base : out) base = "TGCA"[std::string_view("ACGT").find(base)];
  return out;
}

/// Three species in two genera (one species with two strains), a decoy that is in the database only, a host, and a
/// genome that nobody knows.
struct World {
  Folder folder;
  std::map<std::string, std::string> genomes;
  std::string host, unknown;
  World() {
    core::Random random(42);
    genomes["alpha1"] = random_genome(random, 120000);
    genomes["alpha2"] = mutated(random, genomes["alpha1"], 0.03);
    genomes["beta"] = random_genome(random, 90000);
    genomes["gamma"] = random_genome(random, 200000);
    // The decoy shares a stretch with gamma.
    genomes["decoy"] = genomes["gamma"].substr(50000, 6000) + random_genome(random, 150000);
    genomes["phage"] = random_genome(random, 6000);
    host = random_genome(random, 300000);
    unknown = random_genome(random, 100000);
    for (const auto& [name, text] : genomes) folder.write("genomes/" + name + ".fa", ">" + name + "\n" + text + "\n");
    folder.write("host.fa", ">chr1\n" + host + "\n");
    folder.write("taxonomy/nodes.dmp",
                 "1 | 1 | no rank |\n10 | 1 | genus |\n11 | 1 | genus |\n100 | 10 | species |\n101 | 10 | species |\n"
                 "102 | 11 | species |\n103 | 11 | species |\n104 | 1 | species |\n1000 | 100 | strain |\n"
                 "1001 | 100 | strain |\n9606 | 1 | species |\n");
    folder.write("taxonomy/names.dmp",
                 "1 | root | | scientific name |\n10 | Genus | | scientific name |\n11 | Other | | scientific name |\n"
                 "100 | Genus alpha | | scientific name |\n101 | Genus beta | | scientific name |\n"
                 "102 | Other gamma | | scientific name |\n103 | Other decoy | | scientific name |\n"
                 "104 | phage | | scientific name |\n1000 | alpha1 | | scientific name |\n"
                 "1001 | alpha2 | | scientific name |\n9606 | Homo sapiens | | scientific name |\n");
    folder.write("taxa.tsv",
                 "genome\tgenome_taxid\tspecies_id\nalpha1\t1000\t100\nalpha2\t1001\t100\nbeta\t101\t101\n"
                 "gamma\t102\t102\ndecoy\t103\t103\nphage\tNA\t104\n");
  }
  [[nodiscard]] BuildOptions options() const {
    BuildOptions options;
    options.genomes = folder.path / "genomes";
    options.taxonomy = folder.path / "taxonomy";
    options.genome_taxa = folder.path / "taxa.tsv";
    options.host = folder.path / "host.fa";
    return options;
  }
  BuildReport build(const std::string& name, unsigned threads = 1) const { return build(name, options(), threads); }
  BuildReport build(const std::string& name, const BuildOptions& options, unsigned threads = 1) const {
    Context run(threads);
    core::OutputFile out(folder.path / name);
    const auto report = build_database(options, run, out);
    out.commit();
    return report;
  }
  [[nodiscard]] fs::path db(const std::string& name) const { return folder.path / name; }
};

/// Error-free pairs of 100 bases with insert 250, from either strand.
inline void add_pairs(core::Random& random, const std::string& genome, int pairs, double errors, std::string& first,
                      std::string& second) {
  for (int i = 0; i < pairs; ++i) {
    std::string insert = genome.substr(random.below(genome.size() - 250), 250);
    if (random.bernoulli(0.5)) insert = reverse_complement(insert);
    const std::string name = "@r" + std::to_string(first.size());
    const auto record = [&](std::string read) {
      read = mutated(random, std::move(read), errors);
      return name + "\n" + read + "\n+\n" + std::string(read.size(), 'I') + "\n";
    };
    const std::string mate1 = record(insert.substr(0, 100));
    first += mate1;
    second += record(reverse_complement(insert.substr(150)));
  }
}

inline SampleProfile profile_of(const World& world, const std::string& db, const std::string& first,
                                const std::string& second, unsigned threads = 1) {
  Context run(threads);
  const Database database(world.db(db), run);
  const std::vector<io::FastqLane> lanes{{{world.folder.write("r1.fq", first), world.folder.write("r2.fq", second)}}};
  const auto counts = count_sample(database, lanes, run);
  return make_profile(database, counts, estimate_abundance(database, counts));
}

inline const ProfileRow* row_of(const SampleProfile& profile, std::uint64_t taxid) {
  const auto row = std::ranges::find(profile.rows, taxid, &ProfileRow::taxid);
  return row == profile.rows.end() ? nullptr : &*row;
}

}  // namespace immucan::microbiome
