#include "stats/cox.h"

#include <algorithm>
#include <numeric>

#include "stats/cox_columns.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {
// exp(20) per standard deviation is beyond any hazard ratio that data can support: the likelihood is monotone.
constexpr double kInfiniteCoefficient = 20;
}  // namespace

CoxModel::CoxModel(const SurvivalRows& rows) {
  const std::size_t n = rows.time.size();
  order_.resize(n);
  std::iota(order_.begin(), order_.end(), 0U);
  const auto stratum_of = [&](std::uint32_t row) { return rows.stratum.empty() ? 0U : rows.stratum[row]; };
  std::ranges::stable_sort(order_, [&](std::uint32_t a, std::uint32_t b) {
    if (stratum_of(a) != stratum_of(b)) return stratum_of(a) < stratum_of(b);
    if (rows.time[a] != rows.time[b]) return rows.time[a] > rows.time[b];
    return rows.event[a] > rows.event[b];
  });
  for (std::uint32_t i = 0; i < n;) {
    const std::uint32_t stratum = stratum_of(order_[i]);
    strata_.push_back({static_cast<std::uint32_t>(groups_.size()), 0, i, 0});
    while (i < n && stratum_of(order_[i]) == stratum) {
      Group group{i, i, 0, rows.time[order_[i]]};
      for (; i < n && stratum_of(order_[i]) == stratum && rows.time[order_[i]] == group.time; ++i) {
        group.deaths += rows.event[order_[i]] != 0 ? 1U : 0U;
      }
      group.end = i;
      events_ += group.deaths;
      groups_.push_back(group);
    }
    strata_.back().group_end = static_cast<std::uint32_t>(groups_.size());
    strata_.back().row_end = i;
  }
  if (!rows.start.empty()) {
    start_.resize(n);
    for (std::size_t i = 0; i < n; ++i) start_[i] = rows.start[order_[i]];
    start_order_.resize(n);
    std::iota(start_order_.begin(), start_order_.end(), 0U);
    for (const Stratum& stratum : strata_) {
      std::stable_sort(start_order_.begin() + stratum.row_begin, start_order_.begin() + stratum.row_end,
                       [&](std::uint32_t a, std::uint32_t b) { return start_[a] > start_[b]; });
    }
  }
  if (!rows.cluster.empty()) {
    cluster_.resize(n);
    for (std::size_t i = 0; i < n; ++i) cluster_[i] = rows.cluster[order_[i]];
  }
  if (events_ == 0) {
    transform_.assign(groups_.size(), 0.0);
    return;
  }
  const std::map<double, double> transform = time_transform();
  for (const Group& group : groups_) transform_.push_back(group.deaths > 0 ? transform.at(group.time) : 0.0);
}

CoxModel::Columns CoxModel::load(std::span<const double> design, std::size_t columns) const {
  const std::size_t n = order_.size();
  Columns x{n, columns, std::vector<double>(n * columns), std::vector<double>(columns), std::vector<double>(columns)};
  for (std::size_t j = 0; j < columns; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += design[i * columns + j];
    mean /= static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) square += (design[i * columns + j] - mean) * (design[i * columns + j] - mean);
    const double deviation = std::sqrt(square / static_cast<double>(n));
    x.mean[j] = mean;
    x.scale[j] = deviation > 1e-12 * std::fabs(mean) ? deviation : 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      x.values[i * columns + j] = x.scale[j] > 0 ? (design[order_[i] * columns + j] - mean) / x.scale[j] : 0.0;
    }
  }
  return x;
}

void CoxModel::evaluate_single(const Columns& x, double beta, Ties ties, Step& step) const {
  double log_likelihood = 0, score = 0, information = 0;
  for (const Stratum& stratum : strata_) {
    double s0 = 0, s1 = 0, s2 = 0;
    for (std::size_t g = stratum.group_begin; g < stratum.group_end; ++g) {
      const Group& group = groups_[g];
      double d0 = 0, d1 = 0, d2 = 0;
      for (std::size_t i = group.begin; i < group.end; ++i) {
        const double value = x.values[i], risk = std::exp(beta * value);
        const double first = risk * value, second = first * value;
        s0 += risk;
        s1 += first;
        s2 += second;
        if (i - group.begin >= group.deaths) continue;
        d0 += risk;
        d1 += first;
        d2 += second;
        log_likelihood += beta * value;
        score += value;
      }
      for (std::uint32_t l = 0; l < group.deaths; ++l) {
        const double share = ties == Ties::kEfron ? static_cast<double>(l) / group.deaths : 0.0;
        const double zero = s0 - share * d0, mean = (s1 - share * d1) / zero;
        log_likelihood -= std::log(zero);
        score -= mean;
        information += (s2 - share * d2) / zero - mean * mean;
      }
    }
  }
  step.log_likelihood = log_likelihood;
  step.score[0] = score;
  step.information[0] = information;
}

