#include "stats/logistic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "stats/distributions.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

constexpr int kMaxIterations = 100;
constexpr double kTolerance = 1e-12;
// A linear predictor beyond this (probability 1e-13) means the likelihood still rises towards infinity.
constexpr double kDiverged = 30;

/// Standardised columns behind an intercept: the iteration and its tolerances do not depend on the user's units.
struct Design {
  std::size_t rows = 0, columns = 0;  ///< columns include the intercept
  std::vector<double> values;         ///< row-major
  std::vector<double> mean, scale;    ///< per column; scale 0 = constant column
};

Design standardise(std::span<const double> design, std::size_t columns, std::size_t rows) {
  Design result{rows, columns + 1, std::vector<double>(rows * (columns + 1), 1.0),
                std::vector<double>(columns + 1, 0.0), std::vector<double>(columns + 1, 1.0)};
  for (std::size_t j = 0; j < columns; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < rows; ++i) mean += design[i * columns + j];
    mean /= static_cast<double>(rows);
    for (std::size_t i = 0; i < rows; ++i)
      square += (design[i * columns + j] - mean) * (design[i * columns + j] - mean);
    const double scale = std::sqrt(square / static_cast<double>(rows));
    result.mean[j + 1] = mean;
    result.scale[j + 1] = scale > 1e-12 * (std::fabs(mean) + 1e-300) ? scale : 0.0;
    for (std::size_t i = 0; i < rows; ++i) {
      result.values[i * (columns + 1) + j + 1] =
          result.scale[j + 1] > 0 ? (design[i * columns + j] - mean) / result.scale[j + 1] : 0.0;
    }
  }
  return result;
}

struct State {
  double log_likelihood = 0;
  double largest_predictor = 0;
  std::vector<double> probability, information, score;
};

State evaluate(const Design& design, std::span<const std::uint8_t> outcome, std::span<const double> beta) {
  const std::size_t p = design.columns;
  State state{0, 0, std::vector<double>(design.rows), std::vector<double>(p * p, 0.0), std::vector<double>(p, 0.0)};
  for (std::size_t i = 0; i < design.rows; ++i) {
    const double* row = &design.values[i * p];
    double eta = 0;
    for (std::size_t j = 0; j < p; ++j) eta += row[j] * beta[j];
    const double tail = std::exp(-std::fabs(eta));
    const double probability = eta >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
    const double weight = tail / ((1 + tail) * (1 + tail));
    state.log_likelihood -= std::log1p(tail) + (outcome[i] != 0 ? std::max(-eta, 0.0) : std::max(eta, 0.0));
    state.largest_predictor = std::max(state.largest_predictor, std::fabs(eta));
    state.probability[i] = probability;
    for (std::size_t j = 0; j < p; ++j) {
      state.score[j] += row[j] * ((outcome[i] != 0 ? 1.0 : 0.0) - probability);
      for (std::size_t k = 0; k <= j; ++k) state.information[j * p + k] += weight * row[j] * row[k];
    }
  }
  for (std::size_t j = 0; j < p; ++j) {
    for (std::size_t k = 0; k < j; ++k) state.information[k * p + j] = state.information[j * p + k];
  }
  return state;
}

/// Adds Firth's correction: score + sum_i h_i (1/2 - pi_i) x_i, likelihood + log|I|/2.
void penalise(const Design& design, const Cholesky& factor, State& state) {
  const std::size_t p = design.columns;
  const std::vector<double> inverse = factor.inverse();
  for (std::size_t i = 0; i < design.rows; ++i) {
    const double* row = &design.values[i * p];
    double leverage = 0;
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < p; ++k) leverage += row[j] * inverse[j * p + k] * row[k];
    }
    leverage *= state.probability[i] * (1 - state.probability[i]);
    for (std::size_t j = 0; j < p; ++j) state.score[j] += leverage * (0.5 - state.probability[i]) * row[j];
  }
  state.log_likelihood += factor.log_determinant() / 2;
}

/// Coefficients and covariance in the user's units.
void unstandardise(const Design& design, std::span<const double> beta, std::span<const double> covariance,
                   LogisticFit& fit) {
  const std::size_t p = design.columns;
  // user = T beta with T = [1, -mean/scale; 0, 1/scale]
  std::vector<double> transform(p * p, 0.0);
  transform[0] = 1;
  for (std::size_t j = 1; j < p; ++j) {
    if (design.scale[j] == 0) continue;
    transform[j] = -design.mean[j] / design.scale[j];
    transform[j * p + j] = 1 / design.scale[j];
  }
  fit.coefficients.assign(p, 0.0);
  fit.covariance.assign(p * p, 0.0);
  for (std::size_t i = 0; i < p; ++i) {
    for (std::size_t k = 0; k < p; ++k) fit.coefficients[i] += transform[i * p + k] * beta[k];
    for (std::size_t j = 0; j < p; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < p; ++k) {
        for (std::size_t l = 0; l < p; ++l) sum += transform[i * p + k] * covariance[k * p + l] * transform[j * p + l];
      }
      fit.covariance[i * p + j] = sum;
    }
  }
}

