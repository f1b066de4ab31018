#include "peptide/digestion.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "core/random.h"
#include "peptide/decoys.h"
#include "peptide/slab.h"

using namespace immucan;
using namespace immucan::peptide;

namespace {

std::vector<Residue> codes(std::string_view letters) {
  std::vector<Residue> out;
  for (const char letter : letters) out.push_back(residue_code(letter));
  return out;
}

std::multiset<std::string> peptides(const ProteinDatabase& database, const DigestionOptions& options, Mass low = 0,
                                    Mass high = to_mass(1e5)) {
  std::multiset<std::string> out;
  const MassTable masses;
  digest(database, options, masses, 0, database.segments().size(), low, high, [&](const PeptideSite& site) {
    const auto letters = std::string(database.letters(site.begin, site.length));
    const auto own = codes(letters);
    REQUIRE(site.mass == masses.peptide_mass(own.data(), own.size()));
    REQUIRE(site.hash == sequence_hash(own));
    REQUIRE(site.mass >= low);
    REQUIRE(site.mass < high);
    out.insert(letters);
  });
  return out;
}

std::string random_protein(core::Random& random, std::size_t length) {
  static constexpr std::string_view kLetters = "ACDEFGHIKLMNPQRSTVWYKRPX";
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += kLetters[random.below(kLetters.size())];
  return out;
}

/// Straight from the rules, without prefix sums.
std::multiset<std::string> naive_trypsin(const std::string& protein, const DigestionOptions& options) {
  std::multiset<std::string> out;
  const auto cut_after = [&](std::size_t i) {
    return (protein[i] == 'K' || protein[i] == 'R') && i + 1 < protein.size() && protein[i + 1] != 'P' &&
           protein[i + 1] != 'X';
  };
  for (std::size_t begin = 0; begin < protein.size(); ++begin) {
    const bool start = begin == 0 || cut_after(begin - 1) || protein[begin - 1] == 'X' ||
                       (begin == 1 && protein[0] == 'M' && options.clip_initial_methionine);
    if (!start) continue;
    int missed = 0;
    for (std::size_t end = begin + 1; end <= protein.size() && protein[end - 1] != 'X'; ++end) {
      const bool stop = end == protein.size() || cut_after(end - 1) || protein[end] == 'X';
      if (!stop) continue;
      const std::size_t length = end - begin;
      if (length >= static_cast<std::size_t>(options.min_length) &&
          length <= static_cast<std::size_t>(options.max_length)) {
        out.insert(protein.substr(begin, length));
      }
      if (++missed > options.missed_cleavages) break;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("masses: reference values") {
  const MassTable masses;
  const auto mass = [&](std::string_view letters) {
    const auto own = codes(letters);
    return to_da(masses.peptide_mass(own.data(), own.size()));
  };
  // pyteomics 4.7, mass.fast_mass (Unimod element masses)
  CHECK(mass("PEPTIDE") == Approx(799.35996402671).margin(2e-6));
  CHECK(mass("LQSRPAAPPAPGPGQLTLR") == Approx(1926.07992884).margin(2e-5));
  CHECK(mass("ACDEFGHIKLMNPQRSTVWY") == Approx(2394.1249068251).margin(2e-5));
  CHECK(residue_code('I') == residue_code('L'));
  CHECK(residue_code('J') == residue_code('L'));
  CHECK(residue_code('a') == residue_code('A'));
  for (const char letter : {'B', 'X', 'Z', '*', '-', ' '}) CHECK(residue_code(letter) == kNoResidue);
  CHECK(to_da(residue_mass(residue_code('U'))) == Approx(150.953633).margin(1e-5));
  CHECK(to_da(residue_mass(residue_code('O'))) == Approx(237.147727).margin(1e-5));
}

TEST_CASE("modifications are parsed or refused") {
  const auto oxidation = parse_modification("M+15.9949");
  REQUIRE(oxidation);
  CHECK(oxidation->residues[residue_code('M')]);
  CHECK(to_da(oxidation->delta) == Approx(15.9949).margin(1e-6));
  CHECK(oxidation->label == "+15.9949");
  CHECK(parse_modification("STY+79.966331")->residues[residue_code('T')]);
  CHECK(parse_modification("nK+229.163")->n_terminal);
  CHECK(to_da(parse_modification("c-0.984016")->delta) == Approx(-0.984016).margin(1e-6));
  for (const std::string_view bad :
       {"", "M", "+15.99", "M15.99", "M+", "M+abc", "M+1e9", "B+1", "M+nan", "M++1", "m+16"}) {
    INFO(bad);
    CHECK_FALSE(parse_modification(bad));
  }
}

TEST_CASE("windows: all of them, none over an unknown residue, any mass range") {
  ProteinDatabase database;
  database.add("p1", "MKWVTFISLLXFSSAYSRGV*AAAAAAA");
  const DigestionOptions options{.enzyme = Enzyme::kNone, .min_length = 3, .max_length = 5};
  std::multiset<std::string> expected;
  for (const std::string& part : {"MKWVTFISLL", "FSSAYSRGV", "AAAAAAA"}) {
    for (std::size_t begin = 0; begin < part.size(); ++begin) {
      for (std::size_t length = 3; length <= 5 && begin + length <= part.size(); ++length) {
        expected.insert(part.substr(begin, length));
      }
    }
  }
  CHECK(peptides(database, options) == expected);
  std::multiset<std::string> joined;
  for (int low = 0; low < 1000; low += 37) joined.merge(peptides(database, options, to_mass(low), to_mass(low + 37)));
  CHECK(joined == expected);
}

TEST_CASE("trypsin: the rules, on random proteins") {
  core::Random random(5);
  for (int round = 0; round < 60; ++round) {
    std::string protein = random_protein(random, 120);
    if (round % 2 == 0) protein.insert(0, "M");
    ProteinDatabase database;
    database.add("p", protein);
    DigestionOptions options{.enzyme = Enzyme::kTrypsin, .min_length = 5, .max_length = 20};
    options.missed_cleavages = round % 4;
    options.clip_initial_methionine = round % 3 != 0;
    INFO(protein);
    CHECK(peptides(database, options) == naive_trypsin(protein, options));
  }
}

TEST_CASE("decoys: same composition, anchors kept, never a target") {
  core::Random random(9);
  ProteinDatabase database;
  for (int i = 0; i < 5; ++i) database.add("p" + std::to_string(i), random_protein(random, 400));
  database.add("low", "AAAAAAAAAAGGGGGGGAGAGAGAGAG");
  const MassTable masses;
  for (const Enzyme enzyme : {Enzyme::kNone, Enzyme::kTrypsin}) {
    const DigestionOptions options{.enzyme = enzyme, .min_length = 5, .max_length = 9};
    MassCoverage coverage(to_mass(3000));
    coverage.add(0, to_mass(3000));
    core::RunContext context("test", "0", "test");
    Slab slab;
    fill_slab(database, options, masses, coverage, {0, to_mass(3000)}, context, slab);
    std::set<std::vector<Residue>> targets;
    for (const SlabPeptide& peptide : slab.peptides) {
      const Residue* at = slab.arena.data() + peptide.residues;
      CHECK(targets.emplace(at, at + peptide.length).second);  // each sequence once
    }
    std::set<std::vector<Residue>> expected;
    digest(database, options, masses, 0, database.segments().size(), 0, to_mass(3000), [&](const PeptideSite& site) {
      expected.emplace(database.codes() + site.begin, database.codes() + site.begin + site.length);
    });
    CHECK(targets == expected);
    CHECK(std::is_sorted(slab.mass.begin(), slab.mass.end()));
    std::size_t with_decoy = 0, unchanged = 0;
    for (const SlabPeptide& peptide : slab.peptides) {
      if (peptide.attempt >= kDecoyAttempts) continue;
      ++with_decoy;
      const Residue* at = slab.arena.data() + peptide.residues;
      std::vector<Residue> target(at, at + peptide.length), decoy(at + peptide.length, at + 2 * peptide.length);
      REQUIRE(decoy.back() == target.back());
      if (enzyme == Enzyme::kNone) REQUIRE(decoy[1] == target[1]);
      REQUIRE_FALSE(targets.contains(decoy));
      std::vector<Residue> again(target.size());
      make_decoy(target, sequence_hash(target), enzyme, peptide.attempt, again);
      REQUIRE(again == decoy);  // a function of sequence and attempt
      for (std::size_t i = 0; i < target.size(); ++i) unchanged += target[i] == decoy[i] ? 1U : 0U;
      std::sort(target.begin(), target.end());
      std::sort(decoy.begin(), decoy.end());
      REQUIRE(target == decoy);
    }
    CHECK(with_decoy > slab.peptides.size() * 9 / 10);
    CHECK(unchanged < with_decoy * 5);
  }
}

TEST_CASE("slabs: together they hold what one slab holds, whatever their size and the threads") {
  core::Random random(11);
  ProteinDatabase database;
  for (int i = 0; i < 20; ++i) database.add("p" + std::to_string(i), random_protein(random, 300));
  const MassTable masses;
  const DigestionOptions options{.enzyme = Enzyme::kNone, .min_length = 8, .max_length = 11};
  MassCoverage coverage(to_mass(2000));
  for (int mass = 700; mass < 1500; mass += 2) coverage.add(to_mass(mass), to_mass(mass + 1));
  const auto collect = [&](std::size_t size, unsigned threads) {
    core::RunContext context("test", "0", "test");
    context.threads = threads;
    std::vector<std::pair<Mass, std::uint64_t>> out;
    std::vector<int> attempts;
    Slab slab;
    for (const MassRange range : plan_slabs(database, options, masses, coverage, size, context)) {
      fill_slab(database, options, masses, coverage, range, context, slab);
      for (std::size_t i = 0; i < slab.peptides.size(); ++i) {
        out.emplace_back(slab.mass[i], slab.peptides[i].hash + slab.peptides[i].attempt);
      }
    }
    return out;
  };
  const auto whole = collect(std::size_t{1} << 20, 1);
  CHECK(whole.size() > 5000);
  CHECK(collect(500, 1) == whole);
  CHECK(collect(500, 3) == whole);
}
