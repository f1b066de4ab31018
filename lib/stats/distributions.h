#pragma once
// Distribution functions (Boost.Math), so that its headers are compiled in one place.

namespace immucan::stats {

[[nodiscard]] double normal_cdf(double z);
/// P(|Z| >= |z|).
[[nodiscard]] double normal_two_sided(double z);
/// Inverse CDF; 0 and 1 give -inf and inf.
[[nodiscard]] double normal_quantile(double probability);
/// P(X >= x), `df` > 0.
[[nodiscard]] double chi_squared_upper(double x, double df);
/// P(|T| >= |t|); `df` may be infinite.
[[nodiscard]] double student_two_sided(double t, double df);
[[nodiscard]] double student_quantile(double probability, double df);
/// P(X >= x) of Fisher's F; `df2` may be infinite.
[[nodiscard]] double f_upper(double x, double df1, double df2);
[[nodiscard]] double f_density(double x, double df1, double df2);
/// x with P(X >= x) = `upper`.
[[nodiscard]] double f_upper_quantile(double upper, double df1, double df2);
/// t > 0 with P(T >= t) = `upper` < 1/2; accurate far in the tail.
[[nodiscard]] double student_upper_quantile(double upper, double df);
/// P(X <= x) of a beta variable.
[[nodiscard]] double beta_cdf(double x, double a, double b);
/// P(X <= k) of a Poisson variable.
[[nodiscard]] double poisson_cdf(double k, double mean);
[[nodiscard]] double log_gamma(double x);
[[nodiscard]] double digamma(double x);
[[nodiscard]] double trigamma(double x);
/// x > 0 with trigamma(x) = `value` > 0.
[[nodiscard]] double trigamma_inverse(double value);

/// z of a two-sided 95 % interval.
inline constexpr double kZ95 = 1.959963984540054;

}  // namespace immucan::stats
