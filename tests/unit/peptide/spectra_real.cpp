// Real files against an independent reader. The expected numbers come from pyteomics 4.7 (mzml.read and mgf.read, index
// unused): spectra, MS2 spectra, peaks, sums of m/z and intensity in double precision, retention times in seconds,
// precursor m/z and charges of the first selected ion.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "io/spectrum.h"

using namespace immucan;

namespace {

struct Expected {
  const char* file;
  std::size_t spectra, ms2, peaks;
  double mz_sum, intensity_sum, seconds, precursor_sum;
  int charge_sum;
  std::size_t precursors, profile;
};

constexpr Expected kExpected[] = {
    {"Ecoli_MS2_small.mzML", 139, 139, 36050, 20144566.831626892, 8278652.647275925, 698499.9861000001,
     73459.52786254883, 329, 139, 0},
    {"SmallCalibratible_Yeast.mzML", 142, 118, 67421, 34412075.91004944, 19023019229.66964, 208776.6928000002,
     53378.6711730957, 242, 118, 0},
    {"TaGe_SA_A549_3_snip.mzML", 162, 147, 38606, 17155240.21406555, 406790197.62454987, 444800.69879999995,
     66376.37991333008, 358, 147, 0},
    {"sage/LQSRPAAPPAPGPGQLTLR.mzML", 1, 1, 299, 166089.34474945068, 114756067.13671875, 6497.124, 643.034396630915, 3,
     1, 0},
    {"test_pyteomics.mzML", 2, 0, 39828, 35296387.65615361, 138763684.23791504, 0.6522000000000001, 0, 0, 0, 2},
    {"hla/iTRAQ_f4.mgf", 4, 4, 727, 382169.594217, 3290443.7000120003, 0, 2528.090577, 10, 4, 0},
    {"hla/immunopeptidomics.mgf", 3, 3, 446, 155725.89785729998, 6299306.957275394, 6975.2741399999995,
     1434.541290283203, 7, 3, 0},
    {"massivekb_500.mgf", 500, 500, 46304, 24931483.74230957, 48289989.4450179, 0, 329777.36301941605, 1308, 500, 0},
    {"sim/hla_open.mgf.gz", 5000, 5000, 382514, 223409520.5216, 101293495583.6203, 14226254.583000004,
     2885035.6648059925, 10106, 5000, 0},
};

}  // namespace

TEST_CASE("real mzML and MGF files agree with an independent reader") {
  const std::filesystem::path folder = std::filesystem::path(IMMUCAN_SHARED_DATA) / "peptide";
  if (!std::filesystem::exists(folder)) {
    std::printf("SKIPPED: %s is not there\n", folder.c_str());
    return;
  }
  for (const Expected& expected : kExpected) {
    INFO(expected.file);
    core::RunContext context("test", "0", "read");
    context.threads = 2;
    Expected found{expected.file, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const auto reader = io::open_spectra(folder / expected.file, context);
    io::for_each_spectrum(*reader, context, [&](io::Spectrum& spectrum) {
      ++found.spectra;
      found.ms2 += spectrum.ms_level == 2 ? 1U : 0U;
      found.peaks += spectrum.mz.size();
      for (const double mz : spectrum.mz) found.mz_sum += mz;
      for (const float intensity : spectrum.intensity) found.intensity_sum += static_cast<double>(intensity);
      if (std::isfinite(spectrum.retention_seconds)) found.seconds += spectrum.retention_seconds;
      found.profile += spectrum.kind == io::Spectrum::Kind::kProfile ? 1U : 0U;
      if (!spectrum.precursor) return;
      ++found.precursors;
      found.precursor_sum += spectrum.precursor->mz;
      for (const int charge : spectrum.precursor->charges) found.charge_sum += charge;
    });
    CHECK(found.spectra == expected.spectra);
    CHECK(found.ms2 == expected.ms2);
    CHECK(found.peaks == expected.peaks);
    CHECK(found.mz_sum == Approx(expected.mz_sum).epsilon(1e-12));
    CHECK(found.intensity_sum == Approx(expected.intensity_sum).epsilon(1e-7));  // kept as 32-bit floats
    CHECK(found.seconds == Approx(expected.seconds).epsilon(1e-9).margin(1e-9));
    CHECK(found.precursor_sum == Approx(expected.precursor_sum).epsilon(1e-12).margin(1e-9));
    CHECK(found.charge_sum == expected.charge_sum);
    CHECK(found.precursors == expected.precursors);
    CHECK(found.profile == expected.profile);
  }
}
