#include "simulate/spectrum.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "simulate/bytes.h"

namespace immucan::simulate {
namespace {

// Monoisotopic masses in Da.
constexpr double kProton = 1.00727646688, kWater = 18.0105646837, kAmmonia = 17.0265491015,
                 kCarbonMonoxide = 27.9949146;
constexpr double kNeutron = 1.0033548378;

double residue_mass(char residue) {
  switch (residue) {
    case 'G':
      return 57.0214637;
    case 'A':
      return 71.0371138;
    case 'S':
      return 87.0320284;
    case 'P':
      return 97.0527638;
    case 'V':
      return 99.0684139;
    case 'T':
      return 101.0476785;
    case 'C':
      return 103.0091845;
    case 'L':
    case 'I':
      return 113.0840640;
    case 'N':
      return 114.0429274;
    case 'D':
      return 115.0269430;
    case 'Q':
      return 128.0585775;
    case 'K':
      return 128.0949630;
    case 'E':
      return 129.0425931;
    case 'M':
      return 131.0404846;
    case 'H':
      return 137.0589119;
    case 'F':
      return 147.0684139;
    case 'R':
      return 156.1011110;
    case 'Y':
      return 163.0633285;
    default:
      return 186.0793130;  // W
  }
}

double hydrophobicity(char residue) {
  switch (residue) {
    case 'W':
      return 11.0;
    case 'F':
      return 10.5;
    case 'L':
      return 9.6;
    case 'I':
      return 8.4;
    case 'M':
      return 5.8;
    case 'V':
      return 5.0;
    case 'Y':
      return 4.0;
    case 'A':
      return 0.8;
    case 'K':
    case 'R':
    case 'H':
      return -1.5;
    default:
      return -0.5;
  }
}

using Peaks = std::vector<std::pair<double, double>>;

void add_noise(core::Random& random, Peaks& peaks, std::size_t count, double limit, double height) {
  for (std::size_t k = 0; k < count; ++k) {
    // Noise sits where peptide fragments may sit: near the averagine mass defect.
    const double nominal = std::floor(100 + random.uniform() * (limit - 100));
    peaks.emplace_back(nominal * 1.000455 + random.normal(0.02, 0.06), height * random.lognormal(0, 0.8));
  }
}

Spectrum finish(core::Random& random, Peaks peaks, double retention, double mz, int charge) {
  std::sort(peaks.begin(), peaks.end());
  Spectrum spectrum{.retention_minutes = retention, .precursor_mz = mz, .charge = charge, .mz = {}, .intensity = {}};
  const double scale = std::pow(10.0, 4.5 + 2 * random.uniform());
  for (const auto& [position, height] : peaks) {
    if (position < 100) continue;
    spectrum.mz.push_back(position);
    spectrum.intensity.push_back(static_cast<float>(height * scale));
  }
  return spectrum;
}

}  // namespace

Spectrum peptide_spectrum(core::Random& random, std::string_view peptide) {
  const std::size_t length = peptide.size();
  double mass = kWater;
  for (const char residue : peptide) mass += residue_mass(residue);

  Peaks peaks;
  const auto add = [&](double neutral, double height) {
    peaks.emplace_back((neutral + kProton) * (1 + random.normal(1.0, 3.0) * 1e-6), height);
  };
  double prefix = 0;
  for (std::size_t i = 0; i + 1 < length; ++i) {
    prefix += residue_mass(peptide[i]);
    const double position = static_cast<double>(i + 1) / static_cast<double>(length);
    // Fragmentation is strong before proline and weak behind it; y ions are higher where the end is basic.
    const double site =
        (peptide[i + 1] == 'P' ? 2.5 : 1.0) * (peptide[i] == 'P' ? 0.35 : 1.0) * (0.5 + 2 * position * (1 - position));
    const bool basic_end = peptide[length - 1] == 'K' || peptide[length - 1] == 'R';
    const double b = site * (basic_end ? 0.35 : 0.7) * random.lognormal(0, 0.6);
    const double y = site * (basic_end ? 1.2 : 0.8) * random.lognormal(0, 0.6);
    if (i > 0 && random.bernoulli(0.88)) {
      add(prefix, b);
      if (random.bernoulli(0.2)) add(prefix - kWater, 0.15 * b);
      if (random.bernoulli(0.25)) add(prefix - kCarbonMonoxide, 0.25 * b);
      if (prefix > 500 && random.bernoulli(0.4)) add(prefix + kNeutron, b * prefix / 1800);
    }
    if (random.bernoulli(0.90)) {
      const double suffix = mass - prefix;
      add(suffix, y);
      if (random.bernoulli(0.15)) add(suffix - kAmmonia, 0.15 * y);
      if (suffix > 500 && random.bernoulli(0.4)) add(suffix + kNeutron, y * suffix / 1800);
    }
  }
  add_noise(random, peaks, 12 + random.below(12), mass, 0.03);

  const int charge = random.bernoulli(0.12) ? 3 : 2;
  const double mz = (mass + charge * kProton) / charge * (1 + random.normal(-0.8, 1.8) * 1e-6);
  double hydrophobic = 0;
  for (const char residue : peptide) hydrophobic += hydrophobicity(residue);
  const double retention = 5 + 75 / (1 + std::exp(-(hydrophobic - 18) / 16)) + random.normal(0, 1);
  return finish(random, std::move(peaks), std::max(0.1, retention), mz, charge);
}

Spectrum noise_spectrum(core::Random& random) {
  Peaks peaks;
  const int charge = random.bernoulli(0.15) ? 3 : 2;
  const double mass = 850 + 450 * random.uniform();
  add_noise(random, peaks, 25 + random.below(25), mass, 0.3);
  const double nominal = std::floor(mass) * 1.000455;
  return finish(random, std::move(peaks), 5 + 75 * random.uniform(),
                (nominal + random.normal(0.02, 0.06)) / charge + kProton, charge);
}

namespace {

template <class T>
std::string encoded(const std::vector<T>& values) {
  std::string bytes;
  bytes.reserve(values.size() * sizeof(T));
  for (const T value : values) {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const auto bits = std::bit_cast<Bits>(value);
    for (std::size_t k = 0; k < sizeof(T); ++k) bytes += static_cast<char>(bits >> (8 * k) & 0xFF);  // little-endian
  }
  return zlib_base64(bytes);
}

void append_cv(std::string& out, std::string_view accession, std::string_view name, std::string_view value = {}) {
  out += fmt::format("<cvParam cvRef=\"MS\" accession=\"MS:{}\" name=\"{}\" value=\"{}\"/>", accession, name, value);
}

void append_array(std::string& out, std::string_view precision, std::string_view precision_name, std::string_view kind,
                  std::string_view kind_name, const std::string& text) {
  out += fmt::format("<binaryDataArray encodedLength=\"{}\">", text.size());
  append_cv(out, precision, precision_name);
  append_cv(out, "1000574", "zlib compression");
  append_cv(out, kind, kind_name);
  out += fmt::format("<binary>{}</binary></binaryDataArray>\n", text);
}

}  // namespace

std::string mzml(std::span<const Spectrum> spectra, std::string_view run) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<mzML xmlns=\"http://psi.hupo.org/ms/mzml\" version=\"1.1.0\">"
      "<cvList count=\"2\"><cv id=\"MS\" fullName=\"PSI-MS\" version=\"4.1\" URI=\"psi-ms.obo\"/>"
      "<cv id=\"UO\" fullName=\"Unit Ontology\" version=\"1\" "
      "URI=\"uo.obo\"/></cvList>\n<fileDescription><fileContent>";
  append_cv(out, "1000580", "MSn spectrum");
  out += "</fileContent></fileDescription>\n<softwareList count=\"1\"><software id=\"simulator\" version=\"1\">";
  append_cv(out, "1000799", "custom unreleased software tool", "simulate-cohort");
  out += "</software></softwareList>\n<instrumentConfigurationList count=\"1\"><instrumentConfiguration id=\"IC1\">";
  append_cv(out, "1000031", "instrument model");
  out +=
      "</instrumentConfiguration></instrumentConfigurationList>\n<dataProcessingList count=\"1\"><dataProcessing "
      "id=\"DP1\">"
      "<processingMethod order=\"0\" softwareRef=\"simulator\">";
  append_cv(out, "1000544", "Conversion to mzML");
  out += fmt::format(
      "</processingMethod></dataProcessing></dataProcessingList>\n<run id=\"{}\" "
      "defaultInstrumentConfigurationRef=\"IC1\"><spectrumList count=\"{}\" defaultDataProcessingRef=\"DP1\">\n",
      run, spectra.size());
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    const Spectrum& spectrum = spectra[i];
    out += fmt::format(
        "<spectrum index=\"{}\" id=\"controllerType=0 controllerNumber=1 scan={}\" defaultArrayLength=\"{}\">", i,
        i + 1, spectrum.mz.size());
    append_cv(out, "1000580", "MSn spectrum");
    append_cv(out, "1000511", "ms level", "2");
    append_cv(out, "1000130", "positive scan");
    append_cv(out, "1000127", "centroid spectrum");
    out += "<scanList count=\"1\">";
    append_cv(out, "1000795", "no combination");
    out += fmt::format(
        "<scan><cvParam cvRef=\"MS\" accession=\"MS:1000016\" name=\"scan start time\" value=\"{:.5f}\" "
        "unitCvRef=\"UO\" unitAccession=\"UO:0000031\" unitName=\"minute\"/></scan></scanList>"
        "<precursorList count=\"1\"><precursor><selectedIonList count=\"1\"><selectedIon>"
        "<cvParam cvRef=\"MS\" accession=\"MS:1000744\" name=\"selected ion m/z\" value=\"{:.6f}\" "
        "unitCvRef=\"MS\" unitAccession=\"MS:1000040\" unitName=\"m/z\"/>",
        spectrum.retention_minutes, spectrum.precursor_mz);
    append_cv(out, "1000041", "charge state", fmt::format("{}", spectrum.charge));
    out += "</selectedIon></selectedIonList><activation>";
    append_cv(out, "1000422", "beam-type collision-induced dissociation");
    out += "</activation></precursor></precursorList>\n<binaryDataArrayList count=\"2\">";
    append_array(out, "1000523", "64-bit float", "1000514", "m/z array", encoded(spectrum.mz));
    append_array(out, "1000521", "32-bit float", "1000515", "intensity array", encoded(spectrum.intensity));
    out += "</binaryDataArrayList></spectrum>\n";
  }
  out += "</spectrumList></run></mzML>\n";
  return out;
}

}  // namespace immucan::simulate
