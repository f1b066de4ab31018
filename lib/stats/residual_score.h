#pragma once
// Score tests with the variance of permutations: the level holds for skewed columns and few events, where the
// information of the model understates how far the score wanders.
#include <cstddef>
#include <cstdint>
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

/// Tests one more column of a fitted Cox or logistic model. Its score is the sum over rows of column × residual
/// (martingale residual, or outcome less probability), which fitting made orthogonal to the columns that are in the
/// model; so the column is first cleared of those. Under exchange of the residuals the score has variance SSx SSr / df
/// within strata; Student's t is that of Pitman (1937). Where both are skewed so is the score: p is that of the beta
/// distribution with the first four moments of the score among permutations, which are known exactly (Pitman 1937; Zhou
/// and Wright 2015). `others` is row-major.
[[nodiscard]] ResidualScoreTest residual_score_test(std::span<const double> column, std::span<const double> others,
                                                    std::size_t others_columns, std::span<const double> residuals,
                                                    std::span<const std::uint32_t> stratum = {});

struct JointScoreTest {
  double chi_squared = 0;  ///< score' variance^-1 score
  double f = 0, df1 = 0, df2 = 0;
  double p = 1;  ///< of F; NaN when nothing is left to vary
};
/// The same of several columns at once (`columns` is row-major, rows × `count`); columns that depend on others do not
/// count. With one column F is the square of Student's t.
[[nodiscard]] JointScoreTest joint_residual_score_test(std::span<const double> columns, std::size_t count,
                                                       std::span<const double> others, std::size_t others_columns,
                                                       std::span<const double> residuals,
                                                       std::span<const std::uint32_t> stratum = {});

/// p of the same statistic among `draws` permutations of the columns within strata (the observed order counts as one),
/// cleared of the others and studentised anew each time: exact where the columns do not depend on the others, whatever
/// the shapes. For one model; scans use the curves above. NaN when nothing is left to vary.
[[nodiscard]] double permutation_score_p(std::span<const double> columns, std::size_t count,
                                         std::span<const double> others, std::size_t others_columns,
                                         std::span<const double> residuals, std::span<const std::uint32_t> stratum,
                                         std::int64_t draws, core::Random random);

/// The score test where rows of one cluster depend on each other. Where all rows of a cluster have one residual
/// (several samples of a patient), outcomes are exchanged among clusters; else the contributions of the clusters to the
/// score are taken as independent, and their mean is referred to Student's t.
[[nodiscard]] ResidualScoreTest cluster_score_test(std::span<const double> column, std::span<const double> others,
                                                   std::size_t others_columns, std::span<const double> residuals,
                                                   std::span<const std::uint32_t> cluster,
                                                   std::span<const std::uint32_t> stratum = {});

}  // namespace immucan::stats
