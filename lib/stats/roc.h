#pragma once
// Area under the ROC curve with DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988), by mid-ranks in O(n log n)
// (Sun and Xu 2014).
#include <span>
#include <vector>

namespace immucan::stats {

struct Auc {
  double auc = 0;               ///< P(case > control) + P(equal)/2
  double variance = 0;          ///< NaN with fewer than two cases or controls
  double lower = 0, upper = 1;  ///< normal interval on the AUC, clipped to [0, 1]
};
/// NaN without cases or controls.
[[nodiscard]] Auc auc_delong(std::span<const double> cases, std::span<const double> controls,
                             double z = 1.959963984540054);

struct AucDifference {
  double first = 0, second = 0, variance = 0, z = 0, p = 1;
};
/// Two markers measured on the same cases and controls.
[[nodiscard]] AucDifference auc_paired_delong(std::span<const double> first_cases,
                                              std::span<const double> first_controls,
                                              std::span<const double> second_cases,
                                              std::span<const double> second_controls);

struct RocPoint {
  double threshold = 0;  ///< positive when value >= threshold
  double false_positive_rate = 0, true_positive_rate = 0;
};
/// From (0, 0) to (1, 1), one point per distinct value.
[[nodiscard]] std::vector<RocPoint> roc_curve(std::span<const double> cases, std::span<const double> controls);

}  // namespace immucan::stats
