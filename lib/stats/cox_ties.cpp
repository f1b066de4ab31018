// The exact (discrete) partial likelihood: at a time with d deaths among n at risk, the sum over all subsets of size d,
// by the recursion of elementary symmetric polynomials and their first two derivatives (Gail, Lubin and Rubinstein
// 1981).
#include <algorithm>

#include "stats/cox_columns.h"

namespace immucan::stats {

namespace {

/// e_k, its gradient and lower Hessian for k = 0 … deaths.
struct Polynomials {
  std::size_t p;
  std::vector<double> zero, first, second;

  Polynomials(std::size_t deaths, std::size_t columns)
      : p(columns), zero(deaths + 1, 0.0), first((deaths + 1) * p, 0.0), second((deaths + 1) * p * p, 0.0) {
    zero[0] = 1;
  }
  void add(double risk, const double* x) {
    for (std::size_t k = zero.size() - 1; k >= 1; --k) {
      double* hessian = &second[k * p * p];
      const double* lower_hessian = &second[(k - 1) * p * p];
      const double* gradient = &first[(k - 1) * p];
      for (std::size_t i = 0; i < p; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
          hessian[i * p + j] +=
              risk * (lower_hessian[i * p + j] + x[i] * gradient[j] + gradient[i] * x[j] + x[i] * x[j] * zero[k - 1]);
        }
      }
      for (std::size_t i = 0; i < p; ++i) first[k * p + i] += risk * (gradient[i] + x[i] * zero[k - 1]);
      zero[k] += risk * zero[k - 1];
    }
  }
};

}  // namespace

void CoxModel::evaluate_exact(const Columns& x, std::span<const double> beta, Step& step) const {
  const std::size_t p = x.count;
  step.clear();
  std::vector<double> risk(x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < p; ++j) eta += beta[j] * x.row(i)[j];
    risk[i] = std::exp(eta);
  }
  for (const Stratum& stratum : strata_) {
    for (std::size_t g = stratum.group_begin; g < stratum.group_end; ++g) {
      const Group& group = groups_[g];
      if (group.deaths == 0) continue;
      Polynomials sums(group.deaths, p);
      for (std::size_t i = stratum.row_begin; i < group.end; ++i) {
        if (start_.empty() || start_[i] < group.time) sums.add(risk[i], x.row(i));
      }
      for (std::size_t i = group.begin; i < group.begin + group.deaths; ++i) {
        step.log_likelihood += std::log(risk[i]);
        for (std::size_t j = 0; j < p; ++j) step.score[j] += x.row(i)[j];
      }
      const double total = sums.zero[group.deaths];
      const double* gradient = &sums.first[group.deaths * p];
      const double* hessian = &sums.second[group.deaths * p * p];
      step.log_likelihood -= std::log(total);
      for (std::size_t j = 0; j < p; ++j) {
        step.score[j] -= gradient[j] / total;
        for (std::size_t k = 0; k <= j; ++k) {
          step.information[j * p + k] += hessian[j * p + k] / total - gradient[j] / total * (gradient[k] / total);
        }
      }
    }
  }
  step.mirror();
}

}  // namespace immucan::stats
