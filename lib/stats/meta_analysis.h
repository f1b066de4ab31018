#pragma once
// Several estimates of one effect.
#include <cstddef>
#include <span>

namespace immucan::stats {

struct MetaAnalysis {
  std::size_t studies = 0;
  double fixed = 0, fixed_se = 0;    ///< inverse variance
  double random = 0, random_se = 0;  ///< DerSimonian and Laird (1986)
  double random_t_se = 0;            ///< Hartung, Knapp and Sidik and Jonkman: with Student's t, studies - 1 df
  double tau_squared = 0;
  double q = 0, p_heterogeneity = 1;  ///< Cochran's Q; NaN p with one study
  double i_squared = 0;               ///< share of the variation beyond chance (Higgins and Thompson 2002)
};
/// Estimates with standard errors > 0. NaN without studies; with one study, what one study cannot tell is NaN.
[[nodiscard]] MetaAnalysis meta_analysis(std::span<const double> effect, std::span<const double> error);
/// Standard error with which the effect has the two-sided p of the study's own test, where that is the greater: effect
/// / error rejects too often with few events and skewed markers.
[[nodiscard]] double widened_error(double effect, double error, double p);

}  // namespace immucan::stats
