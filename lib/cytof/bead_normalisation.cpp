#include "cytof/bead_normalisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;

/// Medians of all full windows of `window` (odd) values.
std::vector<double> full_window_medians(std::span<const double> values, std::size_t window) {
  std::vector<double> medians;
  medians.reserve(values.size() - window + 1);
  SlidingMedian median(values.first(window));
  medians.push_back(median.value());
  for (std::size_t i = window; i < values.size(); ++i) {
    median.replace(values[i - window], values[i]);
    medians.push_back(median.value());
  }
  return medians;
}

double median_of_copy(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  return median_of(copy);
}

double median_of_three(double a, double b, double c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

/// R's smoothEnds(y, k): ever smaller windows towards the ends, Tukey's rule for the very ends. Like R it reads the
/// interior values after smoothing.
std::vector<double> smooth_ends(const std::vector<double>& y, std::size_t half) {
  const std::size_t n = y.size();
  std::vector<double> result = y;
  if (half < 1 || n < 3) return result;
  if (half >= 2) {
    result[1] = median_of_three(y[0], y[1], y[2]);
    result[n - 2] = median_of_three(y[n - 1], y[n - 2], y[n - 3]);
    for (std::size_t i = 3; i <= half; ++i) {
      const std::size_t width = 2 * i - 1;
      const std::span<const double> all(y);
      result[i - 1] = median_of_copy(all.first(width));
      result[n - i] = median_of_copy(all.last(width));
    }
  }
  result[0] = median_of_three(y[0], result[1], 3 * result[1] - 2 * result[2]);
  result[n - 1] = median_of_three(y[n - 1], result[n - 2], 3 * result[n - 2] - 2 * result[n - 3]);
  return result;
}

/// Equal knot times are spread evenly up to the next greater time; those at the very end continue with the last step.
void make_times_unique(std::vector<double>& time) {
  std::size_t begin = 0;
  while (begin + 1 < time.size()) {
    if (time[begin + 1] != time[begin]) {
      ++begin;
      continue;
    }
    std::size_t next = begin + 1;
    while (next < time.size() && time[next] <= time[begin]) ++next;
    if (next == time.size()) {
      for (std::size_t i = begin + 1; i < time.size(); ++i) {
        const double step = i >= 2 ? time[i - 1] - time[i - 2] : 1;
        time[i] = time[i - 1] + (step > 0 ? step : 1);
      }
      return;
    }
    const double first = time[begin], width = time[next] - first;
    const auto parts = static_cast<double>(next - begin);
    for (std::size_t i = begin + 1; i < next; ++i) time[i] = first + static_cast<double>(i - begin) * (width / parts);
    begin = next;
  }
}

/// R's approx(ties = mean): knots sorted by time, slopes of equal times averaged.
void average_ties(SlopeCurve& curve) {
  std::vector<std::size_t> order(curve.time.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return curve.time[i]; });
  SlopeCurve unique;
  for (std::size_t i = 0; i < order.size();) {
    const double time = curve.time[order[i]];
    double sum = 0;
    std::size_t count = 0;
    for (; i < order.size() && curve.time[order[i]] == time; ++i, ++count) sum += curve.slope[order[i]];
    unique.time.push_back(time);
    unique.slope.push_back(sum / static_cast<double>(count));
  }
  curve = std::move(unique);
}

double slope_at(std::span<const std::vector<double>> smoothed, std::size_t i, std::span<const double> baseline) {
  double cross = 0, square = 0;
  for (std::size_t c = 0; c < smoothed.size(); ++c) {
    cross += smoothed[c][i] * baseline[c];
    square += smoothed[c][i] * smoothed[c][i];
  }
  return cross / square;
}

/// Trailing windows at their median time.
SlopeCurve finck_curve(const BeadEvents& beads, std::span<const double> baseline, std::size_t window) {
  SlopeCurve curve;
  std::vector<std::vector<double>> smoothed;
  if (beads.size() < window) {
    for (const auto& channel : beads.intensities) smoothed.push_back({median_of_copy(channel)});
    curve.time = {median_of_copy(beads.time)};
  } else {
    for (const auto& channel : beads.intensities) smoothed.push_back(full_window_medians(channel, window));
    curve.time = full_window_medians(beads.time, window);
    make_times_unique(curve.time);
  }
  for (std::size_t i = 0; i < curve.time.size(); ++i) curve.slope.push_back(slope_at(smoothed, i, baseline));
  return curve;
}

/// Centred windows at the beads' own times.
SlopeCurve centred_curve(const BeadEvents& beads, std::span<const double> baseline, std::size_t window, EndRule rule) {
  SlopeCurve curve;
  std::vector<std::vector<double>> smoothed;
  for (const auto& channel : beads.intensities) smoothed.push_back(running_median(channel, window, rule));
  curve.time = beads.time;
  for (std::size_t i = 0; i < curve.time.size(); ++i) curve.slope.push_back(slope_at(smoothed, i, baseline));
  average_ties(curve);
  return curve;
}

}  // namespace

