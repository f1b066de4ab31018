#include "microbiome/diversity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace immucan::microbiome {

namespace {

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

double shannon(std::span<const double> values) {
  const double sum = sum_of(values);
  double index = 0;
  for (const double value : values)
    if (value > 0) index -= value / sum * std::log(value / sum);
  return index;
}

double simpson(std::span<const double> values) {
  const double sum = sum_of(values);
  if (sum <= 0) return 0;
  double squares = 0;
  for (const double value : values) squares += value / sum * (value / sum);
  return 1 - squares;
}

double pielou_evenness(std::span<const double> values) {
  const std::size_t taxa = observed_taxa(values);
  if (taxa < 2) return std::numeric_limits<double>::quiet_NaN();
  return shannon(values) / std::log(static_cast<double>(taxa));
}

std::size_t observed_taxa(std::span<const double> values) {
  return static_cast<std::size_t>(std::ranges::count_if(values, [](double value) { return value > 0; }));
}

double chao1(std::span<const double> counts) {
  const auto once = static_cast<double>(std::ranges::count(counts, 1.0));
  const auto twice = static_cast<double>(std::ranges::count(counts, 2.0));
  return static_cast<double>(observed_taxa(counts)) + once * (once - 1) / (2 * (twice + 1));
}

double bray_curtis(std::span<const double> a, std::span<const double> b) {
  double difference = 0;
  const double sum = sum_of(a) + sum_of(b);
  for (std::size_t i = 0; i < a.size(); ++i) difference += std::abs(a[i] - b[i]);
  return sum > 0 ? difference / sum : 0;
}

double jaccard(std::span<const double> a, std::span<const double> b) {
  std::size_t shared = 0, either = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    shared += a[i] > 0 && b[i] > 0 ? 1 : 0;
    either += a[i] > 0 || b[i] > 0 ? 1 : 0;
  }
  return either == 0 ? 0 : 1 - static_cast<double>(shared) / static_cast<double>(either);
}

std::vector<double> centred_log_ratios(std::span<const double> values, std::span<const double> limits) {
  constexpr double kShareOfLimit = 0.65;
  std::vector<double> ratios(values.size(), std::numeric_limits<double>::quiet_NaN());
  double logs = 0;
  const auto taxa = static_cast<double>(observed_taxa(values));
  for (const double value : values)
    if (value > 0) logs += std::log(value);
  if (taxa == 0) return ratios;
  const double centre = logs / taxa;
  for (std::size_t i = 0; i < values.size(); ++i)
    ratios[i] = std::log(values[i] > 0 ? values[i] : kShareOfLimit * limits[i]) - centre;
  return ratios;
}

}  // namespace immucan::microbiome
