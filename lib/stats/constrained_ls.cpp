#include "stats/constrained_ls.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

constexpr int kMaximalSteps = 200;

/// Solves G_PP z = b_P for the passive variables, others 0. False when G_PP is singular.
class PassiveSystem {
 public:
  PassiveSystem(std::span<const double> gram, std::size_t size) : gram_(gram), size_(size) {}

  bool solve(const std::vector<bool>& passive, std::span<const double> b, std::vector<double>& z) const {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < size_; ++i) {
      if (passive[i]) members.push_back(i);
    }
    z.assign(size_, 0.0);
    if (members.empty()) return true;
    std::vector<double> part(members.size() * members.size()), right(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      right[i] = b[members[i]];
      for (std::size_t j = 0; j < members.size(); ++j) part[i * members.size() + j] = at(members[i], members[j]);
    }
    const Cholesky factor(part, members.size());
    if (!factor.full_rank()) return false;
    std::vector<double> solution = right;
    factor.solve(solution);
    // One step of refinement: the normal equations square the condition of the columns.
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = 0; j < members.size(); ++j) right[i] -= part[i * members.size() + j] * solution[j];
    }
    factor.solve(right);
    for (std::size_t i = 0; i < members.size(); ++i) z[members[i]] = solution[i] + right[i];
    return true;
  }

  [[nodiscard]] double at(std::size_t i, std::size_t j) const { return gram_[i * size_ + j]; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::span<const double> gram_;
  std::size_t size_;
};

struct Solution {
  std::vector<double> x;
  std::vector<bool> passive;
};

/// Takes variables out until the passive solution is positive.
bool restore(const PassiveSystem& system, std::span<const double> b, Solution& state) {
  std::vector<double> z;
  while (true) {
    if (!system.solve(state.passive, b, z)) return false;
    double step = 1;
    bool inside = true;
    for (std::size_t i = 0; i < z.size(); ++i) {
      if (!state.passive[i] || z[i] > 0) continue;
      inside = false;
      step = std::min(step, state.x[i] / (state.x[i] - z[i]));
    }
    if (inside) break;
    for (std::size_t i = 0; i < z.size(); ++i) {
      if (!state.passive[i]) continue;
      const bool leaves = z[i] <= 0 && state.x[i] / (state.x[i] - z[i]) <= step;
      state.x[i] += step * (z[i] - state.x[i]);
      if (leaves || state.x[i] <= 0) {
        state.x[i] = 0;
        state.passive[i] = false;
      }
    }
  }
  state.x = z;
  return true;
}

bool nonnegative(const PassiveSystem& system, std::span<const double> b, Solution& state) {
  const std::size_t size = system.size();
  double scale = 0;
  for (const double v : b) scale = std::max(scale, std::fabs(v));
  const double tolerance = 1e-13 * scale * static_cast<double>(size);
  state.x.assign(size, 0.0);
  state.passive.assign(size, false);
  for (std::size_t round = 0; round < 10 * size + 10; ++round) {
    std::size_t best = size;
    double steepest = tolerance;
    for (std::size_t i = 0; i < size; ++i) {
      if (state.passive[i]) continue;
      double gradient = b[i];
      for (std::size_t j = 0; j < size; ++j) gradient -= system.at(i, j) * state.x[j];
      if (gradient > steepest) {
        steepest = gradient;
        best = i;
      }
    }
    if (best == size) return true;
    state.passive[best] = true;
    if (!restore(system, b, state)) return false;
  }
  return true;
}

double sum_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}

}  // namespace

std::vector<double> bounded_sum_least_squares(std::span<const double> gram, std::span<const double> c, double lower,
                                              double upper) {
  const PassiveSystem system(gram, c.size());
  Solution state;
  if (!nonnegative(system, c, state)) return {};
  const double free_sum = sum_of(state.x);
  if (free_sum >= lower && free_sum <= upper) return state.x;
  const double target = free_sum > upper ? upper : lower;
  // x(multiplier) minimises with c - multiplier; its sum falls in the multiplier, piecewise linear. Newton steps,
  // halved into the bracket when they leave it.
  const std::vector<double> ones(c.size(), 1.0);
  std::vector<double> slope, shifted(c.size());
  double multiplier = 0, reach = 1;
  for (const double v : c) reach = std::max(reach, std::fabs(v));
  double left = free_sum > upper ? 0 : -std::numeric_limits<double>::infinity();
  double right = free_sum > upper ? reach : 0;
  for (int step = 0; step < kMaximalSteps; ++step) {
    const double excess = sum_of(state.x) - target;
    (excess > 0 ? left : right) = multiplier;
    double next = std::numeric_limits<double>::quiet_NaN();
    if (std::find(state.passive.begin(), state.passive.end(), true) != state.passive.end()) {
      if (!system.solve(state.passive, ones, slope)) return {};
      next = multiplier + excess / sum_of(slope);
    }
    if (!(next >= left && next <= right)) {
      reach = 2 * reach + 1;
      next = std::isinf(left) ? right - reach : (left + right) / 2;
    }
    multiplier = next;
    const std::vector<bool> before = state.passive;
    for (std::size_t i = 0; i < c.size(); ++i) shifted[i] = c[i] - multiplier;
    if (!nonnegative(system, shifted, state)) return {};
    if (state.passive == before && std::fabs(sum_of(state.x) - target) <= 1e-12 * std::max(1.0, target)) break;
  }
  return state.x;
}

}  // namespace immucan::stats
