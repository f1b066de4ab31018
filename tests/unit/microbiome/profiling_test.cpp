// Databases and profiles of synthetic genomes whose truth is known.
#include "microbiome/profiling.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "core/error.h"
#include "core/random.h"
#include "microbiome/kmer_depth.h"
#include "sequence/kmer.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

core::Status status_of(const std::function<void()>& action, std::string& message) {
  try {
    action();
  } catch (const core::Error& error) {
    message = error.what();
    return error.status();
  }
  return core::Status::kOk;
}

}  // namespace

TEST_CASE("a database holds every genome, and small ones are sampled densely") {
  const World world;
  const auto report = world.build("x.db");
  CHECK(report.genomes == 6);
  CHECK(report.species == 5);
  CHECK(report.bases == 120000 * 2 + 90000 + 200000 + 156000 + 6000);
  CHECK(report.without_taxon.empty());
  Context run;
  const Database database(world.db("x.db"), run);
  REQUIRE(database.genomes().size() == 7);
  CHECK(database.has_host());
  CHECK(database.genome_name(0) == "host");
  for (std::size_t g = 1; g < database.genomes().size(); ++g) {
    const auto& genome = database.genomes()[g];
    const std::string& text = world.genomes.at(database.genome_name(g));
    CHECK(genome.length == text.size());
    // Against the definition: the distinct k-mers below the genome's threshold, every one found in the index with a set
    // that holds the genome.
    std::set<std::uint64_t> expected;
    sequence::for_each_canonical_kmer(text, 31, [&](std::uint64_t kmer, std::size_t) {
      if (sequence::hash_kmer(kmer) < genome.threshold) expected.insert(sequence::hash_kmer(kmer));
    });
    CHECK(expected.size() >= 1000);
    const std::vector<std::uint64_t> hashes(expected.begin(), expected.end());
    std::vector<IndexHit> hits;
    database.index().lookup(hashes, hits);
    REQUIRE(hits.size() == hashes.size());
    for (const auto& hit : hits) {
      const auto members = database.set(database.units()[hit.unit].set);
      REQUIRE(std::ranges::binary_search(members, static_cast<std::uint32_t>(g)));
    }
    for (const auto hash : hashes)
      REQUIRE((hash < database.parameters().base_threshold || database.dense_filter().may_contain(hash)));
  }
}

TEST_CASE("the bytes of a database do not depend on the number of threads") {
  const World world;
  world.build("one.db", 1);
  world.build("four.db", 4);
  CHECK(slurp(world.db("one.db")) == slurp(world.db("four.db")));
}

TEST_CASE("planted species are found with their abundance, the decoy is not, host and unknown reads are counted") {
  const World world;
  world.build("x.db");
  core::Random random(77);
  std::string first, second;
  const std::string alpha = mutated(random, world.genomes.at("alpha1"), 0.01);
  add_pairs(random, alpha, 1200, 0.003, first, second);                      // depth 2
  add_pairs(random, world.genomes.at("beta"), 90, 0.003, first, second);     // depth 0.2
  add_pairs(random, world.genomes.at("gamma"), 4000, 0.003, first, second);  // depth 4
  add_pairs(random, world.genomes.at("phage"), 30, 0.003, first, second);    // depth 1
  add_pairs(random, world.host, 1000, 0.003, first, second);
  add_pairs(random, world.unknown, 1500, 0.003, first, second);
  const auto profile = profile_of(world, "x.db", first, second);

  CHECK(profile.fragments == 7820);
  CHECK(profile.reads == 15640);
  CHECK(profile.host_fragments >= 995);
  CHECK(profile.host_fragments <= 1000);
  CHECK(profile.unknown_fraction == Approx(1500.0 / 6820).margin(0.01));
  CHECK(row_of(profile, 103) == nullptr);
  const std::map<std::uint64_t, double> depths{{100, 2.0}, {101, 0.2}, {102, 4.0}, {104, 1.0}};
  for (const auto& [taxid, depth] : depths) {
    const ProfileRow* row = row_of(profile, taxid);
    REQUIRE(row != nullptr);
    INFO(row->name);
    const double fragments = static_cast<double>(row->reads);
    CHECK(row->coverage == Approx(depth).epsilon(0.05 + 3 / std::sqrt(fragments)));
    CHECK(row->taxonomic_abundance == Approx(depth / 7.2).epsilon(0.06 + 3 / std::sqrt(fragments)));
    CHECK(row->lower < row->taxonomic_abundance);
    CHECK(row->upper > row->taxonomic_abundance);
  }
  CHECK(row_of(profile, 100)->ani == Approx(0.9925).margin(0.004));  // a quarter of the mutations restores the base
  CHECK(row_of(profile, 102)->ani == Approx(1.0).margin(0.003));
  CHECK(row_of(profile, 1000) != nullptr);  // the strain that was planted …
  const ProfileRow* sister = row_of(profile, 1001);
  if (sister != nullptr) CHECK(sister->taxonomic_abundance < 0.2 * row_of(profile, 100)->taxonomic_abundance);

  // The Kraken report adds up, node by node and in total.
  std::uint64_t direct = 0;
  for (const auto& row : profile.report) direct += row.direct;
  CHECK(direct == profile.fragments);
  CHECK(profile.report[0].clade + profile.report[1].clade == profile.fragments);
  for (std::size_t i = 1; i < profile.report.size(); ++i) {
    std::uint64_t below = profile.report[i].direct;
    for (std::size_t j = i + 1; j < profile.report.size() && profile.report[j].depth > profile.report[i].depth; ++j)
      if (profile.report[j].depth == profile.report[i].depth + 1) below += profile.report[j].clade;
    CHECK(below == profile.report[i].clade);
  }
  double taxonomic = 0, sequence = 0;
  for (const auto& row : profile.rows) {
    if (row.rank != "species") continue;
    taxonomic += row.taxonomic_abundance;
    sequence += row.sequence_abundance;
  }
  CHECK(taxonomic == Approx(1));
  CHECK(sequence == Approx(1));
}

