#include "peptide/search.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "core/random.h"
#include "core/text.h"
#include "peptide/psms.h"

using namespace immucan;
using namespace immucan::peptide;

namespace {

std::string random_protein(core::Random& random, std::size_t length) {
  static constexpr std::string_view kLetters = "ACDEFGHIKLMNPQRSTVWY";
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += kLetters[random.below(kLetters.size())];
  return out;
}

/// Fragment peaks of a peptide with noise, as a reader would deliver them. `delta` on the residue at `site`.
io::Spectrum make_spectrum(core::Random& random, const std::string& letters, int charge, int isotope, double delta = 0,
                           std::size_t site = 0) {
  io::Spectrum out;
  std::vector<double> mass;
  for (const char c : letters) mass.push_back(to_da(residue_mass(residue_code(c))));
  mass[site] += delta;
  double total = kWaterDa;
  for (const double m : mass) total += m;
  double b = 0;
  std::vector<std::pair<double, float>> peaks;
  for (std::size_t i = 0; i + 1 < mass.size(); ++i) {
    b += mass[i];
    if (random.bernoulli(0.8)) peaks.emplace_back(b + kProtonDa, 0.3 + random.uniform());
    if (random.bernoulli(0.8)) peaks.emplace_back(total - b + kProtonDa, 0.3 + random.uniform());
  }
  for (int i = 0; i < 25; ++i) peaks.emplace_back(150 + random.uniform() * 900, 0.3 * random.uniform());
  std::sort(peaks.begin(), peaks.end());
  for (const auto& [mz, intensity] : peaks) {
    out.mz.push_back(mz * (1 + random.normal(0, 3e-6)));
    out.intensity.push_back(intensity);
  }
  out.ms_level = 2;
  out.precursor.emplace();
  out.precursor->mz = (total + isotope * kIsotopeDa) / charge + kProtonDa;
  out.precursor->charges = {charge};
  return out;
}

void store_spectrum(SpectrumStore& store, const io::Spectrum& spectrum, const SearchOptions& options) {
  const auto peaks = prepare_peaks(spectrum, options.preparation, options.fragment);
  REQUIRE(peaks);
  store.spectra.push_back({0, store.spectra.size() + 1, "s", spectrum.precursor->mz, spectrum.precursor->charges, 0,
                           store.mz.size(), static_cast<std::uint32_t>(peaks->mz.size())});
  store.mz.insert(store.mz.end(), peaks->mz.begin(), peaks->mz.end());
  store.intensity.insert(store.intensity.end(), peaks->intensity.begin(), peaks->intensity.end());
}

struct Scene {
  ProteinDatabase database;
  SpectrumStore store;
  SearchOptions options;
  std::vector<std::string> truth;
};

Scene make_scene() {
  Scene scene;
  core::Random random(21);
  std::vector<std::string> proteins;
  for (int i = 0; i < 40; ++i) {
    proteins.push_back(random_protein(random, 250));
    scene.database.add("sp|P" + std::to_string(i) + "|NAME" + std::to_string(i) + " x GN=G" + std::to_string(i),
                       proteins.back());
  }
  scene.database.add("V1 GN=G0 class=variant", proteins[0].substr(0, 12) + "W" + proteins[0].substr(13, 12));
  scene.options.masses = MassTable({}, {*parse_modification("M+15.9949")});
  scene.store.runs = {"run"};
  for (int i = 0; i < 150; ++i) {
    const std::string& protein = proteins[random.below(proteins.size())];
    const std::size_t length = 8 + random.below(5);
    std::string letters = protein.substr(random.below(protein.size() - length), length);
    const int charge = 1 + static_cast<int>(random.below(3));
    double delta = 0;
    std::size_t site = letters.find('M');
    std::string shown = letters;
    if (site != std::string::npos && random.bernoulli(0.5)) {
      delta = 15.9949;
      shown.insert(site + 1, "[+15.9949]");
    } else {
      site = 0;
    }
    const int isotope = random.bernoulli(0.2) ? 1 : 0;
    store_spectrum(scene.store, make_spectrum(random, letters, charge, isotope, delta, site), scene.options);
    scene.truth.push_back(shown);
  }
  return scene;
}

bool same_but_for_leucine(std::string a, std::string b) {
  std::replace(a.begin(), a.end(), 'I', 'L');
  std::replace(b.begin(), b.end(), 'I', 'L');
  return a == b;
}

}  // namespace

