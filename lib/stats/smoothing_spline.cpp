#include "stats/smoothing_spline.h"

#include <cmath>
#include <cstddef>

#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

/// Cubic B-splines with a knot at every point, on the unit interval.
class Basis {
 public:
  explicit Basis(std::span<const double> x) : size_(x.size() + 2) {
    const double width = x.back() - x.front();
    knots_.assign(3, 0.0);
    for (const double v : x) knots_.push_back((v - x.front()) / width);
    knots_.insert(knots_.end(), 3, 1.0);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<const double> knots() const { return knots_; }
  [[nodiscard]] double value(std::size_t j, double at, int order = 4) const {
    if (order == 1) {
      const bool last = at >= knots_.back() && knots_[j + 1] >= knots_.back() && knots_[j] < knots_[j + 1];
      return (at >= knots_[j] && at < knots_[j + 1]) || last ? 1.0 : 0.0;
    }
    const auto o = static_cast<std::size_t>(order);
    const double left = knots_[j + o - 1] - knots_[j], right = knots_[j + o] - knots_[j + 1];
    double sum = 0;
    if (left > 0) sum += (at - knots_[j]) / left * value(j, at, order - 1);
    if (right > 0) sum += (knots_[j + o] - at) / right * value(j + 1, at, order - 1);
    return sum;
  }
  /// Derivative of order `times`.
  [[nodiscard]] double derivative(std::size_t j, double at, int times, int order = 4) const {
    if (times == 0) return value(j, at, order);
    const auto o = static_cast<std::size_t>(order);
    const double left = knots_[j + o - 1] - knots_[j], right = knots_[j + o] - knots_[j + 1];
    double sum = 0;
    if (left > 0) sum += derivative(j, at, times - 1, order - 1) / left;
    if (right > 0) sum -= derivative(j + 1, at, times - 1, order - 1) / right;
    return sum * (order - 1);
  }

 private:
  std::size_t size_;
  std::vector<double> knots_;
};

struct Problem {
  std::size_t rows, size;
  std::vector<double> design, gram, penalty, right;  ///< design row-major; gram = design' design
  double ratio = 1;                                  ///< puts the penalty on the scale of the data
};

Problem make_problem(std::span<const double> x, std::span<const double> y) {
  const Basis basis(x);
  const std::size_t n = x.size(), p = basis.size();
  Problem problem{n,
                  p,
                  std::vector<double>(n * p),
                  std::vector<double>(p * p, 0.0),
                  std::vector<double>(p * p, 0.0),
                  std::vector<double>(p, 0.0)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < p; ++j) {
      problem.design[i * p + j] = basis.value(j, basis.knots()[i + 3]);
      problem.right[j] += problem.design[i * p + j] * y[i];
    }
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < p; ++k) {
        problem.gram[j * p + k] += problem.design[i * p + j] * problem.design[i * p + k];
      }
    }
  }
  // Second derivatives are linear between knots. R's smooth.spline integrates the product of their slopes with 0.333
  // for one third, which moves a fit in its fifth digit; so do we.
  constexpr double kThird = 0.333;
  std::vector<double> left(p), slope(p);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const double low = basis.knots()[i + 3], width = basis.knots()[i + 4] - low;
    for (std::size_t j = 0; j < p; ++j) {
      const double quarter = basis.derivative(j, low + width / 4, 2), half = basis.derivative(j, low + width / 2, 2);
      slope[j] = 4 * (half - quarter);
      left[j] = 2 * quarter - half;
    }
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < p; ++k) {
        problem.penalty[j * p + k] +=
            width * (left[j] * left[k] + (left[j] * slope[k] + slope[j] * left[k]) / 2 + slope[j] * slope[k] * kThird);
      }
    }
  }
  double data = 0, smooth = 0;
  for (std::size_t j = 2; j + 3 < p; ++j) {
    data += problem.gram[j * p + j];
    smooth += problem.penalty[j * p + j];
  }
  problem.ratio = data / smooth;
  return problem;
}

struct Fit {
  std::vector<double> values;
  double df = 0;
};

Fit fit_at(const Problem& problem, double spar) {
  const std::size_t n = problem.rows, p = problem.size;
  const double lambda = problem.ratio * std::pow(256.0, 3 * spar - 1);
  std::vector<double> matrix = problem.gram;
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] += lambda * problem.penalty[i];
  const Cholesky factor(matrix, p, 1e-14);
  std::vector<double> coefficients = problem.right;
  factor.solve(coefficients);
  Fit fit{std::vector<double>(n, 0.0), 0};
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const double> row = std::span(problem.design).subspan(i * p, p);
    fit.df += factor.quadratic_form(row);
    for (std::size_t j = 0; j < p; ++j) fit.values[i] += row[j] * coefficients[j];
  }
  return fit;
}

}  // namespace

std::vector<double> smoothing_spline(std::span<const double> x, std::span<const double> y, double df) {
  const Problem problem = make_problem(x, y);
  constexpr double kGolden = 0.381966011250105151795, kTolerance = 1e-4, kEpsilon = 2e-8;
  Fit fit;
  const auto miss = [&](double spar) {
    fit = fit_at(problem, spar);
    return 3 + (df - fit.df) * (df - fit.df);
  };
  // Brent's minimiser (1973); the fit returned is the last one tried, as in R.
  double a = -1.5, b = 1.5, best = a + kGolden * (b - a), second = best, third = best;
  double at_best = miss(best), at_second = at_best, at_third = at_best, step = 0, before = 0;
  for (int iteration = 0; iteration < 500; ++iteration) {
    const double middle = (a + b) / 2, tolerance = kEpsilon * std::fabs(best) + kTolerance / 3;
    if (std::fabs(best - middle) <= 2 * tolerance - (b - a) / 2) break;
    bool golden = std::fabs(before) <= tolerance;
    if (!golden) {
      double r = (best - second) * (at_best - at_third), q = (best - third) * (at_best - at_second);
      double p = (best - third) * q - (best - second) * r;
      q = 2 * (q - r);
      if (q > 0) p = -p;
      q = std::fabs(q);
      r = before;
      before = step;
      golden = std::fabs(p) >= std::fabs(q * r / 2) || q == 0 || p <= q * (a - best) || p >= q * (b - best);
      if (!golden) {
        step = p / q;
        const double next = best + step;
        if (next - a < 2 * tolerance || b - next < 2 * tolerance) step = std::copysign(tolerance, middle - best);
      }
    }
    if (golden) {
      before = best >= middle ? a - best : b - best;
      step = kGolden * before;
    }
    const double next = best + (std::fabs(step) >= tolerance ? step : std::copysign(tolerance, step));
    const double at_next = miss(next);
    if (at_next <= at_best) {
      (next >= best ? a : b) = best;
      third = second;
      at_third = at_second;
      second = best;
      at_second = at_best;
      best = next;
      at_best = at_next;
    } else {
      (next < best ? a : b) = next;
      if (at_next <= at_second || second == best) {
        third = second;
        at_third = at_second;
        second = next;
        at_second = at_next;
      } else if (at_next <= at_third || third == best || third == second) {
        third = next;
        at_third = at_next;
      }
    }
  }
  return fit.values;
}

}  // namespace immucan::stats