TEST_CASE("a profile does not depend on the number of threads") {
  const World world;
  world.build("x.db");
  core::Random random(5);
  std::string first, second;
  for (const auto& [name, genome] : world.genomes) add_pairs(random, genome, 5000, 0.01, first, second);
  const auto one = profile_of(world, "x.db", first, second, 1), four = profile_of(world, "x.db", first, second, 4);
  Context run;
  const Database database(world.db("x.db"), run);
  CHECK(profile_tsv(database, one) == profile_tsv(database, four));
  CHECK(kraken_report(one) == kraken_report(four));
}

TEST_CASE("only host, or nothing at all: an empty profile that still adds up") {
  const World world;
  world.build("x.db");
  core::Random random(5);
  std::string first, second;
  add_pairs(random, world.host, 50, 0, first, second);
  const auto host = profile_of(world, "x.db", first, second);
  CHECK(host.host_fragments == 50);
  CHECK(host.rows.empty());
  CHECK(host.report[0].clade == 0);
  CHECK(host.report[1].clade == 50);
  CHECK(host.shannon == 0);
  CHECK(std::isfinite(host.unknown_fraction));
}

TEST_CASE("few reads give wide intervals") {
  const World world;
  world.build("x.db");
  core::Random random(6);
  std::string first, second, many_first, many_second;
  for (const char* name : {"alpha1", "gamma"}) {
    add_pairs(random, world.genomes.at(name), 10, 0, first, second);
    add_pairs(random, world.genomes.at(name), 2000, 0, many_first, many_second);
  }
  const auto few = profile_of(world, "x.db", first, second);
  const auto many = profile_of(world, "x.db", many_first, many_second);
  REQUIRE(row_of(few, 102) != nullptr);
  const auto width = [](const ProfileRow* row) { return row->upper - row->lower; };
  CHECK(width(row_of(few, 102)) > 5 * width(row_of(many, 102)));
  CHECK(width(row_of(few, 102)) > 0.2);
}

TEST_CASE("genomes without a taxon are left out and listed; a database without any is refused") {
  const World world;
  world.folder.write("genomes/orphan.fa", ">o\n" + std::string(2000, 'A') + std::string(3000, 'C') + "\n");
  const auto report = world.build("x.db");
  CHECK(report.without_taxon == std::vector<std::string>{"orphan"});
  CHECK(report.genomes == 6);
  auto options = world.options();
  options.genome_taxa = world.folder.write("none.tsv", "genome\ttaxid\nelse\t100\n");
  std::string message;
  CHECK(status_of([&] { world.build("y.db", options); }, message) == core::Status::kBadInput);
  CHECK(message.find("no genome has a taxon") != std::string::npos);
  CHECK_FALSE(fs::exists(world.db("y.db")));
}

