#include "stats/roc.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "stats/distributions.h"
#include "stats/ranks.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Structural components: for each case the share of controls below it, for each control the share of cases above it.
struct Components {
  std::vector<double> cases, controls;
  double auc = 0;
};

Components components(std::span<const double> cases, std::span<const double> controls) {
  const auto m = static_cast<double>(cases.size()), n = static_cast<double>(controls.size());
  std::vector<double> all(cases.begin(), cases.end());
  all.insert(all.end(), controls.begin(), controls.end());
  const auto joint = mid_ranks(all), among_cases = mid_ranks(cases), among_controls = mid_ranks(controls);
  Components result;
  double twice_count = 0;  // an integer: the AUC is one exact division
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const double below = joint[i] - among_cases[i];
    result.cases.push_back(below / n);
    twice_count += 2 * below;
  }
  for (std::size_t j = 0; j < controls.size(); ++j) {
    result.controls.push_back(1 - (joint[cases.size() + j] - among_controls[j]) / m);
  }
  result.auc = twice_count / (2 * m * n);
  return result;
}

double covariance(std::span<const double> a, std::span<const double> b) {
  double mean_a = 0, mean_b = 0, sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i];
    mean_b += b[i];
  }
  mean_a /= static_cast<double>(a.size());
  mean_b /= static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double delong_covariance(const Components& a, const Components& b) {
  if (a.cases.size() < 2 || a.controls.size() < 2) return kNan;
  return covariance(a.cases, b.cases) / static_cast<double>(a.cases.size()) +
         covariance(a.controls, b.controls) / static_cast<double>(a.controls.size());
}

}  // namespace

Auc auc_delong(std::span<const double> cases, std::span<const double> controls, double z) {
  if (cases.empty() || controls.empty()) return {kNan, kNan, kNan, kNan};
  const Components parts = components(cases, controls);
  const double variance = delong_covariance(parts, parts);
  const double half_width = z * std::sqrt(variance);
  if (std::isnan(variance)) return {parts.auc, kNan, kNan, kNan};
  return {parts.auc, variance, std::max(0.0, parts.auc - half_width), std::min(1.0, parts.auc + half_width)};
}

AucDifference auc_paired_delong(std::span<const double> first_cases, std::span<const double> first_controls,
                                std::span<const double> second_cases, std::span<const double> second_controls) {
  if (first_cases.empty() || first_controls.empty()) return {kNan, kNan, kNan, kNan, kNan};
  const Components a = components(first_cases, first_controls), b = components(second_cases, second_controls);
  const double variance = delong_covariance(a, a) + delong_covariance(b, b) - 2 * delong_covariance(a, b);
  if (!(variance > 0)) return {a.auc, b.auc, variance, kNan, kNan};
  const double z = (a.auc - b.auc) / std::sqrt(variance);
  return {a.auc, b.auc, variance, z, normal_two_sided(z)};
}

std::vector<RocPoint> roc_curve(std::span<const double> cases, std::span<const double> controls) {
  std::vector<std::pair<double, bool>> all;
  for (const double value : cases) all.emplace_back(value, true);
  for (const double value : controls) all.emplace_back(value, false);
  std::ranges::sort(all, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<RocPoint> curve{{std::numeric_limits<double>::infinity(), 0, 0}};
  double true_positives = 0, false_positives = 0;
  for (std::size_t i = 0; i < all.size();) {
    const double threshold = all[i].first;
    for (; i < all.size() && all[i].first == threshold; ++i) (all[i].second ? true_positives : false_positives) += 1;
    curve.push_back({threshold, false_positives / static_cast<double>(controls.size()),
                     true_positives / static_cast<double>(cases.size())});
  }
  return curve;
}

}  // namespace immucan::stats
