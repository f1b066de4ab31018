#include "io/mgf.h"

#include <catch2/catch.hpp>

#include "spectra_text.h"

using namespace immucan;
using testing::replaced;

namespace {

const std::string kGood =
    "# comment\nCOM=made by hand\nCHARGE=2+ and 3+\n\nBEGIN IONS\nTITLE=run.12.12.2\nPEPMASS=450.5 1000 2\n"
    "RTINSECONDS=61.5\nSCANS=12\n100.1 5\n200.2\t6.5 1+\n\nEND IONS\n"
    "BEGIN IONS\r\nTITLE=x scan=44\r\nCHARGE=4+\r\nPEPMASS=600\r\n300 1e3\r\nEND IONS\r\n"
    "BEGIN IONS\nPEPMASS=700.25\nEND IONS";

}  // namespace

TEST_CASE("a small MGF file is read in full") {
  const auto spectra = testing::read_spectra(kGood);
  REQUIRE(spectra.size() == 3);
  CHECK(spectra[0].id == "run.12.12.2");
  CHECK(spectra[0].scan == 12);
  CHECK(spectra[0].ms_level == 2);
  CHECK(spectra[0].retention_seconds == 61.5);
  CHECK(spectra[0].precursor->mz == 450.5);
  CHECK(spectra[0].precursor->intensity == 1000);
  CHECK(spectra[0].precursor->charges == std::vector<int>{2, 3});  // the file's default
  CHECK(spectra[0].mz == std::vector<double>{100.1, 200.2});
  CHECK(spectra[0].intensity == std::vector<float>{5, 6.5});
  CHECK(spectra[1].scan == 44);
  CHECK(spectra[1].precursor->charges == std::vector<int>{4});
  CHECK(spectra[1].intensity == std::vector<float>{1000});
  CHECK(spectra[2].scan == 3);  // no number given: the position
  CHECK(spectra[2].mz.empty());
}

TEST_CASE("MGF charges") {
  CHECK(io::parse_charges("2+") == std::vector<int>{2});
  CHECK(io::parse_charges("3") == std::vector<int>{3});
  CHECK(io::parse_charges("2-") == std::vector<int>{2});
  CHECK(io::parse_charges("2+,3+ and 4+") == std::vector<int>{2, 3, 4});
  CHECK_FALSE(io::parse_charges("0"));
  CHECK_FALSE(io::parse_charges("two"));
  CHECK_FALSE(io::parse_charges(""));
  CHECK_FALSE(io::parse_charges("99999999999"));
}

TEST_CASE("MGF: many spectra, any number of threads") {
  std::string many;
  for (int i = 1; i <= 20000; ++i) {
    many += "BEGIN IONS\nSCANS=" + std::to_string(i) + "\nPEPMASS=" + std::to_string(400 + i % 100) +
            "\n100 1\n200 2\n300 3\n400 4\n500 5\nEND IONS\n";
  }
  for (const unsigned threads : {1U, 3U}) {
    const auto spectra = testing::read_spectra(many, threads);
    REQUIRE(spectra.size() == 20000);
    for (std::size_t i = 0; i < spectra.size(); ++i) {
      REQUIRE(spectra[i].scan == i + 1);
      REQUIRE(spectra[i].place == 9 * i + 1);
      REQUIRE(spectra[i].mz.size() == 5);
    }
  }
}

TEST_CASE("broken MGF files: one line with file, line, value and remedy") {
  const std::vector<testing::Broken> cases{
      {"empty", "", "empty file"},
      {"blank", " \n\n", "empty file"},
      {"truncated", "BEGIN IONS\nPEPMASS=400\n100 1\n", "broken:1: the spectrum has no END IONS"},
      {"another format", "scan\tpeptide\n1\tAAA\n", "broken:1: 'scan\\x09peptide' outside"},
      {"gzip magic cut away", "\x8b\x08\x01garbage", "outside of BEGIN IONS"},
      {"nested", "BEGIN IONS\nPEPMASS=4\nBEGIN IONS\nEND IONS\n",
       "broken:3: BEGIN IONS inside the spectrum that begins in line 1"},
      {"END without BEGIN", "END IONS\n", "broken:1: END IONS without BEGIN IONS"},
      {"no precursor", replaced(kGood, "PEPMASS=450.5 1000 2\n", ""), "broken:5: spectrum without PEPMASS"},
      {"precursor that is no number", replaced(kGood, "PEPMASS=450.5", "PEPMASS=abc"),
       "broken:7: PEPMASS 'abc 1000 2'"},
      {"precursor 0", replaced(kGood, "PEPMASS=450.5", "PEPMASS=0"), "broken:7: PEPMASS '0 1000 2'"},
      {"peak without intensity", replaced(kGood, "100.1 5", "100.1"), "broken:10: not a peak: '100.1'"},
      {"peak with text", replaced(kGood, "100.1 5", "100.1 many"), "broken:10: not a peak"},
      {"NaN", replaced(kGood, "100.1 5", "100.1 nan"), "broken:10: not a peak"},
      {"negative m/z", replaced(kGood, "100.1 5", "-100.1 5"), "broken:10: not a peak"},
      {"intensity beyond float", replaced(kGood, "100.1 5", "100.1 1e300"), "broken:10: not a peak"},
      {"decimal comma", replaced(kGood, "100.1 5", "100,1 5"), "broken:10: not a peak"},
      {"text among peaks", replaced(kGood, "100.1 5", "peaks follow"), "broken:10: neither a peak nor KEY=value"},
      {"charge", replaced(kGood, "CHARGE=4+", "CHARGE=four"), "broken:16: CHARGE 'four' is not a charge"},
      {"default charge", replaced(kGood, "CHARGE=2+ and 3+", "CHARGE=x"), "broken:3: CHARGE 'x' is not a charge"},
      {"default charge too late", kGood + "\nCHARGE=2+\n", "CHARGE between spectra"},
      {"time", replaced(kGood, "RTINSECONDS=61.5", "RTINSECONDS=one minute"), "broken:8: RTINSECONDS"},
  };
  testing::check_refused(cases);
}
