#include "cytof/bead_gate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "cytof/bead_normalisation.h"

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;
/// Two clouds rather than one cut in half (which gives 1.3).
constexpr double kSeparated = 2;
/// The cloud ends at this distance; 5.5 keeps 99.98 % of five-dimensional normal beads, and what drift adds.
constexpr double kCloudLimit = 5.5;
/// Least DNA limit, arcsinh scale: 2.6 counts, the noise of a zero count after randomisation. Finck's program starts
/// there.
constexpr double kLeastDnaLimit = 0.5;
/// A cloud that is dimmer than this (arcsinh scale, 6 counts) in a bead channel is debris. The weakest of Finck's runs
/// has 2.
constexpr double kLeastBeadLevel = 1;
constexpr int kMaximumRounds = 20;

double quantile(std::vector<double>& values, double p) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::vector<double> rows_of(const GateSample& sample, const std::vector<std::size_t>& events) {
  std::vector<double> rows;
  rows.reserve(events.size() * sample.dimensions);
  for (const std::size_t event : events) {
    const auto row = sample.beads.begin() + static_cast<std::ptrdiff_t>(event * sample.dimensions);
    rows.insert(rows.end(), row, row + static_cast<std::ptrdiff_t>(sample.dimensions));
  }
  return rows;
}

std::vector<std::size_t> without_dna(const GateSample& sample) {
  std::vector<std::size_t> events(sample.events());
  std::iota(events.begin(), events.end(), std::size_t{0});
  if (sample.dna.empty()) return events;
  const auto split = split_in_two(sample.dna);
  if (!split || split->separation < kSeparated) return events;
  std::erase_if(events, [&](std::size_t event) { return sample.dna[event] >= split->threshold; });
  return events;
}

/// DNA-free events with signal in the bead channels: the upper class of their mean, when there are two classes.
std::vector<std::size_t> seeds(const GateSample& sample, std::vector<std::size_t> events) {
  std::vector<double> means;
  for (const std::size_t event : events) {
    double sum = 0;
    for (std::size_t c = 0; c < sample.dimensions; ++c) sum += sample.beads[event * sample.dimensions + c];
    means.push_back(sum / static_cast<double>(sample.dimensions));
  }
  const auto split = split_in_two(means);
  if (!split || split->separation < kSeparated) return events;
  std::vector<std::size_t> high;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (means[i] >= split->threshold) high.push_back(events[i]);
  }
  return high;
}

/// Seeds near their median in every channel, within four scaled median absolute deviations.
std::vector<std::size_t> near_median(const GateSample& sample, const std::vector<std::size_t>& events) {
  std::vector<std::size_t> kept = events;
  for (std::size_t c = 0; c < sample.dimensions && !events.empty(); ++c) {
    const auto value = [&](std::size_t event) { return sample.beads[event * sample.dimensions + c]; };
    std::vector<double> values;
    for (const std::size_t event : events) values.push_back(value(event));
    const double median = median_of(values);
    for (double& v : values) v = std::abs(v - median);
    const double limit = 4 * 1.4826 * median_of(values);
    std::erase_if(kept, [&](std::size_t event) { return std::abs(value(event) - median) > limit; });
  }
  return kept;
}

/// Upper fence of the beads' DNA: quartile + 2 interquartile ranges, not below the least limit.
double dna_fence(const GateSample& sample, const std::vector<std::size_t>& beads) {
  std::vector<double> dna;
  for (const std::size_t event : beads) dna.push_back(sample.dna[event]);
  const double lower = quantile(dna, 0.25), upper = quantile(dna, 0.75);
  return std::max(kLeastDnaLimit, upper + 2 * (upper - lower));
}

}  // namespace

EvenSample::EvenSample(std::size_t dimensions, bool with_dna, std::size_t capacity)
    : with_dna_(with_dna), capacity_(capacity) {
  sample_.dimensions = dimensions;
}

void EvenSample::add(std::span<const double> beads, double dna) {
  if (seen_++ % every_ != 0) return;
  if (!std::ranges::all_of(beads, [](double v) { return std::isfinite(v); }) || !std::isfinite(dna)) return;
  if (sample_.events() == capacity_) {
    halve();
    if ((seen_ - 1) % every_ != 0) return;
  }
  for (const double value : beads) sample_.beads.push_back(std::asinh(value / kCofactor));
  if (with_dna_) sample_.dna.push_back(std::asinh(dna / kCofactor));
}

