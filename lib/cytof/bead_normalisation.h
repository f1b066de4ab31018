#pragma once
// Signal drift from calibration beads (Finck et al., Cytometry A 83A:483, 2013) in the three public variants: the
// authors' MATLAB program, premessa, and CATALYST. The equations and where the three differ: docs/cytof-normalize.md.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cytof/mahalanobis.h"

namespace immucan::cytof {

enum class BeadMethod { kFinck, kPremessa, kCatalyst };
[[nodiscard]] std::optional<BeadMethod> parse_bead_method(std::string_view text);
[[nodiscard]] std::string_view to_string(BeadMethod method);
/// Beads in the moving window: 201, 201 and 501.
[[nodiscard]] std::size_t default_window(BeadMethod method);

/// Gated beads of one file in acquisition order; intensities before normalisation.
struct BeadEvents {
  std::vector<std::uint64_t> events;  ///< 0-based event of each bead; empty when the beads come from elsewhere
  std::vector<double> time;
  std::vector<std::vector<double>> intensities;  ///< [bead channel][bead]
  [[nodiscard]] std::size_t size() const { return time.size(); }
};

/// What the beads are scaled to, per channel: the median (kFinck, kPremessa) or mean (kCatalyst) of the beads of all
/// files.
[[nodiscard]] std::vector<double> bead_baseline(BeadMethod method, std::span<const BeadEvents> files);

/// Correction factor over Time: linear between knots, constant outside.
struct SlopeCurve {
  std::vector<double> time, slope;
  [[nodiscard]] double at(double time_value) const;
};

/// At least one bead. `window` beads are smoothed together (odd; finck: with fewer beads than that, one constant
/// slope). Factor at a knot: Σ s·b / Σ s² over channels, s the smoothed bead intensities and b the baseline.
[[nodiscard]] SlopeCurve fit_slopes(BeadMethod method, const BeadEvents& beads, std::span<const double> baseline,
                                    std::size_t window);

/// Distance of an event to the normalised beads in asinh(x/5) of the bead channels.
class BeadDistance {
 public:
  /// nullopt when there are too few beads for a covariance.
  static std::optional<BeadDistance> fit(const BeadEvents& beads, const SlopeCurve& curve);
  /// `intensities`: normalised bead channels. Square root of the Mahalanobis distance, the programs' "beadDist".
  [[nodiscard]] double operator()(std::span<const double> intensities) const;

  explicit BeadDistance(Mahalanobis model) : model_(std::move(model)) {}

 private:
  Mahalanobis model_;
};

/// Running median as R's runmed(x, k, endrule): "median" (smoothEnds) or "constant". k is made odd and at most n.
enum class EndRule { kMedian, kConstant };
[[nodiscard]] std::vector<double> running_median(std::span<const double> values, std::size_t window, EndRule rule);

/// The middle of a moving window of odd length, kept sorted.
class SlidingMedian {
 public:
  explicit SlidingMedian(std::span<const double> first);
  [[nodiscard]] double value() const { return sorted_[sorted_.size() / 2]; }
  /// `out` must be in the window.
  void replace(double out, double in);

 private:
  std::vector<double> sorted_;
};

/// Median; mean of the middle two for an even count. `values` is reordered. At least one value.
[[nodiscard]] double median_of(std::span<double> values);

}  // namespace immucan::cytof
