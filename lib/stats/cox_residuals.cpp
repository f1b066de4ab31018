// Score residuals (robust variance) and the test of proportional hazards.
#include <algorithm>
#include <map>

#include "stats/cox_columns.h"
#include "stats/distributions.h"
#include "stats/symmetric.h"

namespace immucan::stats {
namespace {

/// exp(x·β) of every row of a loaded design, for coefficients on the scale of the design as given.
std::vector<double> relative_hazards(const auto& x, std::span<const double> coefficients) {
  std::vector<double> risk(x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < coefficients.size(); ++j) eta += coefficients[j] * x.scale[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  return risk;
}

}  // namespace

std::vector<double> CoxModel::score_residuals(const Columns& x, std::span<const double> beta, Ties ties) const {
  const std::size_t p = x.count;
  std::vector<double> risk(x.rows), residuals(x.rows * p, 0.0);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < p; ++j) eta += beta[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  // Per death time: hazard and hazard-weighted mean for rows that merely are at risk, and for the tied deaths
  // themselves, which Efron's weights take out of the later shares.
  struct Hazard {
    double all = 0, own = 0;
    std::vector<double> all_mean, own_mean, mean;
  };
  std::map<std::size_t, Hazard> hazards;
  walk(x, risk, ties, [&](std::size_t g, std::uint32_t, double share, const Sums& sums) {
    Hazard& hazard = hazards[g];
    if (hazard.mean.empty()) {
      hazard.all_mean.assign(p, 0.0);
      hazard.own_mean.assign(p, 0.0);
      hazard.mean.assign(p, 0.0);
    }
    hazard.all += 1 / sums.zero;
    hazard.own += (1 - share) / sums.zero;
    for (std::size_t j = 0; j < p; ++j) {
      const double mean = sums.first[j] / sums.zero;
      hazard.all_mean[j] += mean / sums.zero;
      hazard.own_mean[j] += (1 - share) * mean / sums.zero;
      hazard.mean[j] += mean / groups_[g].deaths;
    }
  });
  for (const Stratum& stratum : strata_) {
    for (auto entry = hazards.lower_bound(stratum.group_begin);
         entry != hazards.end() && entry->first < stratum.group_end; ++entry) {
      const Group& group = groups_[entry->first];
      const Hazard& hazard = entry->second;
      for (std::size_t i = stratum.row_begin; i < group.end; ++i) {
        if (!start_.empty() && start_[i] >= group.time) continue;
        const bool dies = i >= group.begin && i < group.begin + group.deaths;
        const double cumulative = dies ? hazard.own : hazard.all;
        for (std::size_t j = 0; j < p; ++j) {
          const double mean = dies ? hazard.own_mean[j] : hazard.all_mean[j];
          residuals[i * p + j] -= risk[i] * (x.row(i)[j] * cumulative - mean);
          if (dies) residuals[i * p + j] += x.row(i)[j] - hazard.mean[j];
        }
      }
    }
  }
  return residuals;
}

std::vector<double> CoxModel::martingale_residuals(std::span<const double> design, std::size_t columns,
                                                   std::span<const double> coefficients,
                                                   const CoxOptions& options) const {
  const Columns x = load(design, columns);
  std::vector<double> risk(x.rows, 1.0), residuals(x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < columns; ++j) eta += coefficients[j] * x.scale[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  struct Jump {
    double time, before, all, own;  // hazard before the time, its rise for those at risk and for the tied deaths
  };
  std::vector<Jump> jumps;
  std::vector<double> totals, deaths;
  for (const Stratum& stratum : strata_) {
    // Groups lie in descending time: sums over the risk sets first, then the hazard upwards in time.
    const std::size_t first = stratum.group_begin, last = stratum.group_end;
    totals.assign(last - first, 0.0);
    deaths.assign(last - first, 0.0);
    double sum = 0;
    std::size_t leaving = stratum.row_begin;
    for (std::size_t g = first; g < last; ++g) {
      const Group& group = groups_[g];
      for (std::size_t i = group.begin; i < group.end; ++i) {
        sum += risk[i];
        if (i - group.begin < group.deaths) deaths[g - first] += risk[i];
      }
      if (!start_.empty() && group.deaths > 0) {
        for (; leaving < stratum.row_end && start_[start_order_[leaving]] >= group.time; ++leaving) {
          sum -= risk[start_order_[leaving]];
        }
      }
      totals[g - first] = sum;
    }
    jumps.clear();
    double hazard = 0;
    for (std::size_t g = last; g-- > first;) {
      const Group& group = groups_[g];
      Jump jump{group.time, hazard, 0, 0};
      for (std::uint32_t l = 0; l < group.deaths; ++l) {
        const double share = options.ties == Ties::kEfron ? static_cast<double>(l) / group.deaths : 0.0;
        const double rise = 1 / (totals[g - first] - share * deaths[g - first]);
        jump.all += rise;
        jump.own += (1 - share) * rise;
      }
      hazard += jump.all;
      jumps.push_back(jump);
      for (std::size_t i = group.begin; i < group.end; ++i) {
        const bool dies = i - group.begin < group.deaths;
        double cumulative = jump.before + (dies ? jump.own : jump.all);
        if (!start_.empty()) {
          // The hazard up to and including the start was not this row's.
          const auto entry = std::ranges::upper_bound(jumps, start_[i], {}, &Jump::time);
          if (entry != jumps.begin()) cumulative -= std::prev(entry)->before + std::prev(entry)->all;
        }
        residuals[order_[i]] = (dies ? 1.0 : 0.0) - risk[i] * cumulative;
      }
    }
  }
  return residuals;
}

std::vector<double> CoxModel::robust(const Columns& x, std::span<const double> beta, Ties ties,
                                     std::span<const double> covariance) const {
  const std::size_t p = x.count;
  const std::vector<double> residuals = score_residuals(x, beta, ties);
  std::map<std::uint32_t, std::vector<double>> by_cluster;
  for (std::size_t i = 0; i < x.rows; ++i) {
    auto& sum = by_cluster[cluster_[i]];
    sum.resize(p, 0.0);
    for (std::size_t j = 0; j < p; ++j) sum[j] += residuals[i * p + j];
  }
  std::vector<double> result(p * p, 0.0), influence(p);
  for (const auto& [cluster, sum] : by_cluster) {
    for (std::size_t j = 0; j < p; ++j) {
      influence[j] = 0;
      for (std::size_t k = 0; k < p; ++k) influence[j] += covariance[j * p + k] * sum[k];
    }
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < p; ++k) result[j * p + k] += influence[j] * influence[k];
    }
  }
  return result;
}

namespace {

/// Score test of the added parameters `chosen`, given the p fitted ones whose score is zero.
ChiSquaredTest added_score_test(std::span<const double> score, std::span<const double> information, std::size_t p,
                                const std::vector<std::size_t>& chosen) {
  const std::size_t size = p + chosen.size();
  std::vector<double> matrix(size * size), vector(size, 0.0);
  const auto source = [&](std::size_t i) { return i < p ? i : p + chosen[i - p]; };
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) matrix[i * size + j] = information[source(i) * 2 * p + source(j)];
    if (i >= p) vector[i] = score[chosen[i - p]];
  }
  const double statistic = Cholesky(matrix, size).quadratic_form(vector);
  const auto df = static_cast<double>(chosen.size());
  return {statistic, df, chi_squared_upper(statistic, df)};
}

}  // namespace

