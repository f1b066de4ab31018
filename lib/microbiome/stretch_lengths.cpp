#include "microbiome/stretch_lengths.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace immucan::microbiome {

namespace {

/// Of stretches in the strains of the development sets: half of those longer than 500 bases are longer than 1.4 kb, a
/// fifth longer than 4.7 kb, one in fourteen longer than 23 kb.
constexpr double kShape = 0.9, kScale = 900, kLongest = 50000;
/// SD of the logarithm of a species' scale.
constexpr double kScaleSpread = 0.5;
constexpr double kMostMissedEnds = 20;

/// Mean length that is left of stretches that are `length` long already.
double mean_remainder(double length, double scale) {
  if (length >= kLongest) return 0;
  const auto area = [&](double x) { return std::pow(1 + x / scale, 1 - kShape) * scale / (1 - kShape); };
  return (area(kLongest) - area(length)) / std::pow(1 + length / scale, -kShape);
}

double likely_scale(std::span<const StretchWalk> walks, const MateShape& shape) {
  // What does not depend on the scale.
  struct Hazards {
    double beyond, breaks, unseen;
    bool complete;
  };
  std::vector<Hazards> hazards;
  for (const StretchWalk& walk : walks)
    hazards.push_back(
        {walk.length - shape.shortest(), shape.breaks(walk.depth), 1 - shape.end_seen(walk.depth), walk.complete});
  double best = kScale, most = -std::numeric_limits<double>::infinity();
  for (int step = -15; step <= 15; ++step) {
    const double shift = 0.14 * step, scale = kScale * std::exp(shift);
    double likelihood = -0.5 * shift * shift / (kScaleSpread * kScaleSpread);
    for (const auto& [beyond, breaks, unseen, complete] : hazards) {
      const double ending = kShape / (scale + beyond);  // hazard of the stretch's end
      const double longer = -kShape * std::log1p(beyond / scale);
      // What reaches through is met from both its ends, as is what breaks off. Without its other end a piece broke
      // off, or that was there and not seen.
      likelihood += complete ? 2 * (longer + std::log(ending)) : longer + std::log(breaks + unseen * ending);
    }
    if (likelihood <= most) continue;
    most = likelihood;
    best = scale;
  }
  return best;
}

}  // namespace

double MateShape::breaks(double depth) const {
  const double rate = fragments_per_base(depth);
  return rate / std::expm1(std::clamp(rate * (insert - overlap), 1e-9, 50.0));
}

double MateShape::anchors_per_end(double depth) const {
  return fragments_per_base(depth) * std::max(1.0, insert - read);
}

double MateShape::end_seen(double depth) const {
  return -std::expm1(-anchors_per_end(depth));
}

double MateShape::in_small_pieces(double depth, unsigned mates) const {
  const double last = std::exp(-fragments_per_base(depth) * (insert - overlap));  // of its piece, a fragment is
  const double fewer = mates / 2 - 1.0;
  return 1 - std::pow(1 - last, fewer) * (1 + fewer * last);
}

double fragments_beyond(std::span<const StretchWalk> walks, const MateShape& shape) {
  if (walks.empty()) return 0;
  const double shortest = shape.shortest(), scale = likely_scale(walks, shape);
  double broken = 0, broken_length = 0;
  for (const StretchWalk& walk : walks)
    if (!walk.complete) {
      ++broken;
      broken_length += walk.length;
    }
  const double mean_broken = broken > 0 ? broken_length / broken : 0;
  const double mean_length = shortest + mean_remainder(0, scale);
  double fragments = 0;
  for (const StretchWalk& walk : walks) {
    const double rate = shape.fragments_per_base(walk.depth), seen = shape.end_seen(walk.depth);
    // What lies between two breaks is found from both ends, so half of it for each; the piece at the other end, where
    // that is seen, has been counted. Some did not break: their other end is there, but was not seen.
    if (!walk.complete) {
      const double breaks = shape.breaks(walk.depth), beyond = walk.length - shortest;
      const double broke = breaks / (breaks + (1 - seen) * kShape / (scale + beyond));
      fragments += 0.5 * rate * broke * std::max(0.0, mean_remainder(beyond, scale) - seen * mean_broken);
    }
    const double ends = std::exp(shape.breaks(walk.depth) * (shortest - shape.read)) / seen;
    const double of_this_length = (walk.complete ? 2 : 1) * (std::min(kMostMissedEnds, ends) - 1);
    fragments += 0.5 * rate * of_this_length * mean_length;
  }
  return fragments;
}

}  // namespace immucan::microbiome
