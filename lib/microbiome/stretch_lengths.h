#pragma once
// How much of a strain lies in stretches that the database lacks, from the pieces that begin at their ends: some reach
// from end to end, the others break off where by chance no read lies (E. S. Lander, M. S. Waterman, Genomics 2,
// 231-239, 1988). Those are censored observations of a length.
#include <span>

namespace immucan::microbiome {

/// Of the reads of a sample (bases).
struct MateShape {
  double read = 150;    ///< mean length
  double insert = 350;  ///< distance of the outer ends of two mates
  double overlap = 65;  ///< that two reads need to be joined

  /// Stretches shorter than this are seen by single mates alone.
  [[nodiscard]] double shortest() const { return insert + read; }
  [[nodiscard]] double fragments_per_base(double depth) const { return depth / (2 * read); }
  /// Breaks per base of a piece at this depth.
  [[nodiscard]] double breaks(double depth) const;
  /// Probability that an end has a fragment of which one mate lies within and one without.
  [[nodiscard]] double end_seen(double depth) const;
  /// Fragments of which one mate lies within an end and one without.
  [[nodiscard]] double anchors_per_end(double depth) const;
  /// Share of the fragments that lie in pieces of fewer than `mates` mates, all of one long stretch.
  [[nodiscard]] double in_small_pieces(double depth, unsigned mates) const;
};

/// A piece longer than MateShape::shortest(), followed from one end of its stretch.
struct StretchWalk {
  double length = 0;      ///< bases
  double depth = 0;       ///< of the strain
  bool complete = false;  ///< it reaches the other end; it is then followed from both
};

/// Fragments in long stretches besides those in the pieces given: behind their breaks, and in stretches that broke off
/// before they were long. Lengths beyond the shortest follow a Lomax distribution of fixed shape, cut off at 50 kb,
/// whose scale is the most likely one under a log-normal prior.
[[nodiscard]] double fragments_beyond(std::span<const StretchWalk> walks, const MateShape& shape);

}  // namespace immucan::microbiome
