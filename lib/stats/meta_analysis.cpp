#include "stats/meta_analysis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/distributions.h"

namespace immucan::stats {

MetaAnalysis meta_analysis(std::span<const double> effect, std::span<const double> error) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  MetaAnalysis result{effect.size(), kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan};
  if (effect.empty()) return result;
  const auto pool = [&](double between, double& mean, double& se, double& squares) {
    double weights = 0, sum = 0;
    squares = 0;
    for (std::size_t i = 0; i < effect.size(); ++i) {
      const double weight = 1 / (error[i] * error[i] + between);
      weights += weight;
      sum += weight * effect[i];
      squares += weight * weight;
    }
    mean = sum / weights;
    se = 1 / std::sqrt(weights);
    return weights;
  };
  double squares = 0, unused = 0;
  const double weights = pool(0, result.fixed, result.fixed_se, squares);
  result.q = 0;
  for (std::size_t i = 0; i < effect.size(); ++i) {
    const double z = (effect[i] - result.fixed) / error[i];
    result.q += z * z;
  }
  const double df = static_cast<double>(effect.size()) - 1;
  result.tau_squared = df > 0 ? std::max(0.0, (result.q - df) / (weights - squares / weights)) : 0;
  pool(result.tau_squared, result.random, result.random_se, unused);
  if (df > 0) {
    double squares_about = 0;
    for (std::size_t i = 0; i < effect.size(); ++i) {
      const double off = effect[i] - result.random;
      squares_about += off * off / (error[i] * error[i] + result.tau_squared);
    }
    result.random_t_se = result.random_se * std::sqrt(squares_about / df);
    result.p_heterogeneity = chi_squared_upper(result.q, df);
    result.i_squared = result.q > 0 ? std::max(0.0, (result.q - df) / result.q) : 0;
  }
  return result;
}

double widened_error(double effect, double error, double p) {
  constexpr double kLeast = 1e-300;
  const double deviate = -normal_quantile(std::max(p, kLeast) / 2);
  return deviate > 0 ? std::max(error, std::fabs(effect / deviate)) : error;
}

}  // namespace immucan::stats
