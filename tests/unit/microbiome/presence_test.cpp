// What is taken for a present species, for a relative of one, and for the host.
#include <catch2/catch.hpp>

#include "world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

const ProfileRow* species_row(const SampleProfile& profile, std::uint64_t taxid) {
  for (const ProfileRow& row : profile.rows)
    if (row.taxid == taxid) return &row;
  return nullptr;
}

}  // namespace

TEST_CASE("a relative outside the species is no species of the database but a novel one of the genus") {
  const World world;
  world.build("x.db");
  core::Random random(21);
  std::string first, second;
  add_pairs(random, world.genomes.at("beta"), 2000, 0.003, first, second);
  // 0.12 × 3/4: 91 % identical to gamma, evenly all over the genome.
  add_pairs(random, mutated(random, world.genomes.at("gamma"), 0.12), 3000, 0.003, first, second);
  const auto profile = profile_of(world, "x.db", first, second);
  CHECK(species_row(profile, 101) != nullptr);
  CHECK(species_row(profile, 102) == nullptr);
  REQUIRE(profile.novel.size() == 1);
  CHECK(profile.novel[0].ani == Approx(0.91).margin(0.012));
  CHECK(profile.novel[0].estimated_fragments == Approx(3000).epsilon(0.35));
  CHECK(profile.unknown_fraction == Approx(0.6).margin(0.02));
}

TEST_CASE("strains at the edge of their species are present") {
  const World world;
  world.build("x.db");
  core::Random random(22);
  std::string first, second;
  add_pairs(random, mutated(random, world.genomes.at("gamma"), 0.04), 3000, 0.003, first, second);  // 97 %
  const auto profile = profile_of(world, "x.db", first, second);
  REQUIRE(species_row(profile, 102) != nullptr);
  CHECK(species_row(profile, 102)->ani == Approx(0.97).margin(0.003));
  CHECK(profile.novel.empty());
  // Of 97 % identical reads some show no k-mer at all; they are made up for.
  CHECK(profile.known_fraction == Approx(1).margin(0.01));
}

TEST_CASE("fragments of one element are not a species, however many") {
  const World world;
  world.build("x.db");
  core::Random random(23);
  std::string first, second;
  add_pairs(random, world.genomes.at("beta"), 1000, 0.003, first, second);
  add_pairs(random, world.genomes.at("decoy").substr(100000, 4000), 5, 0.003, first, second);
  CHECK(species_row(profile_of(world, "x.db", first, second), 103) == nullptr);
  add_pairs(random, world.genomes.at("decoy").substr(100000, 4000), 300, 0.003, first, second);
  CHECK(species_row(profile_of(world, "x.db", first, second), 103) == nullptr);
}

TEST_CASE("reads of the host with variants and errors are removed, and no others") {
  const World world;
  world.build("x.db");
  core::Random random(24);
  const auto host_of = [&](const std::string& genome, int pairs, double errors) {
    std::string first, second;
    add_pairs(random, genome, pairs, errors, first, second);
    return profile_of(world, "x.db", first, second).host_fragments;
  };
  CHECK(host_of(world.host, 4000, 0) >= 3980);  // 99.5 %
  std::string variant = mutated(random, world.host, 0.0013);
  for (std::size_t at = 5000; at + 10 < variant.size(); at += 7000) variant.erase(at, 1 + at % 5);
  CHECK(host_of(variant, 4000, 0.0067) >= 3960);  // 0.1 % SNPs, indels, 0.5 % errors: 99 %
  CHECK(host_of(world.genomes.at("gamma"), 8000, 0.005) == 0);
  CHECK(host_of(world.unknown, 8000, 0.005) == 0);
}

TEST_CASE("two strains of a species are both reported") {
  const World world;
  world.build("x.db");
  core::Random random(25);
  std::string first, second;
  add_pairs(random, world.genomes.at("alpha1"), 240, 0.003, first, second);  // depth 0.4 each, 97.75 % identical
  add_pairs(random, world.genomes.at("alpha2"), 240, 0.003, first, second);
  const auto profile = profile_of(world, "x.db", first, second);
  REQUIRE(species_row(profile, 1000) != nullptr);
  REQUIRE(species_row(profile, 1001) != nullptr);
  CHECK(species_row(profile, 1000)->coverage == Approx(0.4).epsilon(0.25));
  CHECK(species_row(profile, 1001)->coverage == Approx(0.4).epsilon(0.25));
}

TEST_CASE("long reads with errors find their species") {
  const World world;
  world.build("x.db");
  core::Random random(26);
  std::string text;
  for (int i = 0; i < 120; ++i) {
    const std::string& genome = world.genomes.at("gamma");
    text += ">l" + std::to_string(i) + "\n" +
            mutated(random, genome.substr(random.below(genome.size() - 5000), 5000), 0.1) + "\n";  // 7.5 % errors
  }
  Context run;
  const Database database(world.db("x.db"), run);
  const auto counts = count_sample(database, {{{world.folder.write("long.fa", text)}}}, run);
  const auto profile = make_profile(database, counts, estimate_abundance(database, counts));
  REQUIRE(species_row(profile, 102) != nullptr);
  CHECK(species_row(profile, 102)->coverage == Approx(3).epsilon(0.3));
  CHECK(species_row(profile, 103) == nullptr);
}

TEST_CASE("species are found where fragments hold hardly a sampled k-mer, and what is unknown stays so") {
  const World world;
  auto options = world.options();
  options.density = 150;
  options.minimum_sampled = 0;
  world.build("thin.db", options);
  core::Random random(27);
  std::string first, second;
  add_pairs(random, world.genomes.at("beta"), 60, 0.003, first, second);
  add_pairs(random, mutated(random, world.genomes.at("gamma"), 0.02), 4000, 0.003, first, second);  // 98.5 %
  add_pairs(random, world.unknown, 4000, 0.003, first, second);
  const auto profile = profile_of(world, "thin.db", first, second);
  CHECK(species_row(profile, 101) != nullptr);
  CHECK(species_row(profile, 103) == nullptr);
  REQUIRE(species_row(profile, 102) != nullptr);
  CHECK(species_row(profile, 102)->ani == Approx(0.985).margin(0.003));
  CHECK(species_row(profile, 102)->coverage == Approx(4).epsilon(0.1));
  CHECK(profile.known_fraction == Approx(4060.0 / 8060).margin(0.06));  // of gamma some 1,300 k-mers are sampled
}

TEST_CASE("a relative at high depth that shares few k-mers is not the species") {
  const World world;
  world.build("x.db");
  core::Random random(28);
  std::string first, second;
  add_pairs(random, world.genomes.at("beta"), 1000, 0.003, first, second);
  // Every second kilobase is alike (97 %), the rest is another genome: of a strain far more would be there.
  const std::string relative = mutated(random, world.genomes.at("gamma"), 0.25);
  const std::string similar = mutated(random, world.genomes.at("gamma"), 0.07);
  std::string mosaic = relative;
  for (std::size_t at = 0; at + 1000 <= mosaic.size(); at += 4000) mosaic.replace(at, 1000, similar, at, 1000);
  add_pairs(random, mosaic, 20000, 0.003, first, second);
  CHECK(species_row(profile_of(world, "x.db", first, second), 102) == nullptr);
}
