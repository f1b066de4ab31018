#pragma once
// Score tests with the variance of permutations: the level holds for skewed columns and few events, where the
// information of the model understates how far the score wanders.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/random.h"

namespace immucan::stats {

/// Van der Waerden's scores: quantile of the normal distribution at mid-rank / (n + 1). Ties share theirs.
[[nodiscard]] std::vector<double> normal_scores(std::span<const double> values);

struct ResidualScoreTest {
  double statistic = 0;  ///< Student's t; its sign is that of the score
  double df = 0;
  double p = 1;  ///< twice the smaller tail; NaN when the column depends on the others or nothing is left to vary
};

/// A statistic studentised by another variance than that of permutations: by the information of a model. Without an
/// effect that information wanders with the column while the score does not know of it, so the statistic is brought to
/// the variance of permutations; with an effect these are off and the information is right. The more certain the
/// effect, the less is changed.
struct ObservedScore {
  double chi_squared = 0;
  std::vector<double> variance;  ///< information without an effect, row-major
  double effect = 0;             ///< chi-squared of the effect, per degree of freedom
  bool negative = false;         ///< sign of a single score

  /// `ratio`: that variance against the one of permutations.
  [[nodiscard]] double against_permutations(double ratio) const;
};

/// Tests one more column of a fitted Cox or logistic model. Its score is the sum over rows of column × residual
/// (martingale residual, or outcome less probability), which fitting made orthogonal to the columns that are in the
/// model; so the column is first cleared of those. Under exchange of the residuals the score has variance SSx SSr / df
/// within strata; Student's t is that of Pitman (1937). Where both are skewed so is the score: p is that of the beta
/// distribution with the first four moments of the score among permutations, which are known exactly (Pitman 1937; Zhou
/// and Wright 2015). Of at most 80 rows the column is permuted instead, seeded by its ranks. `others` is row-major.
/// `observed`: a statistic to be judged against those permutations instead. `product`: the column depends on the others
/// by its making; what is left of it is permuted, and p is the larger of both ways.
[[nodiscard]] ResidualScoreTest residual_score_test(std::span<const double> column, std::span<const double> others,
                                                    std::size_t others_columns, std::span<const double> residuals,
                                                    std::span<const std::uint32_t> stratum = {},
                                                    const std::optional<ObservedScore>& observed = std::nullopt,
                                                    bool product = false);

/// p of the score of several columns at once (row-major, rows × `count`) among `draws` permutations of the columns
/// within strata (the observed order counts as one), cleared of the others and studentised anew each time: exact where
/// the columns do not depend on the others, whatever the shapes. For one model; scans use the curves above. NaN when
/// nothing is left to vary.
[[nodiscard]] double permutation_score_p(std::span<const double> columns, std::size_t count,
                                         std::span<const double> others, std::size_t others_columns,
                                         std::span<const double> residuals, std::span<const std::uint32_t> stratum,
                                         std::int64_t draws, core::Random random,
                                         const std::optional<ObservedScore>& observed = std::nullopt);

/// The score test where rows of one cluster depend on each other. Where all rows of a cluster have one residual
/// (several samples of a patient), outcomes are exchanged among clusters; else the contributions of the clusters to the
/// score are taken as independent, and their mean is referred to Student's t.
[[nodiscard]] ResidualScoreTest cluster_score_test(std::span<const double> column, std::span<const double> others,
                                                   std::size_t others_columns, std::span<const double> residuals,
                                                   std::span<const std::uint32_t> cluster,
                                                   std::span<const std::uint32_t> stratum = {});

}  // namespace immucan::stats
