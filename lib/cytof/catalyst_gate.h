#pragma once
// The bead gate of CATALYST's normCytof: beads are debarcoded, positive in the bead channels and negative in DNA.
#include <optional>
#include <span>
#include <vector>

#include "cytof/bead_spool.h"

namespace immucan::cytof {

/// Whether an event may be a bead: every bead channel above both DNA channels and not below 0. Raw intensities.
[[nodiscard]] bool is_catalyst_candidate(std::span<const double> beads, std::span<const double> dna);

struct CatalystGate {
  double cutoff = 1;          ///< separation, estimated as for a barcode
  std::vector<float> lowest;  ///< per bead channel, over the gated beads before trimming; empty when there is none
};

/// `candidates`: all events of the file for which is_catalyst_candidate(), with the bead channels and then both DNA
/// channels. Adds the beads to `beads`: candidates that pass the separation cut-off, have a squared Mahalanobis
/// distance of at most 30 in all channels, and lie within five scaled median absolute deviations of the median in every
/// bead channel. Events that exceed `lowest` in every bead channel are to be removed with them.
[[nodiscard]] CatalystGate gate_as_catalyst(const BeadSpool& candidates, BeadSpool& beads);

}  // namespace immucan::cytof
