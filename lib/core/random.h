#pragma once
// Seeded generators whose streams are the same on every compiler: libstdc++'s distributions are not specified.
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace immucan::core {

/// xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64 from (seed, stream): each unit of work has its own
/// stream.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0);

  std::uint64_t next();
  /// Uniform in [0, 1) with 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform integer in [0, bound), unbiased (Lemire 2019). `bound` > 0.
  std::uint64_t below(std::uint64_t bound);
  bool bernoulli(double probability) { return uniform() < probability; }
  /// Standard normal by the inverse CDF (Wichura AS 241), one draw per variate.
  double normal();
  double normal(double mean, double sd) { return mean + sd * normal(); }
  double lognormal(double log_mean, double log_sd);
  double exponential(double rate);
  /// Marsaglia and Tsang 2000; shape > 0.
  double gamma(double shape, double scale);
  /// Inversion below mean 30, else PTRS (Hörmann 1993).
  std::uint64_t poisson(double mean);
  std::uint64_t binomial(std::uint64_t trials, double probability);
  /// Failures before the first success.
  std::uint64_t geometric(double probability);
  /// Index drawn with the given non-negative weights (not all zero).
  std::size_t categorical(std::span<const double> weights);
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
};

/// Inverse of the standard normal CDF, |relative error| < 1e-15 (Wichura 1988, AS 241 PPND16).
[[nodiscard]] double normal_quantile(double probability);

}  // namespace immucan::core