TEST_CASE("planted peptides come back at rank 1, with their modification, charge and isotope") {
  const Scene scene = make_scene();
  core::RunContext context("test", "0", "search");
  SearchSummary summary;
  const auto results = search(scene.database, scene.store, scene.options, context, summary);
  const PsmSet set = assemble_psms(scene.database, scene.store, scene.options, results, context);
  std::size_t right = 0;
  for (const Psm& psm : set.psms) {
    const std::string letters = peptide_letters(scene.database, psm.candidate, Enzyme::kNone);
    const std::string shown = modified_letters(letters, psm.candidate, scene.options.masses);
    if (!same_but_for_leucine(shown, scene.truth[psm.spectrum])) continue;
    ++right;
    CHECK(std::abs(psm.precursor_error_ppm) < 0.1);
    CHECK_FALSE(psm.proteins.empty());
  }
  CHECK(right >= 145);
  CHECK(summary.slabs == 1);
}

TEST_CASE("the same results for any number of threads and any slab size") {
  Scene scene = make_scene();
  const auto run = [&](unsigned threads, std::size_t slab) {
    core::RunContext context("test", "0", "search");
    context.threads = threads;
    scene.options.slab_peptides = slab;
    SearchSummary summary;
    std::vector<std::pair<double, std::uint64_t>> out;
    for (const auto& result : search(scene.database, scene.store, scene.options, context, summary)) {
      for (std::size_t i = 0; i < result.count; ++i) out.emplace_back(result.best[i].score, result.best[i].identity);
      out.emplace_back(result.compared, result.matched_sum);
    }
    return out;
  };
  const auto expected = run(1, std::size_t{1} << 20);
  CHECK(run(3, std::size_t{1} << 20) == expected);
  CHECK(run(1, 300) == expected);
  CHECK(run(4, 300) == expected);
}

TEST_CASE("best candidates are those of a plain loop over all peptides") {
  const Scene scene = make_scene();
  core::RunContext context("test", "0", "search");
  SearchSummary summary;
  const auto results = search(scene.database, scene.store, scene.options, context, summary);
  for (std::size_t s = 0; s < 20; ++s) {
    const SearchSpectrum& spectrum = scene.store.spectra[s];
    FragmentMatcher matcher(scene.options.fragment);
    matcher.load(scene.store.mz_of(spectrum), scene.store.intensity_of(spectrum));
    const int charge = spectrum.charges.front();
    double best = 0;
    digest(scene.database, scene.options.digestion, scene.options.masses, 0, scene.database.segments().size(), 0,
           to_mass(1e5), [&](const PeptideSite& site) {
             const std::span<const Residue> residues(scene.database.codes() + site.begin, site.length);
             for (const int isotope : scene.options.isotope_errors) {
               for (int mods = 0; mods <= 2; ++mods) {
                 const double mass =
                     (spectrum.precursor_mz - kProtonDa) * charge - isotope * kIsotopeDa - mods * 15.9949;
                 if (std::abs(to_da(site.mass) - mass) > spectrum.precursor_mz * charge * 10e-6) continue;
                 std::vector<std::size_t> sites;
                 for (std::size_t i = 0; i < residues.size(); ++i) {
                   if (residues[i] == residue_code('M')) sites.push_back(i);
                 }
                 for (unsigned mask = 0; mask < (1U << sites.size()); ++mask) {
                   if (std::popcount(mask) != mods) continue;
                   Candidate candidate;
                   for (std::size_t i = 0; i < sites.size(); ++i) {
                     if ((mask >> i & 1U) != 0) {
                       candidate.placements[candidate.placed++] = {static_cast<std::uint8_t>(sites[i]), 0};
                     }
                   }
                   const auto form = candidate_form(residues, candidate, scene.options.masses);
                   best = std::max(best, matcher.match(form, fragment_charges(charge)).score);
                 }
               }
             }
           });
    double found = 0;
    for (std::size_t i = 0; i < results[s].count; ++i) {
      if (!results[s].best[i].is_decoy()) found = std::max(found, results[s].best[i].score);
    }
    CHECK(found == Approx(best));
  }
}

TEST_CASE("classes: a peptide of a canonical protein is canonical, one over the variant is not") {
  const Scene scene = make_scene();
  const auto& text = scene.database;
  const Protein& variant = text.proteins().back();
  const auto hash_at = [&](std::uint32_t begin) { return sequence_hash({text.codes() + begin, 8}); };
  core::RunContext context("test", "0", "search");
  const auto located = locate_sequences(text, {{hash_at(variant.begin), 8}, {hash_at(variant.begin + 8), 8}}, context);
  CHECK(located.at(hash_at(variant.begin)) == std::vector<std::uint32_t>{0, 40});
  CHECK(located.at(hash_at(variant.begin + 8)) == std::vector<std::uint32_t>{40});
  CHECK(variant.gene == "G0");
  CHECK(variant.protein_class == "variant");
  CHECK(text.proteins()[3].gene == "G3");
  CHECK(text.proteins()[3].protein_class == "canonical");
}

