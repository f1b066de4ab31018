#pragma once
// Which events are calibration beads, found without a person: no DNA, and inside the cloud of the bead channels.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cytof/mahalanobis.h"

namespace immucan::cytof {

/// Events that the gate is learnt from, on the arcsinh(x/5) scale; row-major.
struct GateSample {
  std::size_t dimensions = 0;  ///< bead channels
  std::vector<double> beads;   ///< `dimensions` values per event
  std::vector<double> dna;     ///< one value per event; empty when the panel has no DNA channel
  [[nodiscard]] std::size_t events() const { return dimensions == 0 ? 0 : beads.size() / dimensions; }
};

/// Keeps every k-th event, k doubling whenever `capacity` is reached: an even sample of a run of unknown length.
class EvenSample {
 public:
  EvenSample(std::size_t dimensions, bool with_dna, std::size_t capacity = std::size_t{1} << 17);
  /// Raw intensities of the bead channels and of DNA (ignored without DNA), of consecutive events.
  void add(std::span<const double> beads, double dna);
  [[nodiscard]] const GateSample& sample() const { return sample_; }

 private:
  void halve();
  GateSample sample_;
  bool with_dna_;
  std::size_t capacity_;
  std::uint64_t seen_ = 0, every_ = 1;
};

class BeadGate {
 public:
  /// nullopt when no cloud of DNA-negative events with signal in all bead channels is found (fewer than 2 events per
  /// bead channel plus one).
  static std::optional<BeadGate> fit(const GateSample& sample);
  /// Raw intensities. `dna` is ignored when the gate was learnt without.
  [[nodiscard]] bool contains(std::span<const double> beads, double dna) const;

  [[nodiscard]] double dna_limit() const { return dna_limit_; }  ///< raw counts; infinity without DNA
  [[nodiscard]] const std::vector<double>& centre() const { return cloud_.mean(); }  ///< arcsinh scale

 private:
  BeadGate(Mahalanobis cloud, double dna_limit, std::vector<double> lowest)
      : cloud_(std::move(cloud)), dna_limit_(dna_limit), lowest_(std::move(lowest)) {}
  Mahalanobis cloud_;
  double dna_limit_;
  std::vector<double> lowest_;  ///< raw counts per bead channel below which no event is a bead (a quick test)
};

/// Otsu's threshold of values, and how far apart the two classes are: difference of means over sum of standard
/// deviations (about 1.3 for one normal cloud, above 2 for two). nullopt when all values are equal or fewer than 4.
struct TwoClasses {
  double threshold = 0, separation = 0;
};
[[nodiscard]] std::optional<TwoClasses> split_in_two(std::vector<double> values);

}  // namespace immucan::cytof
