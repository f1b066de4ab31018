#include "stats/distributions.h"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

namespace immucan::stats {

namespace {
// Out-of-range arguments give NaN or infinity instead of an exception: a statistic that cannot be had is NA in our
// tables.
using Policy =
    boost::math::policies::policy<boost::math::policies::domain_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::pole_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::underflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::evaluation_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::promote_double<false>>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}  // namespace

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}
double normal_two_sided(double z) {
  return std::erfc(std::fabs(z) / std::numbers::sqrt2);
}

double normal_quantile(double probability) {
  if (!(probability >= 0 && probability <= 1)) return kNan;
  if (probability == 0) return -kInfinity;
  if (probability == 1) return kInfinity;
  return boost::math::quantile(boost::math::normal_distribution<double, Policy>(), probability);
}

double chi_squared_upper(double x, double df) {
  if (std::isnan(x) || std::isnan(df)) return kNan;
  if (x <= 0) return 1;
  if (std::isinf(x)) return 0;
  return boost::math::gamma_q(df / 2, x / 2, Policy());
}

double student_two_sided(double t, double df) {
  if (std::isnan(t) || std::isnan(df)) return kNan;
  if (std::isinf(t)) return 0;
  if (std::isinf(df)) return normal_two_sided(t);
  const boost::math::students_t_distribution<double, Policy> distribution(df);
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::fabs(t)));
}

double student_quantile(double probability, double df) {
  if (std::isinf(df)) return normal_quantile(probability);
  return boost::math::quantile(boost::math::students_t_distribution<double, Policy>(df), probability);
}

double f_upper(double x, double df1, double df2) {
  if (std::isnan(x) || std::isnan(df1) || std::isnan(df2)) return kNan;
  if (std::isinf(df2)) return chi_squared_upper(df1 * x, df1);
  if (x <= 0) return 1;
  return boost::math::cdf(boost::math::complement(boost::math::fisher_f_distribution<double, Policy>(df1, df2), x));
}

double f_density(double x, double df1, double df2) {
  if (std::isinf(df2)) {
    return df1 * boost::math::pdf(boost::math::chi_squared_distribution<double, Policy>(df1), df1 * x);
  }
  return boost::math::pdf(boost::math::fisher_f_distribution<double, Policy>(df1, df2), x);
}

double f_upper_quantile(double upper, double df1, double df2) {
  using boost::math::complement;
  if (std::isinf(df2)) {
    return boost::math::quantile(complement(boost::math::chi_squared_distribution<double, Policy>(df1), upper)) / df1;
  }
  return boost::math::quantile(complement(boost::math::fisher_f_distribution<double, Policy>(df1, df2), upper));
}

double student_upper_quantile(double upper, double df) {
  if (std::isinf(df)) {
    return boost::math::quantile(boost::math::complement(boost::math::normal_distribution<double, Policy>(), upper));
  }
  return boost::math::quantile(
      boost::math::complement(boost::math::students_t_distribution<double, Policy>(df), upper));
}

double beta_cdf(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return boost::math::ibeta(a, b, x, Policy());
}

double poisson_cdf(double k, double mean) {
  if (std::isnan(k) || std::isnan(mean)) return kNan;
  if (k < 0) return 0;
  if (mean <= 0) return 1;
  return boost::math::gamma_q(std::floor(k) + 1, mean, Policy());
}

double log_gamma(double x) {
  return boost::math::lgamma(x, Policy());
}
double digamma(double x) {
  return boost::math::digamma(x, Policy());
}
double trigamma(double x) {
  return boost::math::trigamma(x, Policy());
}

double trigamma_inverse(double value) {
  if (!(value > 0)) return kNan;
  if (value > 1e7) return 1 / std::sqrt(value);
  if (value < 1e-6) return 1 / value;
  // 1/trigamma is convex and nearly linear: Newton from below on it converges monotonically (Smyth 2004, appendix).
  double x = 0.5 + 1 / value;
  for (int iteration = 0; iteration < 50; ++iteration) {
    const double tri = trigamma(x);
    const double step = tri * (1 - tri / value) / boost::math::polygamma(2, x, Policy());
    x += step;
    if (-step / x < 1e-12) break;
  }
  return x;
}

}  // namespace immucan::stats