TEST_CASE("real spectrum: the known peptide is at rank 1") {
  const std::filesystem::path folder = std::filesystem::path(IMMUCAN_SHARED_DATA) / "peptide" / "sage";
  if (!std::filesystem::exists(folder)) {
    std::printf("SKIPPED: %s is not there\n", folder.c_str());
    return;
  }
  core::RunContext context("test", "0", "search");
  SearchOptions options;
  options.digestion = {.enzyme = Enzyme::kTrypsin, .min_length = 7, .max_length = 50};
  options.masses = MassTable({*parse_modification("C+57.021464")}, {*parse_modification("M+15.9949")});
  options.precursor_ppm = 50;
  options.isotope_errors = {-1, 0, 1, 2, 3};
  DatabaseSummary database_summary;
  const auto database = read_proteins({folder / "Q99536.fasta"}, context, database_summary);
  const auto store = load_runs({folder / "LQSRPAAPPAPGPGQLTLR.mzML"}, options.preparation, options.fragment, context);
  SearchSummary summary;
  const auto results = search(database, store, options, context, summary);
  const auto set = assemble_psms(database, store, options, results, context);
  REQUIRE(set.psms.size() == 1);
  CHECK(peptide_letters(database, set.psms[0].candidate, Enzyme::kTrypsin) == "LQSRPAAPPAPGPGQLTLR");
  CHECK_FALSE(set.psms[0].candidate.is_decoy());
}

TEST_CASE("real library spectra: the library's peptide is at rank 1 wherever the database can make it") {
  const std::filesystem::path folder = std::filesystem::path(IMMUCAN_SHARED_DATA) / "peptide";
  if (!std::filesystem::exists(folder / "massivekb_500.mgf")) {
    std::printf("SKIPPED: %s is not there\n", folder.c_str());
    return;
  }
  core::RunContext context("test", "0", "search");
  SearchOptions options;
  options.digestion = {.enzyme = Enzyme::kTrypsin, .min_length = 7, .max_length = 50};
  options.masses = MassTable({*parse_modification("C+57.021464")}, {*parse_modification("M+15.9949")});
  options.precursor_ppm = 20;
  DatabaseSummary database_summary;
  const auto database = read_proteins({folder / "sim" / "human_union.fasta.gz"}, context, database_summary);
  const auto store = load_runs({folder / "massivekb_500.mgf"}, options.preparation, options.fragment, context);
  std::unordered_set<std::uint64_t> possible;
  digest(database, options.digestion, options.masses, 0, database.segments().size(), 0, to_mass(1e5),
         [&](const PeptideSite& site) { possible.insert(site.hash); });
  std::unordered_map<std::string, std::uint64_t> truth;  // title → sequence, where rules and database allow it
  io::LineReader lines(io::open_source(folder / "massivekb_500.peprec", context));
  std::string_view line;
  lines.next(line);  // the header
  while (lines.next(line)) {
    const auto fields = core::split(line, ' ');  // title, modifications "place|name|…", sequence, charge
    std::vector<Residue> residues;
    for (const char letter : fields[2]) residues.push_back(residue_code(letter));
    std::ptrdiff_t alkylated = 0, oxidised = 0, others = 0;
    const auto modifications = core::split(fields[1], '|');
    for (std::size_t i = 1; i < modifications.size(); i += 2) {
      (modifications[i] == "Carbamidomethyl" ? alkylated : modifications[i] == "Oxidation" ? oxidised : others) += 1;
    }
    const bool expected_cysteines = std::count(fields[2].begin(), fields[2].end(), 'C') == alkylated;
    const std::uint64_t hash = sequence_hash(residues);
    if (expected_cysteines && others == 0 && oxidised <= options.max_variable_mods && possible.contains(hash)) {
      truth.emplace(std::string(fields[0]), hash);
    }
  }
  SearchSummary summary;
  const auto results = search(database, store, options, context, summary);
  std::size_t right = 0;
  for (std::size_t s = 0; s < results.size(); ++s) {
    const auto expected = truth.find(store.spectra[s].id);
    if (expected != truth.end() && results[s].count > 0)
      right += results[s].best[0].identity == expected->second ? 1U : 0U;
  }
  INFO(right << " of " << truth.size());
  CHECK(truth.size() >= 50);
  CHECK(static_cast<double>(right) >= 0.95 * static_cast<double>(truth.size()));
}
