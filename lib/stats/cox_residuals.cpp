// Score residuals (robust variance) and martingale residuals.
#include <algorithm>
#include <map>

#include "stats/cox_columns.h"
#include "stats/distributions.h"
#include "stats/symmetric.h"

namespace immucan::stats {

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
  return weighted_residuals(relative_hazards(x, coefficients), options.ties, {});
}

std::vector<double> CoxModel::timed_residuals(std::span<const double> design, std::size_t columns,
                                              std::span<const double> coefficients, const CoxOptions& options) const {
  const Columns x = load(design, columns);
  return weighted_residuals(relative_hazards(x, coefficients), options.ties, transform_);
}

std::vector<double> CoxModel::weighted_residuals(std::span<const double> risk, Ties ties,
                                                 std::span<const double> weights) const {
  std::vector<double> residuals(risk.size());
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
      const double weight = weights.empty() ? 1 : weights[g];
      for (std::uint32_t l = 0; l < group.deaths; ++l) {
        const double share = ties == Ties::kEfron ? static_cast<double>(l) / group.deaths : 0.0;
        const double rise = weight / (totals[g - first] - share * deaths[g - first]);
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
        residuals[order_[i]] = (dies ? weight : 0.0) - risk[i] * cumulative;
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

}  // namespace immucan::stats