TEST_CASE("broken genomes and lists") {
  const World world;
  std::string message;
  const auto status = [&](const std::string& file, const std::string& text) {
    const fs::path path = world.folder.write("bad/" + file, text);
    auto options = world.options();
    options.genomes = world.folder.path / "bad";
    const auto result = status_of([&] { world.build("bad.db", options); }, message);
    CHECK(message.find("bad") != std::string::npos);
    CHECK_FALSE(fs::exists(world.db("bad.db")));
    fs::remove(path);
    return result;
  };
  const auto bad = core::Status::kBadInput;
  CHECK(status("alpha1.fa", "") == bad);
  CHECK(status("alpha1.fa", "no header\nACGT\n") == bad);
  CHECK(status("alpha1.fa", ">a\nMKVLAAGIVGLCAKQEF\n") == bad);
  CHECK(message.find(":2") != std::string::npos);
  CHECK(status("alpha1.fa", ">a\nACGT\n>a\nACGT\n") == bad);
  CHECK(status("alpha1.fa", ">a\nNNNNNNNN\n") == bad);
  CHECK(status("alpha1.fa", ">a\n>b\nACGT\n") == bad);
  CHECK(status("alpha1.fa", std::string(">a\nAC\0GT\n", 9)) == bad);
  CHECK(status("alpha1.fa", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10)) == bad);
  CHECK(status("readme.txt", "nothing here") == bad);
  world.folder.write("bad/alpha1.fa", ">a\nACGT\n");
  CHECK(status("alpha1.fna", ">a\nACGT\n") == bad);
  CHECK(message.find("'alpha1' appears a second time") != std::string::npos);
  auto options = world.options();
  options.genomes = world.folder.path / "absent";
  CHECK(status_of([&] { world.build("bad.db", options); }, message) == core::Status::kNoInput);
  options.genomes = world.folder.write("list.txt", "genomes/alpha1.fa\ngenomes/absent.fa\n");
  CHECK(status_of([&] { world.build("bad.db", options); }, message) == core::Status::kNoInput);
  options.genomes = world.folder.write("table.tsv", "genome\tpath\nalpha1\tgenomes/alpha1.fa\n");
  CHECK(status_of([&] { world.build("bad.db", options); }, message) == bad);
  options.genomes = world.folder.write("list.txt", "# all\ngenomes/alpha1.fa\n\ngenomes/beta.fa\n");
  CHECK(world.build("list.db", options).genomes == 2);
  options.genomes = world.folder.write("table.tsv", "genome\tfile\nalpha1\tgenomes/alpha2.fa\n");
  CHECK(world.build("table.db", options).genomes == 1);
}

TEST_CASE("a truncated, altered or foreign database is refused") {
  const World world;
  auto options = world.options();
  options.genomes = world.folder.write("list.txt", "genomes/phage.fa\n");
  options.host.reset();
  world.build("x.db", options);
  const std::string good = slurp(world.db("x.db"));
  core::Random random(8);
  const auto status = [&](const std::string& bytes) {
    const fs::path path = world.folder.write("broken.db", bytes);
    std::string message;
    const auto result = status_of(
        [&] {
          Context run;
          const Database database(path, run);
        },
        message);
    if (result != core::Status::kOk) {
      CHECK(message.find("broken.db") != std::string::npos);
    }
    return result;
  };
  REQUIRE(status(good) == core::Status::kOk);
  CHECK(status("") == core::Status::kBadInput);
  CHECK(status("IMMUCAN\n") == core::Status::kBadInput);
  CHECK(status("something else altogether, and rather longer than a header would be") == core::Status::kBadInput);
  for (int i = 0; i < 40; ++i) CHECK(status(good.substr(0, random.below(good.size()))) == core::Status::kBadInput);
  int noticed = 0;
  for (int i = 0; i < 60; ++i) {
    std::string bytes = good;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    noticed += status(bytes) == core::Status::kBadInput ? 1 : 0;
  }
  CHECK(noticed >= 55);  // bytes of padding between sections are free
  std::string message;
  Context run;
  CHECK(status_of([&] { const Database database(world.folder.path / "absent.db", run); }, message) ==
        core::Status::kNoInput);
}

TEST_CASE("the truncated Poisson rate is the one that was planted") {
  core::Random random(4);
  for (const double lambda : {0.2, 1.0, 5.0}) {
    std::vector<std::uint64_t> histogram(64);
    for (int i = 0; i < 200000; ++i) ++histogram[std::min<std::uint64_t>(random.poisson(lambda), 63)];
    CHECK(truncated_poisson_rate(histogram, 1, 62) == Approx(lambda).epsilon(0.02));
    CHECK(truncated_poisson_rate(histogram, 2, 9) == Approx(lambda).epsilon(0.05));
    CHECK(truncated_poisson_rate(histogram, 1, 4) == Approx(lambda).epsilon(0.05));
  }
  CHECK(truncated_poisson_rate(std::vector<std::uint64_t>{0, 10, 0, 0}, 1, 2) == 0);
  CHECK(truncated_poisson_rate(std::vector<std::uint64_t>{0, 0, 0, 0}, 1, 2) == 0);
}

