#include "simulate/cytof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

namespace immucan::simulate {
namespace {

struct Channel {
  std::string_view name, marker;
};
constexpr std::size_t kFirstMarker = 9, kMarkers = 18, kViability = 27, kGaussian = 28, kChannels = 32;
constexpr std::size_t kFirstBead = 2, kBeads = 5, kFirstDna = 7;
constexpr std::array<Channel, kChannels> kPanel = {{
    {"Time", "Time"},        {"Event_length", "Event_length"},
    {"Ce140Di", "EQ_Ce140"}, {"Eu151Di", "EQ_Eu151"},
    {"Eu153Di", "EQ_Eu153"}, {"Ho165Di", "EQ_Ho165"},
    {"Lu175Di", "EQ_Lu175"}, {"Ir191Di", "DNA1"},
    {"Ir193Di", "DNA2"},     {"Y89Di", "CD45"},
    {"Er170Di", "CD3"},      {"Nd145Di", "CD4"},
    {"Nd146Di", "CD8"},      {"Nd142Di", "CD19"},
    {"Yb176Di", "CD56"},     {"Gd160Di", "CD14"},
    {"Nd148Di", "CD16"},     {"Yb174Di", "HLA-DR"},
    {"Sm147Di", "CD11c"},    {"Nd143Di", "CD123"},
    {"Tm169Di", "CD25"},     {"Yb171Di", "CD127"},
    {"Dy162Di", "FoxP3"},    {"Gd155Di", "PD-1"},
    {"Nd150Di", "CD45RA"},   {"Tb159Di", "CCR7"},
    {"Sm152Di", "TCRgd"},    {"Pt195Di", "Viability"},
    {"Center", "Center"},    {"Offset", "Offset"},
    {"Width", "Width"},      {"Residual", "Residual"},
}};

enum Marker : std::size_t {
  CD45,
  CD3,
  CD4,
  CD8,
  CD19,
  CD56,
  CD14,
  CD16,
  HLA_DR,
  CD11c,
  CD123,
  CD25,
  CD127,
  FoxP3,
  PD1,
  CD45RA,
  CCR7,
  TCRgd
};

/// Level of a marker on the arcsinh scale; absent markers are background.
struct Expression {
  Marker marker;
  double level;
};
struct CellType {
  double fraction;  ///< median share of intact cells
  std::vector<Expression> markers;
};

const std::vector<CellType>& cell_types() {
  static const std::vector<CellType> types = {
      {0.13, {{CD45, 5.2}, {CD3, 4.8}, {CD4, 4.6}, {CD127, 4.2}, {CD45RA, 4.8}, {CCR7, 4.3}}},  // naive CD4
      {0.18, {{CD45, 5.2}, {CD3, 4.8}, {CD4, 4.6}, {CD127, 4.2}}},                              // memory CD4
      {0.08, {{CD45, 5.2}, {CD3, 4.8}, {CD8, 5.0}, {CD127, 4.2}, {CD45RA, 4.8}, {CCR7, 4.3}}},  // naive CD8
      {0.08, {{CD45, 5.2}, {CD3, 4.8}, {CD8, 5.0}, {CD45RA, 4.6}, {CD16, 0.4}}},                // effector CD8
      {0.08, {{CD45, 5.2}, {CD3, 4.8}, {CD8, 5.0}, {CD127, 4.0}}},                              // memory CD8
      {0.025, {{CD45, 5.2}, {CD3, 5.0}, {TCRgd, 4.6}}},                                         // gamma-delta
      {0.05, {{CD45, 5.0}, {CD19, 4.6}, {HLA_DR, 4.9}, {CD45RA, 4.8}, {CCR7, 4.0}}},            // naive B
      {0.03, {{CD45, 5.0}, {CD19, 4.6}, {HLA_DR, 4.9}, {CD45RA, 4.6}}},                         // memory B
      {0.09, {{CD45, 5.1}, {CD56, 4.2}, {CD16, 4.7}, {CD45RA, 4.6}}},                           // CD16+ NK
      {0.015, {{CD45, 5.1}, {CD56, 5.6}, {CD45RA, 4.2}}},                                       // CD56bright NK
      {0.14, {{CD45, 4.9}, {CD14, 4.9}, {HLA_DR, 4.6}, {CD11c, 4.6}, {CD4, 0.5}}},              // classical monocytes
      {0.03, {{CD45, 4.9}, {CD16, 4.9}, {HLA_DR, 4.7}, {CD11c, 4.8}}},                          // CD16+ monocytes
      {0.02, {{CD45, 4.8}, {HLA_DR, 5.2}, {CD11c, 4.8}}},                                       // cDC
      {0.012, {{CD45, 4.8}, {HLA_DR, 4.8}, {CD123, 5.0}, {CD45RA, 4.4}}},                       // pDC
      {0.012, {{CD45, 4.6}, {CD123, 5.2}}},                                                     // basophils
      {0.03, {{CD45, 4.4}}},                                                                    // none of these
  };
  return types;
}
constexpr std::size_t kFirstCd4 = 0, kEndCd4 = 2, kFirstCd8 = 2, kEndCd8 = 5, kMonocyte = 10;

/// Bounds lie midway between background (about 0.5) and the dimmest positive level, with room for a weak batch.
constexpr std::string_view kGates =
    "population\tparent\tmarker\tmin\tmax\n"
    "Leukocytes\tNA\tCD45\t2.4\tNA\n"
    "Leukocytes\tNA\tDNA1\t4\tNA\n"
    "T_cells\tLeukocytes\tCD3\t2.4\tNA\n"
    "T_cells\tLeukocytes\tCD19\tNA\t2.4\n"
    "GD_T\tT_cells\tTCRgd\t2.4\tNA\n"
    "CD4_T\tT_cells\tCD4\t2.4\tNA\n"
    "CD4_T\tT_cells\tCD8\tNA\t2.4\n"
    "CD4_naive\tCD4_T\tCD45RA\t2.4\tNA\n"
    "CD4_memory\tCD4_T\tCD45RA\tNA\t2.4\n"
    "Treg\tCD4_T\tCD25\t2.4\tNA\n"
    "Treg\tCD4_T\tCD127\tNA\t2.4\n"
    "Treg\tCD4_T\tFoxP3\t2\tNA\n"
    "CD8_T\tT_cells\tCD8\t2.4\tNA\n"
    "CD8_T\tT_cells\tCD4\tNA\t2.4\n"
    "CD8_naive\tCD8_T\tCCR7\t2.2\tNA\n"
    "CD8_effector\tCD8_T\tCD45RA\t2.4\tNA\n"
    "CD8_effector\tCD8_T\tCCR7\tNA\t2.2\n"
    "CD8_memory\tCD8_T\tCD45RA\tNA\t2.4\n"
    "CD8_memory\tCD8_T\tCCR7\tNA\t2.2\n"
    "CD8_PD1\tCD8_T\tPD-1\t2\tNA\n"
    "B_cells\tLeukocytes\tCD19\t2.4\tNA\n"
    "B_cells\tLeukocytes\tCD3\tNA\t2.4\n"
    "B_naive\tB_cells\tCCR7\t2.2\tNA\n"
    "B_memory\tB_cells\tCCR7\tNA\t2.2\n"
    "Lineage_negative\tLeukocytes\tCD3\tNA\t2.4\n"
    "Lineage_negative\tLeukocytes\tCD19\tNA\t2.4\n"
    "NK_cells\tLineage_negative\tCD56\t2.2\tNA\n"
    "NK_CD16\tNK_cells\tCD16\t2.4\tNA\n"
    "NK_CD56bright\tNK_cells\tCD16\tNA\t2.4\n"
    "Monocytes\tLineage_negative\tCD14\t2.4\tNA\n"
    "M_MDSC\tMonocytes\tHLA-DR\tNA\t2.4\n"
    "Monocytes_CD16\tLineage_negative\tCD16\t2.4\tNA\n"
    "Monocytes_CD16\tLineage_negative\tCD11c\t2.4\tNA\n"
    "Monocytes_CD16\tLineage_negative\tCD14\tNA\t2.4\n"
    "cDC\tLineage_negative\tHLA-DR\t2.4\tNA\n"
    "cDC\tLineage_negative\tCD11c\t2.4\tNA\n"
    "cDC\tLineage_negative\tCD14\tNA\t2.4\n"
    "cDC\tLineage_negative\tCD16\tNA\t2.4\n"
    "pDC\tLineage_negative\tCD123\t2.4\tNA\n"
    "pDC\tLineage_negative\tHLA-DR\t2.4\tNA\n"
    "Basophils\tLineage_negative\tCD123\t2.4\tNA\n"
    "Basophils\tLineage_negative\tHLA-DR\tNA\t2.4\n";

/// Sensitivity of the instrument over a run: a batch factor, a file factor, a slow loss and a ripple.
class Sensitivity {
 public:
  Sensitivity(core::Random& random, bool second_batch)
      : start_((second_batch ? 0.65 : 1.0) * random.lognormal(0, 0.06)),
        loss_(0.25 + 0.15 * random.uniform()),
        phase_(6.28 * random.uniform()) {}
  /// At `part` of the run, 0 to 1.
  [[nodiscard]] double at(double part) const {
    return start_ * std::exp(-loss_ * part + 0.03 * std::sin(9 * part + phase_));
  }