std::map<double, double> CoxModel::time_transform() const {
  // g(t) = 1 - KM(t-), all strata pooled, centred on its mean over the deaths.
  struct Counts {
    double deaths = 0, leaving = 0, entering = 0;
  };
  std::map<double, Counts> counts;
  for (const Group& group : groups_) {
    counts[group.time].deaths += group.deaths;
    counts[group.time].leaving += group.end - group.begin;
  }
  for (const double start : start_) counts[start].entering += 1;
  std::map<double, double> transform;
  double survival = 1, mean = 0;
  double at_risk = start_.empty() ? static_cast<double>(rows()) : 0.0;
  for (const auto& [time, count] : counts) {
    if (count.deaths > 0) {
      transform[time] = 1 - survival;
      mean += count.deaths * (1 - survival);
      survival *= 1 - count.deaths / at_risk;
    }
    at_risk += count.entering - count.leaving;
  }
  mean /= static_cast<double>(events_);
  for (auto& [time, value] : transform) value -= mean;
  return transform;
}

std::vector<ChiSquaredTest> CoxModel::proportional_hazards_test(std::span<const double> design, std::size_t columns,
                                                                const CoxFit& fit, std::span<const std::size_t> terms,
                                                                const CoxOptions& options) const {
  const Columns x = load(design, columns);
  std::vector<double> beta(columns), risk(x.rows);
  for (std::size_t j = 0; j < columns; ++j) beta[j] = fit.coefficients[j] * (x.scale[j] > 0 ? x.scale[j] : 0);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < columns; ++j) eta += beta[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  const std::map<double, double> transform = time_transform();
  const std::size_t p = columns;
  std::vector<double> score(p, 0.0), information(4 * p * p, 0.0);
  walk(x, risk, options.ties, [&](std::size_t g, std::uint32_t l, double, const Sums& sums) {
    const Group& group = groups_[g];
    const double time = transform.at(group.time);
    for (std::size_t j = 0; j < p; ++j) {
      const double centre = sums.first[j] / sums.zero;
      score[j] += time * (x.row(group.begin + l)[j] - centre);
      for (std::size_t k = 0; k < p; ++k) {
        const double raw = k <= j ? sums.second[j * p + k] : sums.second[k * p + j];
        const double variance = raw / sums.zero - centre * (sums.first[k] / sums.zero);
        information[j * 2 * p + k] += variance;
        information[j * 2 * p + p + k] += time * variance;
        information[(p + j) * 2 * p + k] += time * variance;
        information[(p + j) * 2 * p + p + k] += time * time * variance;
      }
    }
  });
  std::map<std::size_t, std::vector<std::size_t>> members;
  std::vector<std::size_t> all;
  for (std::size_t j = 0; j < p; ++j) {
    members[terms[j]].push_back(j);
    all.push_back(j);
  }
  std::vector<ChiSquaredTest> tests;
  for (const auto& [term, chosen] : members) tests.push_back(added_score_test(score, information, p, chosen));
  tests.push_back(added_score_test(score, information, p, all));
  return tests;
}

