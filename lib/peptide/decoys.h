#pragma once
// One decoy per target, of the same composition and therefore the same mass: a permutation that keeps the anchors of
// HLA ligands (position 2 and the last one) or, with an enzyme, the last residue, so that neither anchors nor cleavage
// sites tell decoys from targets.
#include <cstdint>
#include <functional>
#include <span>

#include "peptide/digestion.h"

namespace immucan::peptide {

/// How many permutations are tried before a target goes without a decoy.
inline constexpr int kDecoyAttempts = 12;

/// The permutation of `target` for this attempt: a function of sequence and attempt only. Attempt 0 reverses the free
/// positions, later ones shuffle them.
void make_decoy(std::span<const Residue> target, std::uint64_t target_hash, Enzyme enzyme, int attempt,
                std::span<Residue> decoy);

/// The first attempt that gives a sequence for which `is_target` (asked with its hash) is false and that keeps at most
/// half of the free positions when that is possible; -1 never occurs: kDecoyAttempts says that there is none.
[[nodiscard]] int find_decoy(std::span<const Residue> target, std::uint64_t target_hash, Enzyme enzyme,
                             std::span<Residue> decoy, const std::function<bool(std::uint64_t)>& is_target);

}  // namespace immucan::peptide
