// How much of a strain the database lacks: planted stretches, planted mixtures, and a planted strain.
#include "microbiome/missing_content.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "microbiome/depth_profile.h"
#include "microbiome/piece_mixture.h"
#include "microbiome/stretch_lengths.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

/// Fragments on a line, joined where two of them overlap by enough: lengths of the pieces.
std::vector<double> piece_lengths(core::Random& random, const MateShape& shape, double depth, double length) {
  std::vector<double> begins;
  const auto count = random.poisson(shape.fragments_per_base(depth) * length);
  for (std::uint64_t i = 0; i < count; ++i) begins.push_back(random.uniform() * length);
  std::ranges::sort(begins);
  std::vector<double> lengths;
  double first = begins[0], last = begins[0] + shape.insert;
  for (const double begin : begins) {
    if (begin > last - shape.overlap) {
      lengths.push_back(last - first);
      first = begin;
    }
    last = begin + shape.insert;
  }
  return lengths;
}

/// A genome of words drawn with the given shares of the letters.
std::string biased_genome(core::Random& random, std::size_t length, double gc) {
  std::string text(length, 'A');
  for (char& base : text) base = random.bernoulli(gc) ? "GC"[random.below(2)] : "AT"[random.below(2)];
  return text;
}

Composition composition_of_text(const std::string& text) {
  WordCounts counts{};
  count_words(text, counts);
  return composition_of(counts);
}

}  // namespace

TEST_CASE("pieces break off as often as Lander and Waterman say") {
  core::Random random(21);
  const MateShape shape{150, 350, 65};
  for (const double depth : {2.0, 4.0, 6.0}) {
    const auto lengths = piece_lengths(random, shape, depth, 2e7);
    double bases = 0;
    for (const double length : lengths) bases += length;
    // The overlap that the next fragment would have needed is not walked.
    const double walked = bases - static_cast<double>(lengths.size()) * shape.overlap;
    CHECK(static_cast<double>(lengths.size()) / walked == Approx(shape.breaks(depth)).epsilon(0.05));
  }
  double fragments = 0, small = 0;
  const double rate = shape.fragments_per_base(1.5);
  for (int piece = 0; piece < 200000; ++piece) {
    int members = 1;
    while (random.exponential(rate) < shape.insert - shape.overlap) ++members;
    fragments += members;
    if (2 * members < 8) small += members;
  }
  CHECK(shape.in_small_pieces(1.5, 8) == Approx(small / fragments).epsilon(0.02));
}

TEST_CASE("censored walks tell how much lies beyond them") {
  // Stretches of the assumed distribution at several scales, broken by chance; what no piece from an end holds is
  // asked.
  const MateShape shape{150, 350, 65};
  for (const double scale : {600.0, 900.0, 1500.0}) {
    for (const double depth : {4.0, 6.0}) {
      core::Random random(static_cast<std::uint64_t>(scale * depth));
      const double breaks = shape.breaks(depth), rate = shape.fragments_per_base(depth);
      std::vector<StretchWalk> walks;
      double hidden = 0;
      for (int i = 0; i < 4000; ++i) {
        const double beyond = scale * (std::pow(random.uniform(), -1 / 0.9) - 1);
        const double length = std::min(50000.0, beyond) + shape.shortest();
        const bool left = random.bernoulli(shape.end_seen(depth)), right = random.bernoulli(shape.end_seen(depth));
        const double first = shape.read + random.exponential(breaks), last = shape.read + random.exponential(breaks);
        if (first >= length) {
          if (left || right) walks.push_back({length, depth, left && right});
          if (!left && !right) hidden += length * rate;
          continue;
        }
        double seen = 0;
        for (const auto& [found, reach] : {std::pair{left, first}, std::pair{right, std::min(last, length - first)}}) {
          if (!found) continue;
          if (reach > shape.shortest()) walks.push_back({reach, depth, false});
          seen += reach;
        }
        hidden += (length - seen) * rate;
      }
      CAPTURE(scale, depth, walks.size());
      CHECK(fragments_beyond(walks, shape) == Approx(hidden).epsilon(0.25));
    }
  }
  CHECK(fragments_beyond({}, shape) == 0);
}

TEST_CASE("a depth profile supports the depths it holds") {
  DepthProfile profile;
  profile.add(std::log(5.0), 0.07, 2);
  profile.add(std::log(12.0), 0.08, 1);
  profile.normalise();
  const double variance = 0.06 * 0.06;
  CHECK(profile.support(std::log(5.0), variance) > 0.3);
  CHECK(profile.support(std::log(12.0), variance) > 0.15);
  CHECK(profile.support(std::log(8.0), variance) < 0.01);
  CHECK(profile.log_density(std::log(5.0), variance) > profile.log_density(std::log(12.0), variance));
  CHECK(std::isfinite(profile.log_density(std::log(1e6), variance)));
}

