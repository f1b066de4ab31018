#pragma once
// Inside of cox.cpp, cox_ties.cpp and cox_residuals.cpp.
#include <cmath>

#include "stats/cox.h"

namespace immucan::stats {

struct CoxModel::Columns {
  std::size_t rows = 0, count = 0;
  std::vector<double> values;       ///< row-major in sorted order, centred and scaled
  std::vector<double> mean, scale;  ///< scale 0 = constant column (values are 0)

  [[nodiscard]] const double* row(std::size_t position) const { return &values[position * count]; }
};

/// exp(x·β) of every row of a loaded design, for coefficients on the scale of the design as given.
[[nodiscard]] std::vector<double> relative_hazards(const auto& x, std::span<const double> coefficients) {
  std::vector<double> risk(x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < coefficients.size(); ++j) eta += coefficients[j] * x.scale[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  return risk;
}

/// Weighted sums over the risk set: of 1, x and x x' (lower triangle, row-major).
struct CoxModel::Sums {
  double zero = 0;
  std::vector<double> first, second;

  explicit Sums(std::size_t p) : first(p, 0.0), second(p * p, 0.0) {}
  void clear() {
    zero = 0;
    first.assign(first.size(), 0.0);
    second.assign(second.size(), 0.0);
  }
  void add(double weight, const double* x) {
    const std::size_t p = first.size();
    zero += weight;
    for (std::size_t j = 0; j < p; ++j) {
      const double wx = weight * x[j];
      first[j] += wx;
      for (std::size_t k = 0; k <= j; ++k) second[j * p + k] += wx * x[k];
    }
  }
};

struct CoxModel::Step {
  double log_likelihood = 0;
  std::vector<double> score, information;

  explicit Step(std::size_t p) : score(p, 0.0), information(p * p, 0.0) {}
  void clear() {
    log_likelihood = 0;
    score.assign(score.size(), 0.0);
    information.assign(information.size(), 0.0);
  }
  void mirror() {
    const std::size_t p = score.size();
    for (std::size_t j = 0; j < p; ++j) {
      for (std::size_t k = 0; k < j; ++k) information[k * p + j] = information[j * p + k];
    }
  }
};

template <class Visit>
void CoxModel::walk(const Columns& x, std::span<const double> risk, Ties ties, Visit&& visit) const {
  Sums at_risk(x.count), deaths(x.count), current(x.count);
  for (const Stratum& stratum : strata_) {
    at_risk.clear();
    std::size_t leaving = stratum.row_begin;
    for (std::size_t g = stratum.group_begin; g < stratum.group_end; ++g) {
      const Group& group = groups_[g];
      for (std::size_t i = group.begin; i < group.end; ++i) at_risk.add(risk[i], x.row(i));
      if (group.deaths == 0) continue;
      if (!start_.empty()) {
        for (; leaving < stratum.row_end && start_[start_order_[leaving]] >= group.time; ++leaving) {
          at_risk.add(-risk[start_order_[leaving]], x.row(start_order_[leaving]));
        }
      }
      deaths.clear();
      for (std::size_t i = group.begin; i < group.begin + group.deaths; ++i) deaths.add(risk[i], x.row(i));
      for (std::uint32_t l = 0; l < group.deaths; ++l) {
        const double share = ties == Ties::kEfron ? static_cast<double>(l) / group.deaths : 0.0;
        current.zero = at_risk.zero - share * deaths.zero;
        for (std::size_t j = 0; j < x.count; ++j) current.first[j] = at_risk.first[j] - share * deaths.first[j];
        for (std::size_t j = 0; j < x.count * x.count; ++j) {
          current.second[j] = at_risk.second[j] - share * deaths.second[j];
        }
        visit(g, l, share, current);
      }
    }
  }
}

}  // namespace immucan::stats