 private:
  double start_, loss_, phase_;
};

using Event = std::array<double, kChannels>;

class BloodSample {
 public:
  BloodSample(const Cohort& cohort, const SamplePlan& sample)
      : random_(stream(cohort.options.seed, sample.id)), sensitivity_(random_, sample.second_batch) {
    for (const CellType& type : cell_types()) weights_.push_back(type.fraction * random_.lognormal(0, 0.3));
    const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (double& weight : weights_) weight /= total;
    // Planted states are taken by members of a parent population at random: parents and siblings stay as they are.
    const auto share = [&](std::size_t begin, std::size_t end) {
      return std::accumulate(weights_.begin() + static_cast<std::ptrdiff_t>(begin),
                             weights_.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
    };
    treg_ = sample_level(cohort, sample, "cytof@blood:Treg:fraction") / share(kFirstCd4, kEndCd4);
    pd1_ = sample_level(cohort, sample, "cytof@blood:CD8_PD1:fraction") / share(kFirstCd8, kEndCd8);
    mdsc_ = sample_level(cohort, sample, "cytof@blood:M_MDSC:fraction") / share(kMonocyte, kMonocyte + 1);
  }

  std::vector<Event> events(std::size_t count) {
    std::vector<Event> events(count);
    double time = 0;
    for (std::size_t i = 0; i < count; ++i) {
      Event& event = events[i];
      const double kind = random_.uniform();
      if (kind < 0.05) {
        add_bead(event);
        add_background(event, kFirstDna, 2, 0.3);
        if (random_.bernoulli(0.03)) add_cell(event);  // bead and cell in one event
      } else {
        if (kind < 0.07) {
          add_debris(event);
        } else {
          add_cell(event);
        }
        add_background(event, kFirstBead, kBeads, 0.3);
      }
      measure(event, sensitivity_.at(static_cast<double>(i) / static_cast<double>(count)));
      time += std::max(1.0, std::round(random_.exponential(1.0 / 60)));
      event[0] = time;
      add_pulse(event);
    }
    return events;
  }

 private:
  void add_bead(Event& event) {
    constexpr std::array<double, kBeads> counts = {900, 800, 1100, 1000, 700};
    const double brightness = random_.lognormal(0, 0.10);
    for (std::size_t k = 0; k < kBeads; ++k) {
      event[kFirstBead + k] += counts[k] * brightness * random_.lognormal(0, 0.06);
    }
    add_background(event, kFirstMarker, kMarkers + 1, 0.5);
  }

  void add_cell(Event& event) {
    const std::size_t type = random_.categorical(weights_);
    const double dna = 500 * random_.lognormal(0, 0.18);
    event[kFirstDna] += dna;
    event[kFirstDna + 1] += 1.75 * dna * random_.lognormal(0, 0.05);
    add_background(event, kFirstMarker, kMarkers, 1.5);
    event[kViability] += random_.bernoulli(0.04) ? 300 * random_.lognormal(0, 0.4) : random_.exponential(0.2);
    for (const Expression& expression : cell_types()[type].markers) stain(event, expression.marker, expression.level);
    if (type >= kFirstCd4 && type < kEndCd4 && random_.bernoulli(treg_)) {
      stain(event, CD25, 4.4);
      stain(event, FoxP3, 3.8);
      hide(event, CD127);
    }
    if (type >= kFirstCd8 && type < kEndCd8 && random_.bernoulli(pd1_)) stain(event, PD1, 4.2);
    if (type == kMonocyte && random_.bernoulli(mdsc_)) hide(event, HLA_DR);
  }

  void add_debris(Event& event) {
    event[kFirstDna] += random_.exponential(0.2);
    event[kFirstDna + 1] += random_.exponential(0.15);
    add_background(event, kFirstMarker, kMarkers + 1, 1.0);
  }

  void add_background(Event& event, std::size_t first, std::size_t count, double mean) {
    for (std::size_t k = 0; k < count; ++k) {
      if (random_.bernoulli(0.6)) event[first + k] += random_.exponential(1 / mean);
    }
  }

  void stain(Event& event, Marker marker, double level) {
    event[kFirstMarker + marker] += 5 * std::sinh(level) * random_.lognormal(0, 0.30);
  }
  void hide(Event& event, Marker marker) { event[kFirstMarker + marker] = random_.exponential(1 / 1.5); }

  /// Ion counting: what arrives scales with the sensitivity of the moment, with its counting noise.
  void measure(Event& event, double sensitivity) {
    for (std::size_t k = kFirstBead; k < kGaussian; ++k) {
      const double expected = event[k] * sensitivity;
      event[k] = expected <= 0 ? 0 : std::max(0.0, expected + 0.7 * std::sqrt(expected) * random_.normal());
    }
  }

  void add_pulse(Event& event) {
    event[1] = std::round(std::clamp(random_.normal(24, 4), 10.0, 75.0));
    event[kGaussian] = 420 + 30 * random_.normal();
    event[kGaussian + 1] = std::max(1.0, 70 + 9 * random_.normal());
    event[kGaussian + 2] = std::max(1.0, 45 + 6 * random_.normal());
    event[kGaussian + 3] = std::max(1.0, 90 + 18 * random_.normal());
  }

  core::Random random_;
  Sensitivity sensitivity_;
  std::vector<double> weights_;
  double treg_ = 0, pd1_ = 0, mdsc_ = 0;
};

void append_big_endian(std::string& out, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xFF);
}

/// FCS 3.0, list mode, big-endian float32, as the instrument's software writes it.
std::string fcs(const std::vector<Event>& events, std::string_view file_name) {
  std::string text = fmt::format(
      "|$BEGINANALYSIS|0|$ENDANALYSIS|0|$BEGINSTEXT|0|$ENDSTEXT|0|$BYTEORD|4,3,2,1|$DATATYPE|F|$MODE|L|$NEXTDATA|0|"
      "$PAR|{}|$TOT|{}|$CYT|SIMULATED|$FIL|{}|",
      kChannels, events.size(), file_name);
  for (std::size_t k = 0; k < kChannels; ++k) {
    double highest = 1;
    for (const Event& event : events) highest = std::max(highest, event[k]);
    text += fmt::format("$P{0}N|{1}|$P{0}S|{2}|$P{0}B|32|$P{0}E|0,0|$P{0}R|{3}|", k + 1, kPanel[k].name,
                        kPanel[k].marker, static_cast<long>(std::ceil(highest)) + 1);
  }
  constexpr std::size_t header = 256;  // header and its padding
  const std::size_t data_size = events.size() * kChannels * sizeof(float);
  const std::size_t offsets = std::string_view("$BEGINDATA||$ENDDATA||").size() + 24;
  const std::size_t data = header + text.size() + offsets;
  text += fmt::format("$BEGINDATA|{:012}|$ENDDATA|{:012}|", data, data + data_size - 1);

  std::string out =
      fmt::format("FCS3.0    {:8}{:8}{:8}{:8}{:8}{:8}", header, data - 1, data, data + data_size - 1, 0, 0);
  out.resize(header, ' ');
  out += text;
  out.reserve(data + data_size);
  for (const Event& event : events) {
    for (const double value : event) append_big_endian(out, static_cast<float>(value));
  }
  return out;
}

}  // namespace

SimulatedFile simulate_gates() {
  return {"reference/gates.tsv", std::string(kGates)};
}

SimulatedFile simulate_cytof(const Cohort& cohort, const SamplePlan& sample) {
  BloodSample blood(cohort, sample);
  return {raw_files(sample)[0].path, fcs(blood.events(sizes(cohort.options).events), sample.id + ".fcs")};
}

}  // namespace immucan::simulate