std::vector<double> CoxModel::proportional_hazards_correlations(std::span<const double> design, std::size_t columns,
                                                                const CoxFit& fit, std::span<const std::size_t> terms,
                                                                const CoxOptions& options) const {
  const Columns x = load(design, columns);
  const std::vector<double> risk = relative_hazards(x, fit.coefficients);
  const std::map<double, double> transform = time_transform();
  std::vector<double> times, residuals;
  walk(x, risk, options.ties, [&](std::size_t g, std::uint32_t l, double, const Sums& sums) {
    times.push_back(transform.at(groups_[g].time));
    for (std::size_t j = 0; j < columns; ++j) {
      residuals.push_back(x.row(groups_[g].begin + l)[j] - sums.first[j] / sums.zero);
    }
  });
  const std::size_t last = *std::ranges::max_element(terms);
  std::vector<double> result;
  for (std::size_t term = 0; term <= last + 1; ++term) {
    std::vector<double> own;
    std::size_t count = 0;
    for (std::size_t j = 0; j < columns; ++j) count += term > last || terms[j] == term ? 1 : 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        if (term > last || terms[j] == term) own.push_back(residuals[i * columns + j]);
      }
    }
    result.push_back(joint_residual_score_test(own, count, {}, 0, times).p);
  }
  return result;
}

ResidualScoreTest CoxModel::proportional_hazards_correlation(std::span<const double> design, std::size_t columns,
                                                             std::size_t column, const CoxFit& fit,
                                                             const CoxOptions& options) const {
  const Columns x = load(design, columns);
  const std::vector<double> risk = relative_hazards(x, fit.coefficients);
  const std::map<double, double> transform = time_transform();
  std::vector<double> times, residuals;
  walk(x, risk, options.ties, [&](std::size_t g, std::uint32_t l, double, const Sums& sums) {
    times.push_back(transform.at(groups_[g].time));
    residuals.push_back(x.row(groups_[g].begin + l)[column] - sums.first[column] / sums.zero);
  });
  return residual_score_test(times, {}, 0, residuals);
}

}  // namespace immucan::stats
