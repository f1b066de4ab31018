#include "io/mzml.h"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "io/mzml_spectrum.h"
#include "spectra_text.h"

using namespace immucan;
using testing::mzml_file;
using testing::replaced;

TEST_CASE("a small mzML file is read in full") {
  const auto spectra = testing::read_spectra(mzml_file());
  REQUIRE(spectra.size() == 1);
  const io::Spectrum& s = spectra[0];
  CHECK(s.id == "scan=7");
  CHECK(s.scan == 7);
  CHECK(s.ms_level == 2);  // from the parameter group
  CHECK(s.kind == io::Spectrum::Kind::kCentroid);
  CHECK(s.retention_seconds == 150.0);
  REQUIRE(s.precursor);
  CHECK(s.precursor->mz == 500.25);
  CHECK(s.precursor->charges == std::vector<int>{2});
  CHECK(s.precursor->isolation_lower == 0.7);
  CHECK(s.precursor->isolation_upper == 0.8);
  CHECK(s.mz == std::vector<double>{100.5, 200.25, 300.125});
  CHECK(s.intensity == std::vector<float>{10, 20, 30});
}

TEST_CASE("mzML: time in seconds, comments, entities, quotes and a wrong encodedLength do not disturb") {
  const std::string plain = mzml_file();
  CHECK(testing::read_spectra(replaced(plain, "UO:0000031", "UO:0000010"))[0].retention_seconds == 2.5);
  const auto commented = testing::read_spectra(replaced(plain, "<scanList", "<!-- </spectrum> --><scanList"));
  REQUIRE(commented.size() == 1);
  CHECK(commented[0].mz.size() == 3);
  CHECK(testing::read_spectra(replaced(plain, "scan=7", "a&lt;b &quot;scan=7"))[0].id == "a<b \"scan=7");
  CHECK(testing::read_spectra(replaced(plain, "scan=7", "&#65;scan=7"))[0].id == "Ascan=7");  // expat's turn
  CHECK(testing::read_spectra(replaced(plain, "id=\"scan=7\"", "id='scan=7'"))[0].id == "scan=7");
  CHECK(testing::read_spectra(replaced(plain, "encodedLength=\"32\"", "encodedLength=\"31\""))[0].mz[2] == 300.125);
  CHECK(testing::read_spectra(replaced(plain, "encodedLength=\"32\"", "encodedLength=\"9999\""))[0].mz[2] == 300.125);
  CHECK(testing::read_spectra("\xEF\xBB\xBF" + plain).size() == 1);
  const std::string wrapped = replaced(plain, "<binary>", "<binary>\n  ");
  CHECK(testing::read_spectra(wrapped)[0].mz[0] == 100.5);
}

TEST_CASE("mzML: zlib arrays, integer arrays, empty spectra, several threads") {
  const std::vector<double> mz{100.5, 200.25, 300.125};
  std::vector<Bytef> packed(compressBound(24));
  uLongf size = packed.size();
  REQUIRE(compress(packed.data(), &size, reinterpret_cast<const Bytef*>(mz.data()), 24) == Z_OK);
  const std::string text = testing::base64({reinterpret_cast<const char*>(packed.data()), size});
  const std::string plain = testing::binary_array("MS:1000523", "MS:1000514", testing::doubles(mz));
  const std::string zlib = testing::binary_array("MS:1000523", "MS:1000514", text, "MS:1000574");
  CHECK(testing::read_spectra(replaced(mzml_file(), plain, zlib))[0].mz == mz);

  const std::vector<std::int32_t> counts{1, 2, 3};
  const std::string integers = testing::base64({reinterpret_cast<const char*>(counts.data()), 12});
  const std::string as_float = testing::binary_array("MS:1000521", "MS:1000515", testing::floats({10, 20, 30}));
  const std::string as_int = testing::binary_array("MS:1000519", "MS:1000515", integers);
  CHECK(testing::read_spectra(replaced(mzml_file(), as_float, as_int))[0].intensity == std::vector<float>{1, 2, 3});

  std::string many(testing::kMzmlHead);
  for (int i = 1; i <= 3000; ++i) many += testing::mzml_spectrum("scan=" + std::to_string(i));
  many +=
      "<spectrum id=\"scan=9999\" defaultArrayLength=\"0\"><cvParam accession=\"MS:1000511\" value=\"1\"/>"
      "<binaryDataArrayList count=\"2\"><binaryDataArray encodedLength=\"0\"><cvParam accession=\"MS:1000523\"/>"
      "<cvParam accession=\"MS:1000514\"/><binary/></binaryDataArray><binaryDataArray encodedLength=\"0\"><cvParam "
      "accession=\"MS:1000521\"/><cvParam accession=\"MS:1000515\"/><binary></binary></binaryDataArray>"
      "</binaryDataArrayList></spectrum>";
  many += testing::kMzmlTail;
  for (const unsigned threads : {1U, 3U}) {
    const auto spectra = testing::read_spectra(many, threads);
    REQUIRE(spectra.size() == 3001);
    for (std::size_t i = 0; i < 3000; ++i) REQUIRE(spectra[i].scan == i + 1);
    CHECK(spectra.back().mz.empty());
    CHECK(spectra.back().ms_level == 1);
  }
}

