#pragma once
// Logistic regression by iteratively reweighted least squares; Firth's penalised likelihood (1993) under separation.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

struct LogisticFit {
  std::vector<double> coefficients;  ///< intercept first
  std::vector<double> covariance;    ///< row-major inverse information
  double log_likelihood = 0;         ///< penalised when `firth`
  bool converged = false;
  bool separated = false;  ///< the maximum-likelihood estimate does not exist
  bool firth = false;      ///< coefficients are Firth's
  bool singular = false;   ///< a column is constant or depends on the others
};

/// `design` is row-major n × columns, without the intercept, which is always added. Maximum likelihood; when the data
/// are separated (or IRLS diverges) the fit is repeated with Firth's penalty.
[[nodiscard]] LogisticFit fit_logistic(std::span<const double> design, std::size_t columns,
                                       std::span<const std::uint8_t> outcome);
/// Always with Firth's penalty.
[[nodiscard]] LogisticFit fit_firth(std::span<const double> design, std::size_t columns,
                                    std::span<const std::uint8_t> outcome);

/// Outcome less fitted probability, by row.
[[nodiscard]] std::vector<double> logistic_residuals(std::span<const double> design, std::size_t columns,
                                                     std::span<const std::uint8_t> outcome, const LogisticFit& fit);

/// Covariance of the coefficients where rows of one cluster depend on each other (Liang and Zeger 1986).
[[nodiscard]] std::vector<double> logistic_robust_covariance(std::span<const double> design, std::size_t columns,
                                                             std::span<const std::uint8_t> outcome,
                                                             const LogisticFit& fit,
                                                             std::span<const std::uint32_t> cluster);

struct LogisticTest {
  LogisticFit fit;       ///< of all columns
  double statistic = 0;  ///< likelihood ratio of `column`, 1 degree of freedom
  double p = 1;          ///< NaN when the column cannot be estimated
};
/// Likelihood-ratio test of one column (0 = the first after the intercept). Under separation of the whole design both
/// likelihoods are Firth's, penalised with the information of the whole design (Heinze and Schemper 2002).
[[nodiscard]] LogisticTest logistic_test(std::span<const double> design, std::size_t columns,
                                         std::span<const std::uint8_t> outcome, std::size_t column);

}  // namespace immucan::stats