SlidingMedian::SlidingMedian(std::span<const double> first) : sorted_(first.begin(), first.end()) {
  std::ranges::sort(sorted_);
}

void SlidingMedian::replace(double out, double in) {
  const auto old = std::ranges::lower_bound(sorted_, out);
  const auto place = std::ranges::lower_bound(sorted_, in);
  if (place > old) {
    std::move(old + 1, place, old);
    *(place - 1) = in;
  } else {
    std::move_backward(place, old, old + 1);
    *place = in;
  }
}

std::optional<BeadMethod> parse_bead_method(std::string_view text) {
  if (text == "finck") return BeadMethod::kFinck;
  if (text == "premessa") return BeadMethod::kPremessa;
  if (text == "catalyst") return BeadMethod::kCatalyst;
  return std::nullopt;
}

std::string_view to_string(BeadMethod method) {
  switch (method) {
    case BeadMethod::kFinck:
      return "finck";
    case BeadMethod::kPremessa:
      return "premessa";
    case BeadMethod::kCatalyst:
      return "catalyst";
  }
  return "";
}

std::size_t default_window(BeadMethod method) {
  return method == BeadMethod::kCatalyst ? 501 : 201;
}

double median_of(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

std::vector<double> running_median(std::span<const double> values, std::size_t window, EndRule rule) {
  const std::size_t n = values.size();
  std::vector<double> result(values.begin(), values.end());
  if (n < 3) return result;
  window = std::min(window | 1U, 1 + 2 * ((n - 1) / 2));
  const std::size_t half = window / 2;
  if (half == 0) return result;
  const std::vector<double> medians = full_window_medians(values, window);
  std::ranges::copy(medians, result.begin() + static_cast<std::ptrdiff_t>(half));
  if (rule == EndRule::kMedian) return smooth_ends(result, half);
  std::fill_n(result.begin(), half, medians.front());
  std::fill_n(result.end() - static_cast<std::ptrdiff_t>(half), half, medians.back());
  return result;
}

std::vector<double> bead_baseline(BeadMethod method, std::span<const BeadEvents> files) {
  std::vector<double> baseline;
  for (std::size_t c = 0; !files.empty() && c < files.front().intensities.size(); ++c) {
    std::vector<double> pooled;
    for (const BeadEvents& beads : files) {
      pooled.insert(pooled.end(), beads.intensities[c].begin(), beads.intensities[c].end());
    }
    baseline.push_back(method == BeadMethod::kCatalyst
                           ? std::accumulate(pooled.begin(), pooled.end(), 0.0) / static_cast<double>(pooled.size())
                           : median_of(pooled));
  }
  return baseline;
}

double SlopeCurve::at(double time_value) const {
  const auto above = std::ranges::upper_bound(time, time_value);
  if (above == time.begin()) return slope.front();
  if (above == time.end()) return slope.back();
  const auto i = static_cast<std::size_t>(above - time.begin());
  const double part = (time_value - time[i - 1]) / (time[i] - time[i - 1]);
  return slope[i - 1] + part * (slope[i] - slope[i - 1]);
}

SlopeCurve fit_slopes(BeadMethod method, const BeadEvents& beads, std::span<const double> baseline,
                      std::size_t window) {
  switch (method) {
    case BeadMethod::kFinck:
      return finck_curve(beads, baseline, window | 1U);
    case BeadMethod::kPremessa:
      return centred_curve(beads, baseline, window, EndRule::kMedian);
    case BeadMethod::kCatalyst:
      return centred_curve(beads, baseline, window, EndRule::kConstant);
  }
  return {};
}

std::optional<BeadDistance> BeadDistance::fit(const BeadEvents& beads, const SlopeCurve& curve) {
  const std::size_t dimensions = beads.intensities.size();
  std::vector<double> points(beads.size() * dimensions);
  for (std::size_t i = 0; i < beads.size(); ++i) {
    const double slope = curve.at(beads.time[i]);
    for (std::size_t c = 0; c < dimensions; ++c) {
      points[i * dimensions + c] = std::asinh(beads.intensities[c][i] * slope / kCofactor);
    }
  }
  auto model = Mahalanobis::fit(points, dimensions);
  if (!model) return std::nullopt;
  return BeadDistance(*std::move(model));
}

double BeadDistance::operator()(std::span<const double> intensities) const {
  std::array<double, 16> point{};
  const std::size_t n = std::min(intensities.size(), point.size());
  for (std::size_t c = 0; c < n; ++c) point[c] = std::asinh(intensities[c] / kCofactor);
  return std::sqrt(model_.squared(std::span(point).first(n)));
}

}  // namespace immucan::cytof