void CoxModel::evaluate(const Columns& x, std::span<const double> beta, Ties ties, Step& step) const {
  if (ties == Ties::kExact) return evaluate_exact(x, beta, step);
  if (x.count == 1 && start_.empty()) return evaluate_single(x, beta[0], ties, step);
  const std::size_t p = x.count;
  step.clear();
  std::vector<double> risk(x.rows);
  for (const Group& group : groups_) {
    for (std::size_t i = group.begin; i < group.end; ++i) {
      double eta = 0;
      for (std::size_t j = 0; j < p; ++j) eta += beta[j] * x.row(i)[j];
      risk[i] = std::exp(eta);
      if (i - group.begin >= group.deaths) continue;
      step.log_likelihood += eta;
      for (std::size_t j = 0; j < p; ++j) step.score[j] += x.row(i)[j];
    }
  }
  walk(x, risk, ties, [&](std::size_t, std::uint32_t, double, const Sums& sums) {
    step.log_likelihood -= std::log(sums.zero);
    for (std::size_t j = 0; j < p; ++j) {
      const double mean = sums.first[j] / sums.zero;
      step.score[j] -= mean;
      for (std::size_t k = 0; k <= j; ++k) {
        step.information[j * p + k] += sums.second[j * p + k] / sums.zero - mean * sums.first[k] / sums.zero;
      }
    }
  });
  step.mirror();
}

double CoxModel::score_statistic(std::span<const double> design, std::size_t columns,
                                 std::span<const double> coefficients, const CoxOptions& options) const {
  const Columns x = load(design, columns);
  std::vector<double> beta(columns);
  for (std::size_t j = 0; j < columns; ++j) beta[j] = coefficients[j] * x.scale[j];
  Step step(columns);
  evaluate(x, beta, options.ties, step);
  return Cholesky(step.information, columns, 1e-9).quadratic_form(step.score);
}

CoxFit CoxModel::fit(std::span<const double> design, std::size_t columns, const CoxOptions& options) const {
  const Columns x = load(design, columns);
  CoxFit fit;
  fit.rows = x.rows;
  fit.events = events_;
  std::vector<double> beta(columns, 0.0), candidate(columns);
  Step current(columns), next(columns);
  evaluate(x, beta, options.ties, current);
  fit.log_likelihood_null = current.log_likelihood;
  {
    const Cholesky factor(current.information, columns, 1e-9);
    fit.score_statistic = factor.quadratic_form(current.score);
    fit.rank = factor.rank();
  }
  for (fit.iterations = 1; fit.iterations <= options.max_iterations; ++fit.iterations) {
    std::vector<double> move = current.score;
    Cholesky(current.information, columns, 1e-9).solve(move);
    double length = 1;
    for (int halving = 0; halving < 25; ++halving, length /= 2) {
      for (std::size_t j = 0; j < columns; ++j) candidate[j] = beta[j] + length * move[j];
      evaluate(x, candidate, options.ties, next);
      if (std::isfinite(next.log_likelihood) &&
          next.log_likelihood >= current.log_likelihood - 1e-10 * std::fabs(current.log_likelihood)) {
        break;
      }
    }
    const double change = std::fabs(next.log_likelihood - current.log_likelihood);
    double moved = 0;
    for (std::size_t j = 0; j < columns; ++j) moved = std::max(moved, std::fabs(candidate[j] - beta[j]));
    beta = candidate;
    std::swap(current, next);
    const double size = std::ranges::max(beta, {}, [](double b) { return std::fabs(b); });
    if (std::fabs(size) > kInfiniteCoefficient || !std::isfinite(current.log_likelihood)) break;
    // Stops where R's coxph does, so that its figures are met to the last digits. Under a monotone likelihood the steps
    // do not shrink, which keeps it from passing as converged.
    constexpr double kSmallStep = 1e-2;
    if (change <= options.tolerance * std::fabs(current.log_likelihood) && moved < kSmallStep) {
      fit.converged = true;
      break;
    }
  }
  double largest = 0;
  for (const double b : beta) largest = std::max(largest, std::fabs(b));
  fit.infinite = !fit.converged || largest > kInfiniteCoefficient;
  fit.log_likelihood = current.log_likelihood;
  fit.likelihood_ratio = std::max(0.0, 2 * (fit.log_likelihood - fit.log_likelihood_null));
  const Cholesky factor(current.information, columns, 1e-9);
  std::vector<double> covariance = factor.inverse();
  std::vector<double> wald = covariance;
  if (!cluster_.empty()) {
    fit.robust_covariance = robust(x, beta, options.ties, covariance);
    wald = fit.robust_covariance;
  }
  fit.wald_statistic = Cholesky(wald, columns, 1e-9).quadratic_form(beta);
  fit.coefficients.resize(columns);
  const auto unscale = [&](std::size_t j) { return x.scale[j] > 0 ? 1 / x.scale[j] : 0.0; };
  for (std::size_t j = 0; j < columns; ++j) {
    fit.coefficients[j] = beta[j] * unscale(j);
    for (std::size_t k = 0; k < columns; ++k) {
      covariance[j * columns + k] *= unscale(j) * unscale(k);
      if (!fit.robust_covariance.empty()) fit.robust_covariance[j * columns + k] *= unscale(j) * unscale(k);
    }
  }
  fit.covariance = std::move(covariance);
  return fit;
}

}  // namespace immucan::stats