/// `held`: a coefficient that stays 0, though the penalty knows its column.
LogisticFit newton(const Design& design, std::span<const std::uint8_t> outcome, bool firth,
                   std::optional<std::size_t> held = std::nullopt) {
  const std::size_t p = design.columns;
  LogisticFit fit;
  fit.firth = firth;
  std::vector<double> beta(p, 0.0), candidate(p);
  const auto at = [&](std::span<const double> point, std::optional<Cholesky>& factor) {
    State state = evaluate(design, outcome, point);
    factor.emplace(state.information, p);
    if (firth) penalise(design, *factor, state);
    return state;
  };
  std::optional<Cholesky> factor;
  State state = at(beta, factor);
  fit.singular = !factor->full_rank();
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    std::vector<double> step = state.score;
    if (held) {
      for (std::size_t j = 0; j < p; ++j) state.information[*held * p + j] = state.information[j * p + *held] = 0;
      state.information[*held * p + *held] = 1;
      step[*held] = 0;
      Cholesky(state.information, p).solve(step);
    } else {
      factor->solve(step);
    }
    double length = 1;
    std::optional<Cholesky> next_factor;
    State next;
    for (int halving = 0; halving < 30; ++halving, length /= 2) {
      for (std::size_t j = 0; j < p; ++j) candidate[j] = beta[j] + length * step[j];
      next = at(candidate, next_factor);
      if (std::isfinite(next.log_likelihood) &&
          next.log_likelihood >= state.log_likelihood - 1e-12 * (std::fabs(state.log_likelihood) + 1)) {
        break;
      }
    }
    const double gain = std::fabs(next.log_likelihood - state.log_likelihood);
    double movement = 0;
    for (std::size_t j = 0; j < p; ++j) movement = std::max(movement, std::fabs(length * step[j]));
    beta = candidate;
    state = std::move(next);
    factor = std::move(next_factor);
    if (!firth && state.largest_predictor > kDiverged) break;
    if (gain <= kTolerance * (std::fabs(state.log_likelihood) + 0.1) && movement < 1e-9) {
      fit.converged = true;
      break;
    }
  }
  fit.log_likelihood = state.log_likelihood;
  // At the boundary the likelihood is 1 for some observations: no finite maximum.
  const bool lost_rank = !fit.singular && !factor->full_rank();
  fit.separated = !firth && (!fit.converged || lost_rank || state.largest_predictor > kDiverged);
  unstandardise(design, beta, factor->inverse(), fit);
  return fit;
}

}  // namespace

LogisticFit fit_firth(std::span<const double> design, std::size_t columns, std::span<const std::uint8_t> outcome) {
  return newton(standardise(design, columns, outcome.size()), outcome, true);
}

LogisticFit fit_logistic(std::span<const double> design, std::size_t columns, std::span<const std::uint8_t> outcome) {
  const Design standard = standardise(design, columns, outcome.size());
  LogisticFit fit = newton(standard, outcome, false);
  if (!fit.separated) return fit;
  LogisticFit penalised = newton(standard, outcome, true);
  penalised.separated = true;
  return penalised;
}

std::vector<double> logistic_residuals(std::span<const double> design, std::size_t columns,
                                       std::span<const std::uint8_t> outcome, const LogisticFit& fit) {
  std::vector<double> residuals(outcome.size());
  for (std::size_t i = 0; i < outcome.size(); ++i) {
    double eta = fit.coefficients[0];
    for (std::size_t j = 0; j < columns; ++j) eta += fit.coefficients[j + 1] * design[i * columns + j];
    residuals[i] = (outcome[i] != 0 ? 1.0 : 0.0) - 1 / (1 + std::exp(-eta));
  }
  return residuals;
}

std::vector<double> logistic_robust_covariance(std::span<const double> design, std::size_t columns,
                                               std::span<const std::uint8_t> outcome, const LogisticFit& fit,
                                               std::span<const std::uint32_t> cluster) {
  const std::size_t p = columns + 1;
  const std::vector<double> residuals = logistic_residuals(design, columns, outcome, fit);
  std::map<std::uint32_t, std::vector<double>> scores;
  for (std::size_t i = 0; i < outcome.size(); ++i) {
    auto& score = scores[cluster[i]];
    score.resize(p, 0.0);
    score[0] += residuals[i];
    for (std::size_t j = 0; j < columns; ++j) score[j + 1] += residuals[i] * design[i * columns + j];
  }
  std::vector<double> result(p * p, 0.0), influence(p);
  for (const auto& [name, score] : scores) {
    for (std::size_t j = 0; j < p; ++j) {
      influence[j] = 0;
      for (std::size_t k = 0; k < p; ++k) influence[j] += fit.covariance[j * p + k] * score[k];
    }
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < p; ++k) result[j * p + k] += influence[j] * influence[k];
    }
  }
  return result;
}

LogisticTest logistic_test(std::span<const double> design, std::size_t columns, std::span<const std::uint8_t> outcome,
                           std::size_t column) {
  const Design standard = standardise(design, columns, outcome.size());
  LogisticTest test{newton(standard, outcome, false), 0, 1};
  const bool separated = test.fit.separated;
  if (separated) {
    test.fit = newton(standard, outcome, true);
    test.fit.separated = true;
  }
  if (test.fit.singular) {
    test.statistic = test.p = std::numeric_limits<double>::quiet_NaN();
    return test;
  }
  const LogisticFit reduced = newton(standard, outcome, separated, column + 1);
  test.statistic = std::max(0.0, 2 * (test.fit.log_likelihood - reduced.log_likelihood));
  test.p = chi_squared_upper(test.statistic, 1);
  return test;
}

}  // namespace immucan::stats
