#pragma once
// One spectrum against one peptide: preparation of peaks, a bit map for the first look, the exact match, the score.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/spectrum.h"
#include "peptide/masses.h"

namespace immucan::peptide {

/// m/z in units of 2^-18 Da: 4 µDa, up to 16 kDa.
using PeakMz = std::uint32_t;
inline constexpr int kMassToPeakShift = 6;  ///< from Mass
inline constexpr double kPeakScale = 262144.0;

struct FragmentTolerance {
  double ppm = 20;  ///< used when da is 0
  double da = 0;
  [[nodiscard]] PeakMz at(PeakMz mz) const {
    return da > 0 ? static_cast<PeakMz>(da * kPeakScale) : static_cast<PeakMz>(static_cast<double>(mz) * ppm * 1e-6);
  }
};

struct PreparationOptions {
  std::size_t max_peaks = 150;
  std::size_t min_peaks = 10;
  bool deisotope = true;
};

/// Peaks of one spectrum as the search wants them: ascending m/z, intensities relative to the largest.
struct PreparedPeaks {
  std::vector<PeakMz> mz;
  std::vector<float> intensity;
};
/// Drops non-positive intensities and, where asked, isotope peaks (1 and 2 charges), then keeps the most intense ones.
/// Fewer than min_peaks left → nullopt. A spectrum that is not sorted is sorted.
[[nodiscard]] std::optional<PreparedPeaks> prepare_peaks(const io::Spectrum& spectrum,
                                                         const PreparationOptions& options,
                                                         const FragmentTolerance& tolerance);

/// Residue masses of one peptide form: fixed and placed variable modifications are in.
struct PeptideForm {
  std::array<Mass, 64> mass;  ///< per residue, terminal modifications on the first and last
  std::size_t length = 0;
};
inline constexpr std::size_t kMaxPeptideLength = 60;

/// What a peptide explains of a spectrum.
struct FragmentMatch {
  int b = 0, y = 0;  ///< matched cleavages per series, each counted once for any charge
  float b_intensity = 0, y_intensity = 0;
  double score = 0;
};

/// Everything the rescoring wants to know about one pair; made for reported candidates only.
struct MatchDetail {
  FragmentMatch match;
  int longest_b = 0, longest_y = 0;  ///< consecutive cleavages
  int complementary = 0;             ///< cleavages seen from both sides
  double explained = 0;              ///< matched share of the summed intensity
  double mean_error_ppm = 0;         ///< intensity-weighted, signed
  double error_spread_ppm = 0;       ///< intensity-weighted mean absolute deviation from it
  double top_explained = 0;          ///< share of the ten most intense peaks that are explained
};

/// A spectrum laid out for matching; recycled per thread.
class FragmentMatcher {
 public:
  explicit FragmentMatcher(const FragmentTolerance& tolerance) : tolerance_(tolerance) {}
  void load(std::span<const PeakMz> mz, std::span<const float> intensity);
  /// Upper bound of matched fragments by the bit map: at least that of match().
  [[nodiscard]] int count_bits(const PeptideForm& form, int max_charge) const;
  /// Every b and y ion with 1 … max_charge charges; the most intense peak in the window counts.
  [[nodiscard]] FragmentMatch match(const PeptideForm& form, int max_charge) const;
  [[nodiscard]] MatchDetail detail(const PeptideForm& form, int max_charge) const;

 private:
  struct Hit {
    float intensity = 0;
    std::size_t peak = 0;
    PeakMz expected = 0;
  };
  [[nodiscard]] Hit best_peak(Mass ion_mz) const;
  template <class Visit>
  void visit_fragments(const PeptideForm& form, int max_charge, Visit&& visit) const;

  FragmentTolerance tolerance_;
  std::span<const PeakMz> mz_;
  std::span<const float> intensity_;
  std::vector<std::uint64_t> bits_;        ///< 1/64 Da
  std::vector<std::uint16_t> first_peak_;  ///< first peak at or above each whole m/z
  std::size_t last_bit_ = 0;
};

/// ln(b!) + ln(y!) + ln(1 + 100 Σ matched relative intensity): the X!Tandem form with exact factorials.
[[nodiscard]] double hyperscore(int b, int y, double b_intensity, double y_intensity);

/// Ion charges to look for, from the precursor charge: 1 up to precursor − 1, at most 2; at least 1.
[[nodiscard]] inline int fragment_charges(int precursor_charge) {
  return precursor_charge >= 3 ? 2 : 1;
}

}  // namespace immucan::peptide