TEST_CASE("the probability of an empty read is that of a simulation") {
  core::Random random(12);
  constexpr unsigned k = 31;
  constexpr std::size_t length = 120;
  constexpr double lookups = 9;
  for (const double intact : {0.3, 0.6, 0.9}) {
    const double different = 1 - std::pow(intact, 1.0 / k);
    int empty = 0;
    constexpr int kReads = 40000;
    for (int read = 0; read < kReads; ++read) {
      std::size_t run = 0;
      bool hit = false;
      for (std::size_t i = 0; i < length && !hit; ++i) {
        run = random.bernoulli(different) ? 0 : run + 1;
        // Sampling at the rate that gives `lookups` k-mers per read, as a Poisson process.
        hit = run >= k && random.bernoulli(1 - std::exp(-lookups / static_cast<double>(length - k + 1)));
      }
      empty += hit ? 0 : 1;
    }
    const double share = static_cast<double>(empty) / kReads;
    CHECK(empty_read_probability(intact, k, length, lookups) ==
          Approx(share).margin(5 * std::sqrt(share * (1 - share) / kReads)));
  }
  CHECK(empty_read_probability(0.5, 31, 20, 9) == 1);
  CHECK(empty_read_probability(0, 31, 100, 9) == 1);
}

TEST_CASE("fragments from stretches that the database lacks are estimated") {
  // The sample's strain: stretches of 4 kb of the reference in turn with stretches of its own, a fifth of it.
  const World world;
  world.build("x.db");
  core::Random random(15);
  std::string strain;
  const std::string& reference = world.genomes.at("gamma");
  std::size_t own = 0;
  for (std::size_t at = 0; at < reference.size(); at += 16000) {
    strain += reference.substr(at, 16000) + random_genome(random, 4000);
    own += 4000;
  }
  std::string first, second;
  add_pairs(random, strain, 20000, 0.003, first, second);
  const auto profile = profile_of(world, "x.db", first, second);
  const double lost = static_cast<double>(own) / static_cast<double>(strain.size());
  CHECK(profile.classified_fraction < 1 - 0.8 * lost);
  CHECK(profile.known_fraction > 1 - 0.7 * lost);
  CHECK(profile.known_fraction <= 1);
}

TEST_CASE("survival is where the quotients of species pile up, not the smallest one") {
  const std::vector<SurvivalQuotient> quotients{{0.906, 0.003}, {0.911, 0.004}, {0.909, 0.002}, {1.21, 0.004},
                                                {1.48, 0.01},   {0.86, 0.03},   {1.03, 0.004}};
  CHECK(estimate_survival(quotients) == Approx(0.909).margin(0.004));
  CHECK(estimate_survival({}) == Approx(0.91));
  CHECK(estimate_survival(std::vector<SurvivalQuotient>{{1.9, 0.002}}) <= 1.0);
}

TEST_CASE("depth of k-mers is the mean of uneven ones too, and repeats do not matter") {
  core::Random random(5);
  std::vector<std::uint64_t> histogram(256);
  double sum = 0;
  for (int i = 0; i < 40000; ++i) {
    const double depth = 10 * (0.6 + 0.8 * random.uniform());  // e.g. by composition
    double limit = std::exp(-depth), product = random.uniform();
    std::size_t count = 0;
    for (; product > limit; ++count) product *= random.uniform();
    ++histogram[std::min<std::size_t>(count, 255)];
    sum += depth / 40000;
  }
  histogram[0] = 0;
  for (std::size_t x = 80; x < 120; ++x) histogram[x] += 20;
  CHECK(fit_kmer_depth(histogram, 1).depth == Approx(sum).epsilon(0.02));
}

TEST_CASE("a quotient of depths is believed where it is sure, and shrinks only where genomes differ in length") {
  CHECK(content_correction(1.4, 0.002, 0, false).factor == Approx(1.4).epsilon(0.02));
  CHECK(content_correction(1.01, 0.002, 0, false).factor == Approx(1).margin(0.01));
  CHECK(content_correction(1.2, 0.2, 0, false).factor < 1.05);
  CHECK(content_correction(0.8, 0.002, 0, false).factor == 1);
  CHECK(content_correction(0.8, 0.002, 0, true).factor == Approx(0.8).epsilon(0.02));
  CHECK(content_correction(1.2, 0.002, 0.2, false).factor < 1.1);
}
