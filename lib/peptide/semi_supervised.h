#pragma once
// Learning to tell right matches from wrong ones with decoys as the only labels (Käll et al. 2007, Percolator): a
// linear support vector machine, trained on confident targets against decoys, again and again, always applied to
// sequences it was not trained on.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace immucan::peptide {

/// Matches and their features, row by row.
struct TrainingTable {
  std::size_t columns = 0;
  std::vector<double> features;       ///< rows × columns
  std::vector<double> initial_score;  ///< the first direction
  std::vector<std::uint8_t> is_decoy;
  std::vector<std::uint8_t> fold;  ///< 0 … kFolds − 1, the same for all matches of one sequence and its decoy
  std::vector<std::uint64_t> tie;  ///< order of equal scores
  [[nodiscard]] std::size_t rows() const { return initial_score.size(); }
};

inline constexpr std::uint8_t kFolds = 3;
/// Fewer confident targets or decoys than this in any training set: no learning.
inline constexpr std::size_t kMinTraining = 100;

/// Called before each round with the rows to learn from that are confident targets; may rewrite columns of the table
/// that depend on them (retention time) for all rows.
using RefreshColumns = std::function<void(const std::vector<std::size_t>& confident, std::vector<double>& features)>;

/// One score per row, comparable between folds (0 at 1 % FDR of the training set, −1 at its median decoy). Empty when
/// there is too little to learn from. Deterministic.
[[nodiscard]] std::vector<double> learn_scores(const TrainingTable& table, const RefreshColumns& refresh);

/// Linear L2-SVM by Newton steps in the primal: min ½|w|² + Σ cost_i · max(0, 1 − y_i (w·x_i + b))². Returns w, b last.
[[nodiscard]] std::vector<double> train_svm(const std::vector<double>& rows, std::size_t columns,
                                            const std::vector<double>& labels, const std::vector<double>& costs);

}  // namespace immucan::peptide
