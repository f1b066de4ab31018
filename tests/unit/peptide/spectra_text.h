#pragma once
// Small spectrum files made in memory, and the readers' verdict on them.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/run_context.h"
#include "io/spectrum.h"

namespace immucan::testing {

inline std::string base64(std::string_view bytes) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kAlphabet[(bits >> (18 - 6 * k)) & 63];
    }
  }
  return out;
}

inline std::string doubles(const std::vector<double>& values) {
  return base64({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
}
inline std::string floats(const std::vector<float>& values) {
  return base64({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

inline constexpr std::string_view kMzmlHead =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<mzML version=\"1.1.0\">\n"
    "<referenceableParamGroupList count=\"1\"><referenceableParamGroup id=\"common\">"
    "<cvParam accession=\"MS:1000511\" name=\"ms level\" value=\"2\"/>"
    "<cvParam accession=\"MS:1000127\" name=\"centroid spectrum\"/></referenceableParamGroup>"
    "</referenceableParamGroupList>\n<run id=\"r\"><spectrumList count=\"1\">\n";
inline constexpr std::string_view kMzmlTail = "</spectrumList></run></mzML>\n";

inline std::string binary_array(std::string_view type, std::string_view meaning, const std::string& text,
                                std::string_view compression = "MS:1000576") {
  return "<binaryDataArray encodedLength=\"" + std::to_string(text.size()) + "\"><cvParam accession=\"" +
         std::string(type) + "\" value=\"\"/><cvParam accession=\"" + std::string(compression) +
         "\"/><cvParam accession=\"" + std::string(meaning) + "\"/><binary>" + text + "</binary></binaryDataArray>";
}

/// One MS2 spectrum of three peaks.
inline std::string mzml_spectrum(std::string_view id = "scan=7") {
  return "<spectrum index=\"0\" id=\"" + std::string(id) +
         "\" defaultArrayLength=\"3\"><referenceableParamGroupRef ref=\"common\"/><scanList count=\"1\"><scan>"
         "<cvParam accession=\"MS:1000016\" value=\"2.5\" unitAccession=\"UO:0000031\"/></scan></scanList>"
         "<precursorList count=\"1\"><precursor><isolationWindow><cvParam accession=\"MS:1000827\" value=\"500.2\"/>"
         "<cvParam accession=\"MS:1000828\" value=\"0.7\"/><cvParam accession=\"MS:1000829\" value=\"0.8\"/>"
         "</isolationWindow><selectedIonList count=\"1\"><selectedIon><cvParam accession=\"MS:1000744\" "
         "value=\"500.25\"/><cvParam accession=\"MS:1000041\" value=\"2\"/></selectedIon></selectedIonList>"
         "</precursor></precursorList><binaryDataArrayList count=\"2\">" +
         binary_array("MS:1000523", "MS:1000514", doubles({100.5, 200.25, 300.125})) +
         binary_array("MS:1000521", "MS:1000515", floats({10, 20, 30})) + "</binaryDataArrayList></spectrum>\n";
}

inline std::string mzml_file() {
  return std::string(kMzmlHead) + mzml_spectrum() + std::string(kMzmlTail);
}

/// Status and message of reading everything; nullopt when it can be read.
inline std::optional<std::pair<core::Status, std::string>> verdict(std::string_view bytes) {
  core::RunContext context("test", "0", "read");
  try {
    const auto reader = io::open_spectra(io::open_memory(bytes, "broken"));
    io::for_each_spectrum(*reader, context, [](io::Spectrum&) {});
  } catch (const core::Error& error) {
    return std::pair{error.status(), std::string(error.what())};
  }
  return std::nullopt;
}

struct Broken {
  std::string what, bytes, says;
};

/// Each is refused with 65 and one line that begins with the file's name and holds `says`.
inline void check_refused(const std::vector<Broken>& cases) {
  for (const Broken& broken : cases) {
    INFO(broken.what);
    const auto refusal = verdict(broken.bytes);
    CHECK(refusal.has_value());
    if (!refusal) continue;
    INFO(refusal->second);
    CHECK(refusal->first == core::Status::kBadInput);
    CHECK(refusal->second.find(broken.says) != std::string::npos);
    CHECK(refusal->second.starts_with("broken:"));
    CHECK(refusal->second.find('\n') == std::string::npos);
  }
}

inline std::vector<io::Spectrum> read_spectra(std::string_view bytes, unsigned threads = 1) {
  core::RunContext context("test", "0", "read");
  context.threads = threads;
  std::vector<io::Spectrum> out;
  const auto reader = io::open_spectra(io::open_memory(bytes));
  io::for_each_spectrum(*reader, context, [&](io::Spectrum& spectrum) { out.push_back(spectrum); });
  return out;
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

}  // namespace immucan::testing
