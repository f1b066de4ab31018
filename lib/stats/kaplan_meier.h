#pragma once
// Survival curves and their comparison.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/wilcoxon.h"

namespace immucan::stats {

enum class SurvivalInterval { kLog, kLogLog, kPlain };

struct SurvivalPoint {
  double time = 0;
  std::size_t at_risk = 0, events = 0, censored = 0;
  double survival = 1;
  double standard_error = 0;    ///< of the cumulative hazard (Greenwood): sqrt(sum d / (r (r - d)))
  double lower = 1, upper = 1;  ///< 95 %; NaN where the curve has reached 0
};

/// One point per distinct time. Clipped to [0, 1].
[[nodiscard]] std::vector<SurvivalPoint> kaplan_meier(std::span<const double> time, std::span<const std::uint8_t> event,
                                                      SurvivalInterval interval = SurvivalInterval::kLog);

/// Rows at risk just before each of `times`.
[[nodiscard]] std::vector<std::size_t> numbers_at_risk(std::span<const double> time, std::span<const double> times);

struct MedianSurvival {
  std::optional<double> median, lower, upper;  ///< nullopt = not reached
};
/// The first time at which the curve (its bands) is at or below one half; the mean of two times where it is exactly one
/// half over an interval.
[[nodiscard]] MedianSurvival median_survival(std::span<const SurvivalPoint> curve);

/// Log-rank test over `groups` groups with the hypergeometric variance; `rho` 1 gives the Peto–Peto weights S(t-) of
/// Harrington and Fleming (1982). `stratum` may be empty.
[[nodiscard]] ChiSquaredTest log_rank_test(std::span<const double> time, std::span<const std::uint8_t> event,
                                           std::span<const std::uint32_t> group, std::size_t groups, double rho = 0,
                                           std::span<const std::uint32_t> stratum = {});

/// What each row adds to the observed less the expected weighted events of its group, all groups pooled: the martingale
/// residuals of the null, weighted as in log_rank_test. They sum to 0.
[[nodiscard]] std::vector<double> log_rank_residuals(std::span<const double> time, std::span<const std::uint8_t> event,
                                                     double rho = 0);

struct RestrictedMean {
  double mean = 0, standard_error = 0;
};
/// Area under the curve up to `tau`; the curve is held at its last value where follow-up ends earlier.
[[nodiscard]] RestrictedMean restricted_mean(std::span<const SurvivalPoint> curve, double tau);

/// Influence of each row on the restricted mean of all, over the number of rows: the martingale integral of the area
/// under the curve beyond each time. They sum to 0.
[[nodiscard]] std::vector<double> restricted_mean_residuals(std::span<const double> time,
                                                            std::span<const std::uint8_t> event, double tau);

}  // namespace immucan::stats
