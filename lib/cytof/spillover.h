#pragma once
// Spillover estimated from single-stained beads (Chevrier et al., Cell Systems 6:612, 2018), in the two forms of
// CATALYST. Equations: docs/cytof-normalize.md.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cytof/compensation.h"
#include "cytof/panel.h"

namespace immucan::cytof {

enum class SpilloverMethod { kDefault, kClassic };

struct SpilloverRules {
  SpilloverMethod method = SpilloverMethod::kDefault;
  double trim = 0.5;        ///< kClassic: share cut from either end before the mean; 0.5 is the median
  double threshold = 1e-5;  ///< smaller shares are 0
};

/// Single-stained events of one panel.
struct SingleStains {
  std::vector<Channel> channels;   ///< the mass channels, each with a mass
  std::vector<float> intensities;  ///< raw, row-major, one value per channel
  static constexpr std::int32_t kUnassigned = -1;
  std::vector<std::int32_t> stain;   ///< per event: index into `stained`
  std::vector<std::size_t> stained;  ///< channels that a stain was made for
  [[nodiscard]] std::size_t events() const { return stain.size(); }
};

/// Channels that may receive signal from `emitter`: one mass unit off (overlap of the peaks), 16 units above (oxides),
/// and other isotopes of its metal (impurities).
[[nodiscard]] std::vector<std::size_t> spillover_candidates(const std::vector<Channel>& channels, std::size_t emitter);

struct EstimatedSpillover {
  SpilloverMatrix matrix;               ///< emitters: the stained channels; receivers: all channels
  std::vector<std::uint64_t> positive;  ///< events per stain; 0 or 1 leaves the row without estimates
};
/// Share of the emitter's signal, both above their background, that its single stain shows in every candidate. Values
/// may exceed 1 where the stain is wrong; the caller decides.
[[nodiscard]] EstimatedSpillover estimate_spillover(const SingleStains& stains, const SpilloverRules& rules);

/// Mean of what is left when the share `trim` is cut from both ends, as R's mean(x, trim); from 0.5 the median.
/// `values` is reordered. NaN when empty.
[[nodiscard]] double trimmed_mean(std::span<double> values, double trim);

}  // namespace immucan::cytof