TEST_CASE("pieces are divided by depth and composition") {
  core::Random random(31);
  const std::string own = biased_genome(random, 60000, 0.38), stranger = biased_genome(random, 200000, 0.60),
                    twin = biased_genome(random, 60000, 0.40), host = biased_genome(random, 80000, 0.47);
  std::vector<MixturePiece> pieces;
  std::vector<int> owner;
  const auto add = [&](const std::string& genome, double depth, int who) {
    for (std::size_t begin = 0; begin + 4000 <= genome.size(); begin += 4000)
      pieces.push_back({std::log(depth) + random.normal(0, 0.06), 0.05 * 0.05, 4000,
                        composition_of_text(genome.substr(begin, 4000))}),
          owner.push_back(who);
  };
  add(own, 5, 0);
  add(stranger, 5.2, 1);  // unknown, of the species' depth: told apart by composition
  add(twin, 11, 2);       // unknown, of the species' composition: told apart by depth
  add(host, 7, 3);
  MixtureSpecies species;
  species.depths.add(std::log(5.0), 0.07, 1);
  species.depths.normalise();
  species.genome = species.lacking = composition_of_text(biased_genome(random, 100000, 0.38));
  species.expected_bases = 40000;
  const Composition host_composition = composition_of_text(biased_genome(random, 100000, 0.47));
  const auto memberships = divide_pieces(pieces, std::span(&species, 1), &host_composition);
  REQUIRE(memberships.size() == pieces.size());
  std::vector<double> share(4), count(4);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    share[static_cast<std::size_t>(owner[i])] += memberships[i];
    ++count[static_cast<std::size_t>(owner[i])];
  }
  CHECK(share[0] > 0.9 * count[0]);
  for (const std::size_t other : {1U, 2U, 3U}) CHECK(share[other] < 0.05 * count[other]);
  CHECK(divide_pieces({}, std::span(&species, 1), nullptr).empty());
}

namespace {

/// Two strains of a species: the sample's has islands that the database's lacks; beside it an unknown genome.
struct StrainWorld {
  Folder folder;
  double lost_share = 0;
  fs::path first, second;
  std::uint64_t fragments = 0;

  StrainWorld(std::uint64_t seed, double depth, const std::vector<std::size_t>& islands) {
    core::Random random(seed);
    const std::string known = biased_genome(random, 400000, 0.5);
    std::string strain;
    std::size_t at = 0, inserted = 0;
    for (const std::size_t island : islands) {
      strain += known.substr(at, known.size() / (islands.size() + 1)) + biased_genome(random, island, 0.47);
      at += known.size() / (islands.size() + 1);
      inserted += island;
    }
    strain += known.substr(at);
    folder.write("genomes/known.fa", ">known\n" + known + "\n");
    folder.write("genomes/other.fa", ">other\n" + biased_genome(random, 300000, 0.55) + "\n");
    folder.write("lineages.tsv", "genome\tlineage\nknown\tg__A;s__A one\nother\tg__B;s__B two\n");
    lost_share = static_cast<double>(inserted) / static_cast<double>(strain.size());
    std::string one, two;
    add_usual_pairs(random, strain, depth, one, two);
    own = fragments;
    add_usual_pairs(random, biased_genome(random, 300000, 0.35), 5, one, two);
    first = folder.write("r1.fq", one);
    second = folder.write("r2.fq", two);
  }

  void add_usual_pairs(core::Random& random, const std::string& genome, double depth, std::string& one,
                       std::string& two) {
    const auto pairs = static_cast<std::uint64_t>(depth * static_cast<double>(genome.size()) / 300);
    for (std::uint64_t i = 0; i < pairs; ++i, ++fragments) {
      const auto insert_length = static_cast<std::size_t>(std::clamp(random.normal(350, 40), 200.0, 500.0));
      std::string insert = genome.substr(random.below(genome.size() - insert_length), insert_length);
      if (random.bernoulli(0.5)) insert = reverse_complement(insert);
      const std::string name = "@r" + std::to_string(fragments);
      const auto record = [&](std::string read) {
        read = mutated(random, std::move(read), 0.004);
        return name + "\n" + read + "\n+\n" + std::string(read.size(), 'I') + "\n";
      };
      one += record(insert.substr(0, 150));
      two += record(reverse_complement(insert.substr(insert.size() - 150)));
    }
  }

  std::uint64_t own = 0;
};

SampleAbundance abundance_of(const StrainWorld& world) {
  Context run;
  BuildOptions options;
  options.genomes = world.folder.path / "genomes";
  options.lineages = world.folder.path / "lineages.tsv";
  core::OutputFile out(world.folder.path / "x.db");
  build_database(options, run, out);
  out.commit();
  const Database database(world.folder.path / "x.db", run);
  const auto counts = count_sample(database, {{{world.first, world.second}}}, run);
  return estimate_abundance(database, counts);
}

}  // namespace

TEST_CASE("fragments of islands that the database lacks are the strain's") {
  for (const double depth : {3.0, 8.0}) {
    const StrainWorld world(static_cast<std::uint64_t>(depth), depth, {1500, 12000, 3000, 25000, 800, 6000});
    const SampleAbundance abundance = abundance_of(world);
    REQUIRE(abundance.species.size() == 1);
    const double own = static_cast<double>(world.own);
    CHECK(world.lost_share > 0.1);
    CHECK(abundance.species[0].lost_fragments == Approx(world.lost_share * own).margin(0.02 * own));
    CHECK(abundance.estimated_fragments == Approx(own).margin(0.02 * own));
    for (const SpeciesEvidence& evidence : abundance.evidence) {
      if (evidence.present)
        CHECK(evidence.missing_fragments == abundance.species[0].lost_fragments);
      else
        CHECK(std::isnan(evidence.missing_fragments));
    }
  }
}

TEST_CASE("a strain that lacks nothing loses nothing to an unknown genome") {
  const StrainWorld world(9, 3, {});
  const SampleAbundance abundance = abundance_of(world);
  REQUIRE(abundance.species.size() == 1);
  CHECK(abundance.species[0].lost_fragments < 0.005 * static_cast<double>(world.own));
}
