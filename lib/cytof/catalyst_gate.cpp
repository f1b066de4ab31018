#include "cytof/catalyst_gate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cytof/debarcoding.h"
#include "cytof/exact_medians.h"
#include "cytof/mahalanobis.h"

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;
constexpr double kScaleQuantile = 0.95;
constexpr double kMahalanobisLimit = 30;
constexpr double kTrim = 5, kMadScale = 1.4826;

class Gate {
 public:
  Gate(const BeadSpool& candidates, BeadSpool& beads)
      : candidates_(candidates), beads_(beads), n_(beads.channels()), row_(candidates.channels()) {}

  CatalystGate run() {
    CatalystGate gate;
    if (candidates_.size() == 0) return gate;
    measure_scale();
    estimate_separation();
    gate.cutoff = cutoff_;
    fit_cloud();
    find_limits(gate);
    each_gated([&](const BeadSpool::Reader& event) {
      for (std::size_t c = 0; c < n_; ++c) {
        if (std::abs(row_[c] - median_[c]) > limit_[c]) return;
      }
      beads_.add(event.event, event.time, std::span(event.intensities).first(n_));
    });
    return gate;
  }

 private:
  /// Calls `use(event)` with row_ on the arcsinh scale.
  template <class Use>
  void each(Use&& use) {
    for (BeadSpool::Reader event(candidates_); event.next();) {
      for (std::size_t c = 0; c < row_.size(); ++c) row_[c] = std::asinh(event.intensities[c] / kCofactor);
      use(event);
    }
  }
  [[nodiscard]] double delta() const {
    const auto lowest_bead = std::min_element(row_.begin(), row_.begin() + static_cast<std::ptrdiff_t>(n_));
    const auto highest_dna = std::max_element(row_.begin() + static_cast<std::ptrdiff_t>(n_), row_.end());
    return *lowest_bead / scale_ - *highest_dna / scale_;
  }
  template <class Use>
  void each_separate(Use&& use) {
    each([&](const BeadSpool::Reader& event) {
      if (delta() >= cutoff_) use(event);
    });
  }
  template <class Use>
  void each_gated(Use&& use) {
    each_separate([&](const BeadSpool::Reader& event) {
      if (!cloud_ || cloud_->squared(row_) <= kMahalanobisLimit) use(event);
    });
  }

  void measure_scale() {
    ExactMedians values(1, kScaleQuantile);
    for (int reading = 0; reading < ExactMedians::kReadings; ++reading) {
      for (BeadSpool::Reader event(candidates_); event.next();) {
        for (std::size_t c = 0; c < n_; ++c) values.add(0, static_cast<float>(event.intensities[c]));
      }
      values.end_reading();
    }
    float lower = 0, upper = 0;
    if (!values.middle(0, lower, upper)) return;
    const double low = std::asinh(static_cast<double>(lower) / kCofactor);
    const double scale = low + values.part(0) * (std::asinh(static_cast<double>(upper) / kCofactor) - low);
    if (scale > 0) scale_ = scale;
  }

  void estimate_separation() {
    std::array<std::uint64_t, kYieldSteps + 2> passing_exactly{};  // [i]: deltas that pass exactly i cut-offs
    each([&](const BeadSpool::Reader&) {
      const double value = delta();
      std::size_t passed = 0;
      while (passed <= kYieldSteps && value >= static_cast<double>(passed) / kYieldSteps) ++passed;
      ++passing_exactly[passed];
    });
    std::vector<double> yields(kYieldSteps + 1);
    std::uint64_t passing = 0;
    for (std::size_t i = kYieldSteps + 1; i > 0; --i) {
      passing += passing_exactly[i];
      yields[i - 1] = static_cast<double>(passing) / static_cast<double>(candidates_.size());
    }
    cutoff_ = cutoff_of_yields(yields);
  }

  void fit_cloud() {
    Mahalanobis::Builder builder(row_.size());
    each_separate([&](const BeadSpool::Reader&) { builder.add_to_mean(row_); });
    each_separate([&](const BeadSpool::Reader&) { builder.add_to_covariance(row_); });
    cloud_ = builder.finish();
  }

  void find_limits(CatalystGate& gate) {
    std::vector<float> lowest(n_, std::numeric_limits<float>::infinity());
    std::uint64_t gated = 0;
    each_gated([&](const BeadSpool::Reader& event) {
      ++gated;
      for (std::size_t c = 0; c < n_; ++c) lowest[c] = std::min(lowest[c], static_cast<float>(event.intensities[c]));
    });
    if (gated > 0) gate.lowest = std::move(lowest);
    median_ = medians([](double value, std::size_t) { return value; });
    limit_ = medians([&](double value, std::size_t c) { return std::abs(value - median_[c]); });
    for (double& limit : limit_) limit *= kTrim * kMadScale;
  }

  template <class Value>
  std::vector<double> medians(Value&& value_of) {
    ExactMedians values(n_);
    for (int reading = 0; reading < ExactMedians::kReadings; ++reading) {
      each_gated([&](const BeadSpool::Reader&) {
        for (std::size_t c = 0; c < n_; ++c) values.add(c, static_cast<float>(value_of(row_[c], c)));
      });
      values.end_reading();
    }
    std::vector<double> result;
    for (std::size_t c = 0; c < n_; ++c) {
      float lower = 0, upper = 0;
      result.push_back(values.middle(c, lower, upper) ? (static_cast<double>(lower) + static_cast<double>(upper)) / 2
                                                      : 0);
    }
    return result;
  }

  const BeadSpool& candidates_;
  BeadSpool& beads_;
  std::size_t n_;
  std::vector<double> row_, median_, limit_;
  double scale_ = 1, cutoff_ = 1;
  std::optional<Mahalanobis> cloud_;
};

}  // namespace

bool is_catalyst_candidate(std::span<const double> beads, std::span<const double> dna) {
  const double lowest = std::ranges::min(beads);
  if (!std::ranges::all_of(beads, [](double v) { return std::isfinite(v); })) return false;
  return lowest >= 0 && std::ranges::all_of(dna, [&](double value) { return value < lowest; });
}

CatalystGate gate_as_catalyst(const BeadSpool& candidates, BeadSpool& beads) {
  return Gate(candidates, beads).run();
}

}  // namespace immucan::cytof
