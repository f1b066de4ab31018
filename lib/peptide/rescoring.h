#pragma once
// Which matches to believe: target–decoy competition, q-values per class, posterior error probabilities.
#include <cstdint>
#include <string>
#include <vector>

namespace immucan::peptide {

/// What the statistics need of a rank-1 match.
struct ScoredMatch {
  double score = 0;  ///< larger is better
  bool is_decoy = false;
  std::uint32_t group = 0;    ///< class of the sequence (of its target, for decoys)
  std::uint64_t tie = 0;      ///< order of equal scores that favours nobody
  std::uint64_t peptide = 0;  ///< identity of the sequence, for peptide-level values
};

struct MatchConfidence {
  double q_value = 1;          ///< within the class, over matches
  double peptide_q_value = 1;  ///< within the class, over sequences: the best match of each competes
  double pep = 1;              ///< posterior error probability over all matches
};

/// q of a class with T targets and D decoys at or above a score is (D + 1) / T, made monotone (Elias and Gygi 2007,
/// with the + 1 of Levitsky et al. 2017), when the class has at least kSeparateTargets targets. A smaller class borrows
/// the decoys of all classes (transferred subgroup FDR, Fu and Qian 2014): (D_all + 1) · γ / T_class with γ = (D_class
/// + 1) / (D_all + 1) over all rank-1 decoys. A set that is too small for a claim keeps q near 1.
inline constexpr std::size_t kSeparateTargets = 1000;

/// One value per match, in the order given. PEP: isotonic regression of the decoy share on the score (pool adjacent
/// violators), p / (1 − p), at most 1.
[[nodiscard]] std::vector<MatchConfidence> target_decoy(const std::vector<ScoredMatch>& matches, std::uint32_t groups);

}  // namespace immucan::peptide