void EvenSample::halve() {
  const std::size_t kept = (sample_.events() + 1) / 2, width = sample_.dimensions;
  for (std::size_t i = 1; i < kept; ++i) {
    for (std::size_t c = 0; c < width; ++c) sample_.beads[i * width + c] = sample_.beads[2 * i * width + c];
    if (with_dna_) sample_.dna[i] = sample_.dna[2 * i];
  }
  sample_.beads.resize(kept * width);
  if (with_dna_) sample_.dna.resize(kept);
  every_ *= 2;
}

std::optional<TwoClasses> split_in_two(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.size() < 4) return std::nullopt;
  std::ranges::sort(values);
  if (values.front() == values.back()) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  double total = 0, total_square = 0;
  for (const double v : values) {
    total += v;
    total_square += v * v;
  }
  double best = -1, sum = 0, square = 0;
  TwoClasses result;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    sum += values[i];
    square += values[i] * values[i];
    if (values[i + 1] == values[i]) continue;
    const double below = static_cast<double>(i + 1), above = n - below;
    const double mean_below = sum / below, mean_above = (total - sum) / above;
    const double between = below * above * (mean_above - mean_below) * (mean_above - mean_below);
    if (between <= best) continue;
    best = between;
    const double sd_below = std::sqrt(std::max(0.0, square / below - mean_below * mean_below));
    const double sd_above = std::sqrt(std::max(0.0, (total_square - square) / above - mean_above * mean_above));
    result.threshold = (values[i] + values[i + 1]) / 2;
    const double spread = sd_below + sd_above;
    result.separation = spread > 0 ? (mean_above - mean_below) / spread : std::numeric_limits<double>::infinity();
  }
  return result;
}

std::optional<BeadGate> BeadGate::fit(const GateSample& sample) {
  const std::size_t least = 2 * sample.dimensions + 1;
  std::vector<std::size_t> candidates = without_dna(sample);
  std::vector<std::size_t> members = near_median(sample, seeds(sample, candidates));
  double dna_limit = std::numeric_limits<double>::infinity();
  std::optional<Mahalanobis> cloud;
  for (int round = 0; round < kMaximumRounds; ++round) {
    if (members.size() < least) return std::nullopt;
    cloud = Mahalanobis::fit(rows_of(sample, members), sample.dimensions);
    if (!cloud) return std::nullopt;
    if (!sample.dna.empty()) dna_limit = dna_fence(sample, members);
    std::vector<std::size_t> next;
    for (const std::size_t event : candidates) {
      if (!sample.dna.empty() && sample.dna[event] > dna_limit) continue;
      const std::span<const double> row(sample.beads.data() + event * sample.dimensions, sample.dimensions);
      if (cloud->squared(row) <= kCloudLimit * kCloudLimit) next.push_back(event);
    }
    if (next == members) break;
    members = std::move(next);
  }
  if (std::ranges::any_of(cloud->mean(), [](double level) { return level < kLeastBeadLevel; })) return std::nullopt;
  std::vector<double> lowest(sample.dimensions, std::numeric_limits<double>::infinity());
  for (const std::size_t event : members) {
    for (std::size_t c = 0; c < sample.dimensions; ++c) {
      lowest[c] = std::min(lowest[c], sample.beads[event * sample.dimensions + c]);
    }
  }
  // The sample's lowest bead is not the run's lowest: leave room before the quick test refuses an event.
  for (double& value : lowest) value = kCofactor * std::sinh(value - 1);
  return BeadGate(*std::move(cloud), kCofactor * std::sinh(dna_limit), std::move(lowest));
}

bool BeadGate::contains(std::span<const double> beads, double dna) const {
  // Written so that NaN is no bead.
  if (std::isfinite(dna_limit_) && !(dna <= dna_limit_)) return false;
  std::array<double, 16> point{};
  for (std::size_t c = 0; c < beads.size(); ++c) {
    if (!(beads[c] >= lowest_[c])) return false;
    point[c] = std::asinh(beads[c] / kCofactor);
  }
  return cloud_.squared(std::span(point).first(beads.size())) <= kCloudLimit * kCloudLimit;
}

}  // namespace immucan::cytof
