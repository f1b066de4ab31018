// Building in little memory, going on after an interruption, adding to a database and joining several.
#include <catch2/catch.hpp>
#include <functional>

#include "core/error.h"
#include "microbiome/database_info.h"
#include "microbiome/kmer_runs.h"
#include "microbiome/work_folder.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

std::string message_of(const std::function<void()>& action, core::Status status = core::Status::kBadInput) {
  try {
    action();
  } catch (const core::Error& error) {
    CHECK(error.status() == status);
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

/// A list of some of the world's genomes.
fs::path list(const World& world, const std::string& name, const std::vector<std::string>& genomes) {
  std::string text;
  for (const std::string& genome : genomes) text += "genomes/" + genome + ".fa\n";
  return world.folder.write(name, text);
}

BuildOptions options_of(const World& world, const std::string& name, const std::vector<std::string>& genomes,
                        bool host) {
  BuildOptions options = world.options();
  options.genomes = list(world, name + ".txt", genomes);
  if (!host) options.host.reset();
  return options;
}

}  // namespace

TEST_CASE("what is packed is unpacked, and broken bytes are noticed") {
  core::Random random(11);
  std::vector<Occurrence> items;
  for (int i = 0; i < 3000; ++i)
    items.push_back({(std::uint64_t{7} << 56) | (random.next() >> 8), static_cast<std::uint32_t>(random.below(200000)),
                     static_cast<std::uint32_t>(random.below(900))});
  items.push_back({std::uint64_t{7} << 56, 0, 0xffffffff});
  items.push_back({(std::uint64_t{8} << 56) - 1, 0xfffffffe, 0});
  auto sorted = items;
  sort_occurrences(sorted);
  CHECK(std::ranges::is_sorted(sorted));
  std::ranges::sort(items);
  CHECK(items == sorted);
  std::string packed;
  pack(sorted, packed);
  std::vector<Occurrence> back;
  REQUIRE(unpack(packed, 7, back));
  CHECK(back == sorted);
  CHECK(packed.size() < 14 * items.size());
  std::string two_parts;
  pack(std::vector<Occurrence>{{std::uint64_t{7} << 56, 0, 0}, {std::uint64_t{9} << 56, 0, 0}}, two_parts);
  CHECK_FALSE(unpack(two_parts, 7, back));
  CHECK_FALSE(unpack(std::string_view(packed).substr(0, packed.size() - 1), 7, back));
  CHECK_FALSE(unpack(std::string(12, '\xff'), 7, back));
  std::vector<Occurrence> three{{1, 0, 4}, {2, 1, 5}, {3, 2, 6}};
  renumber(three, 1, std::vector<std::uint32_t>{9, kLeftOut, 8});
  CHECK(three == std::vector<Occurrence>{{1, 0, 4}, {3, 8, 6}});
}

TEST_CASE("the bytes of a database do not depend on the memory") {
  const World world;
  world.build("x.db");
  for (const unsigned threads : {1U, 4U}) {
    auto options = world.options();
    options.memory = 100000;
    world.build("small.db", options, threads);
    CHECK(slurp(world.db("small.db")) == slurp(world.db("x.db")));
    CHECK(fs::exists(world.db("small.db.work/run.1")));
    WorkFolder::remove(world.db("small.db.work"));
    CHECK_FALSE(fs::exists(world.db("small.db.work")));
  }
}

TEST_CASE("an interrupted build goes on without reading what it has read") {
  const World world;
  world.build("x.db");
  auto options = world.options();
  options.memory = 100000;
  options.work_folder = world.folder.path / "work";
  const auto interrupted = [&] {
    Context run;
    core::OutputFile full("/dev/full");
    (void)build_database(options, run, full);
    full.commit();
  };
  (void)message_of(interrupted, core::Status::kIoError);
  REQUIRE(fs::exists(options.work_folder / "plan"));
  REQUIRE(fs::exists(options.work_folder / "run.0"));
  // A genome that is read again would now be another one.
  const auto beta = world.folder.path / "genomes/alpha1.fa";
  const auto time = fs::last_write_time(beta);
  std::string text = slurp(beta);
  std::ranges::replace(text, 'A', 'C');
  world.folder.write("genomes/alpha1.fa", text);
  fs::last_write_time(beta, time);
  world.build("y.db", options);
  CHECK(slurp(world.db("y.db")) == slurp(world.db("x.db")));

  SECTION("another build does not take it over") {
    options.minimum_sampled = 900;
    world.build("z.db", options);
    CHECK(slurp(world.db("z.db")) != slurp(world.db("x.db")));
  }
  SECTION("nor does one of genomes that have changed since") {
    fs::last_write_time(beta, time + std::chrono::seconds(5));
    world.build("z.db", options);
    CHECK(slurp(world.db("z.db")) != slurp(world.db("x.db")));
  }
  SECTION("a damaged run is refused") {
    std::string run = slurp(options.work_folder / "run.0");
    run[run.size() / 2] = static_cast<char>(run[run.size() / 2] ^ 1);
    world.folder.write("work/run.0", run);
    const std::string message = message_of([&] { world.build("z.db", options); });
    CHECK(has(message, "run.0"));
    CHECK(has(message, "Remove the folder work and build again."));
  }
  SECTION("a folder of something else is not touched") {
    options.work_folder = world.folder.path / "genomes";
    const std::string message = message_of([&] { world.build("z.db", options); }, core::Status::kCannotCreate);
    CHECK(has(message, "genomes: this is not the folder of an interrupted build. Move it away."));
  }
}

TEST_CASE("adding to a database and joining databases give the bytes of one build") {
  const World world;
  world.build("x.db");
  world.build("a.db", options_of(world, "a", {"gamma", "alpha1", "phage"}, true));
  auto more = options_of(world, "b", {"beta", "alpha2", "decoy"}, false);
  world.build("b.db", more);

  more.existing = {world.db("a.db")};
  const auto report = world.build("updated.db", more);
  CHECK(report.taken_over == 3);
  CHECK(report.genomes == 6);
  CHECK(report.newly_dense == 0);
  CHECK(slurp(world.db("updated.db")) == slurp(world.db("x.db")));

  BuildOptions join;
  join.existing = {world.db("b.db"), world.db("a.db")};
  world.build("joined.db", join);
  CHECK(slurp(world.db("joined.db")) == slurp(world.db("x.db")));

  // Small genomes that come later: their additional k-mers were not looked for in what was there before.
  auto phage = options_of(world, "c", {"phage"}, false);
  world.build("rest.db", options_of(world, "d", {"gamma", "alpha1", "beta", "alpha2", "decoy"}, true));
  phage.existing = {world.db("rest.db")};
  CHECK(world.build("later.db", phage).newly_dense == 1);
  Context run;
  const Database later(world.db("later.db"), run), all(world.db("x.db"), run);
  CHECK(later.genomes().size() == all.genomes().size());
  CHECK(later.units().size() == all.units().size());
}

TEST_CASE("databases that do not fit together are refused") {
  const World world;
  world.build("a.db", options_of(world, "a", {"alpha1", "alpha2"}, true));
  auto options = options_of(world, "b", {"beta"}, false);
  const auto refused = [&](core::Status status = core::Status::kBadInput) {
    return message_of([&] { world.build("no.db", options); }, status);
  };
  options.existing = {world.db("a.db")};
  SECTION("a genome twice") {
    options.genomes = list(world, "c.txt", {"alpha2", "beta"});
    CHECK(has(refused(), "a.db: the genome 'alpha2' is in it already. Keep one of both."));
  }
  SECTION("a second host") {
    options.host = world.folder.path / "host.fa";
    CHECK(has(refused(), "a.db: it has a host already. Leave --host out, or build anew."));
  }
  SECTION("another k") {
    auto other = options_of(world, "c", {"beta"}, false);
    other.kmer_length = 21;
    world.build("k.db", other);
    options.existing.push_back(world.db("k.db"));
    CHECK(has(refused(), "k.db: k 21, one k-mer in 16, at least 1000 differ from the k 31"));
  }
  SECTION("taxids of lineages") {
    options.taxonomy.reset();
    options.genome_taxa.reset();
    options.lineages = world.folder.write("l.tsv", "genome\tspecies\nbeta\tS beta\n");
    CHECK(has(refused(), "a.db: its taxids are of NCBI's taxonomy, those of the table or database are not."));
  }
  SECTION("a taxonomy without the genomes that are there") {
    options.taxonomy = world.folder.path / "other";
    options.genome_taxa = world.folder.write("t.tsv", "genome\ttaxid\nbeta\t5\n");
    world.folder.write("other/nodes.dmp", "1 | 1 | no rank |\n5 | 1 | species |\n");
    world.folder.write("other/names.dmp", "5 | x | | scientific name |\n");
    CHECK(has(refused(), "a.db: the taxid 1000 of the genome 'alpha1' is not in the taxonomy given."));
  }
  SECTION("taxonomies that contradict each other") {
    auto other = options_of(world, "c", {"beta"}, false);
    other.taxonomy = world.folder.path / "other";
    world.folder.write("other/nodes.dmp", "1 | 1 | no rank |\n10 | 1 | family |\n101 | 10 | species |\n");
    world.folder.write("other/names.dmp", "1 | root | | scientific name |\n101 | x | | scientific name |\n");
    world.build("t.db", other);
    BuildOptions join;
    join.existing = {world.db("a.db"), world.db("t.db")};
    options = join;
    CHECK(has(refused(), "t.db: taxid 10 (taxid 10) stands elsewhere in the other database's taxonomy."));
  }
  SECTION("no database at all") {
    options.existing = {world.folder.path / "host.fa"};
    CHECK(has(refused(), "host.fa"));
  }
}

TEST_CASE("lineages of a database and of a new table are joined") {
  const World world;
  const std::string head = "genome\tgenus\tspecies\n", alpha = "alpha1\tG\tG alpha\n", gamma = "gamma\tO\tO gamma\n";
  BuildOptions options;
  options.genomes = list(world, "a.txt", {"gamma"});
  options.lineages = world.folder.write("a.tsv", head + gamma);
  options.host = world.folder.path / "host.fa";
  world.build("a.db", options);
  options.host.reset();
  options.existing = {world.db("a.db")};
  options.genomes = list(world, "b.txt", {"alpha1"});
  options.lineages = world.folder.write("b.tsv", head + alpha);
  world.build("ab.db", options);
  BuildOptions all;
  all.genomes = list(world, "c.txt", {"gamma", "alpha1"});
  all.lineages = world.folder.write("c.tsv", head + alpha + gamma);
  all.host = world.folder.path / "host.fa";
  world.build("all.db", all);
  CHECK(slurp(world.db("ab.db")) == slurp(world.db("all.db")));
}

TEST_CASE("genomes without a taxon and taxa without a genome are listed") {
  const World world;
  auto options = world.options();
  options.genome_taxa = world.folder.write("t.tsv", "genome\ttaxid\nalpha1\t1000\nbeta\t77\n");
  const auto report = world.build("x.db", options);
  CHECK(report.without_taxon == std::vector<std::string>{"alpha2", "beta", "decoy", "gamma", "phage"});
  std::vector<std::uint64_t> empty;
  for (std::size_t i = 0; i < report.taxonomy.size(); ++i)
    if (report.has_genome[i] == 0) empty.push_back(report.taxonomy.nodes()[i].taxid);
  CHECK(empty == std::vector<std::uint64_t>{11, 101, 102, 103, 104, 1001});
}

TEST_CASE("a merged taxid is followed beside a host that the taxonomy lacks") {
  const World world;
  world.folder.write("taxonomy/merged.dmp", "55 | 101 |\n");
  auto options = world.options();
  options.host_taxid = 9999;
  options.genome_taxa = world.folder.write("t.tsv", "genome\ttaxid\nbeta\t55\n");
  CHECK(world.build("x.db", options).genomes == 1);
}

TEST_CASE("a host is sampled one in 25 where microbes are sampled more thinly, and does not win by that") {
  const World world;
  auto options = world.options();
  options.density = 200;
  options.minimum_sampled = 0;
  world.build("x.db", options);
  Context run;
  const Database database(world.db("x.db"), run);
  const double microbes = static_cast<double>(database.genomes()[3].kmers) / 90000;
  CHECK(database.genome_name(3) == "beta");
  CHECK(microbes == Approx(1.0 / 200).epsilon(0.2));
  CHECK(static_cast<double>(database.genomes()[0].kmers) / 300000 == Approx(1.0 / 25).epsilon(0.05));
  core::Random random(3);
  std::string first, second;
  add_pairs(random, world.host, 1000, 0.003, first, second);
  add_pairs(random, world.genomes.at("gamma"), 1000, 0.003, first, second);
  const auto profile = profile_of(world, "x.db", first, second);
  CHECK(profile.host_fragments >= 985);
  CHECK(profile.host_fragments <= 1000);
}

TEST_CASE("what a database holds, and its check") {
  const World world;
  world.build("x.db");
  Context run;
  const Database database(world.db("x.db"), run, true);
  const std::string info = database_info(database);
  CHECK(has(info, "\"genomes\": 6,"));
  CHECK(has(info, "\"densely_sampled_genomes\": 1,"));
  CHECK(has(info, "\"taxonomy\": \"ncbi\","));
  CHECK(has(info, "\"name\": \"Homo sapiens\","));
  CHECK_NOTHROW(check_database(database, run));
  const std::string whole = slurp(world.db("x.db"));
  core::Random random(8);
  for (int i = 0; i < 300; ++i) {
    std::string text = whole;
    text[random.below(text.size())] ^= static_cast<char>(1 << random.below(8));
    const fs::path damaged = world.folder.write("damaged.db", text);
    for (const bool map : {false, true})
      CHECK(has(message_of([&] { const Database bad(damaged, run, map); }), "damaged.db"));
  }
}