TEST_CASE("broken mzML files: one line with file, place, value and remedy") {
  const std::string good = mzml_file();
  const std::string head(testing::kMzmlHead), tail(testing::kMzmlTail), one = testing::mzml_spectrum();
  const std::vector<testing::Broken> cases{
      {"empty", "", "empty file"},
      {"truncated in the header", good.substr(0, 60), "the file ends inside its header"},
      {"truncated in a spectrum", good.substr(0, head.size() + 700), "the file ends inside spectrum 1"},
      {"truncated after a spectrum", head + one, "the file ends inside <spectrumList>"},
      {"truncated behind the list", head + one + "</spectrumList>", "no </mzML> at the end"},
      {"mzXML", "<?xml version=\"1.0\"?><mzXML></mzXML>", "<mzXML> is not mzML. Convert the run to mzML"},
      {"not XML", "<mzML><run></mzML>", "not well-formed XML"},
      {"another root", "<html></html>", "<html> is not mzML"},
      {"UTF-16", std::string("\xFF\xFE<\0m\0", 6), "UTF-16"},
      {"4 GB of values without compression",
       replaced(good, "defaultArrayLength=\"3\"", "defaultArrayLength=\"4294967295\""), "4294967295 values"},
      {"4 GB of values under zlib",
       replaced(replaced(good, "defaultArrayLength=\"3\"", "defaultArrayLength=\"4294967295\""), "MS:1000576",
                "MS:1000574"),
       "more than its 24 compressed bytes can hold"},
      {"length that is no number", replaced(good, "defaultArrayLength=\"3\"", "defaultArrayLength=\"three\""),
       "'three'"},
      {"length beyond 64 bits",
       replaced(good, "defaultArrayLength=\"3\"", "defaultArrayLength=\"99999999999999999999\""),
       "99999999999999999999"},
      {"fewer values than said", replaced(good, "defaultArrayLength=\"3\"", "defaultArrayLength=\"4\""), "24 bytes"},
      {"not base64", replaced(good, testing::doubles({100.5, 200.25, 300.125}), "AAAA*AAA"), "is not base64"},
      {"not zlib", replaced(good, "MS:1000576", "MS:1000574"), "is not a zlib stream"},
      {"numpress", replaced(good, "MS:1000576", "MS:1002312"), "MS-Numpress linear"},
      {"m/z that is not a number", replaced(good, "value=\"500.25\"", "value=\"abc\""), "'abc' is not a finite number"},
      {"NaN in an array",
       replaced(good, testing::doubles({100.5, 200.25, 300.125}), testing::doubles({100.5, std::nan(""), 300.125})),
       "NA at position 2"},
      {"negative m/z", replaced(good, testing::doubles({100.5, 200.25, 300.125}), testing::doubles({-1, 2, 3})),
       "-1 at position 1"},
      {"infinite intensity", replaced(good, testing::floats({10, 20, 30}), testing::floats({10, 20, HUGE_VALF})),
       "inf at position 3"},
      {"duplicate ids", head + one + one + tail, "second spectrum of id 'scan=7'"},
      {"no id", replaced(good, "id=\"scan=7\"", ""), "spectrum without id"},
      {"unknown group", replaced(good, "ref=\"common\"", "ref=\"other\""), "'other'"},
      {"only intensities", replaced(good, "MS:1000514", "MS:1000786"), "no m/z array"},
      {"two m/z arrays", replaced(good, "MS:1000515", "MS:1000514"), "second m/z array"},
      {"no number type", replaced(good, "MS:1000523", "MS:1000000"), "without a number type"},
      {"charge that is no number", replaced(good, "value=\"2\"/></selectedIon>", "value=\"II\"/></selectedIon>"),
       "'II'"},
      {"spectrum in a spectrum", head + one.substr(0, 200) + one + tail, "<spectrum> inside a spectrum"},
      {"text between spectra", head + "garbage" + one + tail, "between spectra"},
      {"broken tags", replaced(good, "<scanList count=\"1\">", "<scanList count=1>"), "not well-formed XML"},
  };
  testing::check_refused(cases);
}

TEST_CASE("base64: padding, blanks, refusals") {
  std::string bytes;
  for (const std::string& text : {"", "a", "ab", "abc", "abcd", "abcde"}) {
    REQUIRE(io::decode_base64(testing::base64(text), bytes));
    CHECK(bytes == text);
  }
  REQUIRE(io::decode_base64("YWJj\n ZGU=\r\n", bytes));
  CHECK(bytes == "abcde");
  for (const std::string_view bad : {"A", "AB", "ABC", "AB=", "A===", "AB==C", "AB-_", "="}) {
    INFO(bad);
    CHECK_FALSE(io::decode_base64(bad, bytes));
  }
}
