#include "peptide/scoring.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.h"
#include "peptide/search.h"

using namespace immucan;
using namespace immucan::peptide;

namespace {

PeptideForm form_of(std::string_view letters) {
  std::vector<Residue> residues;
  for (const char letter : letters) residues.push_back(residue_code(letter));
  return candidate_form(residues, Candidate{}, MassTable());
}

PeakMz peak(double mz) {
  return static_cast<PeakMz>(mz * kPeakScale + 0.5);
}

/// b and y ions in Da by plain sums.
std::vector<double> ions(const PeptideForm& form, int charge, bool y) {
  std::vector<double> out;
  for (std::size_t cut = 1; cut < form.length; ++cut) {
    double mass = y ? kWaterDa : 0;
    for (std::size_t i = y ? cut : 0; i < (y ? form.length : cut); ++i) mass += to_da(form.mass[i]);
    out.push_back((mass + charge * kProtonDa) / charge);
  }
  return out;
}

}  // namespace

TEST_CASE("hyperscore is the logarithm of factorials and intensity") {
  CHECK(hyperscore(0, 0, 0, 0) == Approx(0.0));
  CHECK(hyperscore(4, 5, 0.5, 1.5) == Approx(std::log(24.0 * 120.0 * 201.0)));
  CHECK(hyperscore(59, 59, 1, 1) == Approx(2 * std::lgamma(60.0) + std::log(201.0)));
}

TEST_CASE("fragment ions: reference values and the whole ladder") {
  const PeptideForm form = form_of("PEPTIDE");
  // pyteomics 4.7: mass.fast_mass('PEP', ion_type='b', charge=1), ('TIDE', 'y', 1), ('TIDE', 'y', 2)
  CHECK(ions(form, 1, false)[2] == Approx(324.15539).margin(1e-4));
  CHECK(ions(form, 1, true)[2] == Approx(477.21911).margin(1e-4));
  std::vector<PeakMz> mz;
  std::vector<float> intensity;
  for (const bool y : {false, true}) {
    for (const double ion : ions(form, 1, y)) mz.push_back(peak(ion));
  }
  std::sort(mz.begin(), mz.end());
  intensity.assign(mz.size(), 0.5F);
  FragmentMatcher matcher({.ppm = 10});
  matcher.load(mz, intensity);
  const FragmentMatch match = matcher.match(form, 1);
  CHECK(match.b == 6);
  CHECK(match.y == 6);
  CHECK(matcher.count_bits(form, 1) == 12);
  CHECK(match.score == Approx(hyperscore(6, 6, 3, 3)));
  const MatchDetail detail = matcher.detail(form, 1);
  CHECK(detail.longest_b == 6);
  CHECK(detail.longest_y == 6);
  CHECK(detail.complementary == 6);
  CHECK(detail.explained == Approx(1.0));
  CHECK(std::abs(detail.mean_error_ppm) < 0.05);
  const FragmentMatch other = matcher.match(form_of("WWWWWWW"), 1);
  CHECK(other.b + other.y == 0);
}

TEST_CASE("matching equals a plain search over all peaks") {
  core::Random random(3);
  static constexpr std::string_view kLetters = "ACDEFGHKLMNPQRSTVWY";
  for (int round = 0; round < 300; ++round) {
    std::string letters;
    for (std::size_t i = 0; i < 7 + random.below(10); ++i) letters += kLetters[random.below(kLetters.size())];
    const PeptideForm form = form_of(letters);
    const int charges = 1 + static_cast<int>(random.below(2));
    FragmentTolerance tolerance{.ppm = 20};
    if (round % 3 == 0) tolerance.da = 0.3;
    std::vector<std::pair<PeakMz, float>> peaks;
    for (int charge = 1; charge <= charges; ++charge) {
      for (const bool y : {false, true}) {
        for (const double ion : ions(form, charge, y)) {
          if (random.bernoulli(0.5)) peaks.emplace_back(peak(ion * (1 + random.normal(0, 12e-6))), random.uniform());
        }
      }
    }
    for (int i = 0; i < 150; ++i) peaks.emplace_back(peak(100 + 1400 * random.uniform()), random.uniform());
    std::sort(peaks.begin(), peaks.end());
    std::vector<PeakMz> mz;
    std::vector<float> intensity;
    for (const auto& [m, i] : peaks) {
      mz.push_back(m);
      intensity.push_back(i);
    }
    FragmentMatcher matcher(tolerance);
    matcher.load(mz, intensity);
    const FragmentMatch match = matcher.match(form, charges);
    int b = 0, y = 0;
    double sum = 0;
    for (const bool is_y : {false, true}) {
      for (std::size_t cut = 0; cut + 1 < form.length; ++cut) {
        bool seen = false;
        for (int charge = 1; charge <= charges; ++charge) {
          const double ion = ions(form, charge, is_y)[cut];
          const double window = tolerance.da > 0 ? tolerance.da : ion * 20e-6;
          float best = 0;
          for (const auto& [m, i] : peaks) {
            // 2e-5 Da: rounding of masses to the grid; peaks that near to the edge are avoided below
            if (std::abs(m / kPeakScale - ion) <= window) best = std::max(best, i);
          }
          seen = seen || best > 0;
          sum += static_cast<double>(best);
        }
        (is_y ? y : b) += seen ? 1 : 0;
      }
    }
    // A peak within 1e-5 Da of a window's edge may fall on either side of it.
    CHECK(std::abs(match.b - b) + std::abs(match.y - y) <= 1);
    CHECK(static_cast<double>(match.b_intensity + match.y_intensity) == Approx(sum).margin(1.01));
    CHECK(matcher.count_bits(form, charges) >= match.b + match.y);
  }
}

TEST_CASE("peaks are prepared: isotopes, the most intense, order") {
  io::Spectrum spectrum;
  spectrum.mz = {300.0, 200.0, 201.00335, 202.0067, 400.0, 400.5017, 500.0, 0.0};
  spectrum.intensity = {5, 100, 60, 20, 50, 30, 0, 3};
  const FragmentTolerance tolerance{.ppm = 20};
  const auto all = prepare_peaks(spectrum, {.max_peaks = 100, .min_peaks = 1, .deisotope = false}, tolerance);
  REQUIRE(all);
  CHECK(all->mz.size() == 6);
  CHECK(std::is_sorted(all->mz.begin(), all->mz.end()));
  CHECK(*std::max_element(all->intensity.begin(), all->intensity.end()) == 1.0F);
  const auto single = prepare_peaks(spectrum, {.max_peaks = 100, .min_peaks = 1, .deisotope = true}, tolerance);
  REQUIRE(single);
  CHECK(single->mz == std::vector<PeakMz>{peak(200), peak(300), peak(400)});
  const auto top = prepare_peaks(spectrum, {.max_peaks = 10, .min_peaks = 4, .deisotope = true}, tolerance);
  CHECK_FALSE(top);  // three are left
  const auto two = prepare_peaks(spectrum, {.max_peaks = 2, .min_peaks = 1, .deisotope = false}, tolerance);
  REQUIRE(two);
  CHECK(two->mz == std::vector<PeakMz>{peak(200), peak(201.00335)});
}
