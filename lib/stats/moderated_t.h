#pragma once
// Moderated t-statistics: the variance of each feature borrows from all (Smyth 2004), optionally along a trend with the
// mean (trend) and with outlying variances kept from steering the rest (robust; Phipson et al. 2016).
#include <span>
#include <vector>

namespace immucan::stats {

struct ModeratedOptions {
  bool trend = false, robust = false;
};

/// One entry per feature.
struct ModeratedT {
  std::vector<double> t, p;
  std::vector<double> log_odds;  ///< limma's B, a proportion of 0.01 expected to differ
  std::vector<double> prior_df, prior_variance, posterior_variance, total_df;
};

/// `effect` with standard error `unscaled_error` × sqrt(variance), residual `variance` on `df` degrees of freedom > 0,
/// `mean` of the feature (used by trend). No NaN.
[[nodiscard]] ModeratedT moderated_t(std::span<const double> effect, std::span<const double> unscaled_error,
                                     std::span<const double> variance, std::span<const double> df,
                                     std::span<const double> mean, const ModeratedOptions& options);

}  // namespace immucan::stats
