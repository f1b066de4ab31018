#include "core/random.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

using namespace immucan::core;

namespace {

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments(const std::function<double(Random&)>& draw, int count = 200000) {
  Random random(42, 7);
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = draw(random);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

}  // namespace

TEST_CASE("streams of one seed differ, the same stream repeats") {
  Random a(1, 0), b(1, 1), c(1, 0), d(0, 1);
  const std::uint64_t first = a.next();
  CHECK(first == c.next());
  CHECK(first != b.next());
  CHECK(first != d.next());
}

TEST_CASE("distributions have their mean and variance") {
  // Tolerances are about five standard errors of 200,000 draws.
  const auto check = [](const Moments& got, double mean, double variance) {
    CHECK(got.mean == Approx(mean).margin(5 * std::sqrt(variance / 200000)));
    CHECK(got.variance == Approx(variance).epsilon(0.05));
  };
  check(moments([](Random& r) { return r.uniform(); }), 0.5, 1.0 / 12);
  check(moments([](Random& r) { return r.normal(); }), 0, 1);
  check(moments([](Random& r) { return r.exponential(2); }), 0.5, 0.25);
  check(moments([](Random& r) { return r.gamma(0.5, 2); }), 1, 2);
  check(moments([](Random& r) { return r.gamma(7.5, 0.5); }), 3.75, 1.875);
  check(moments([](Random& r) { return static_cast<double>(r.poisson(3)); }), 3, 3);
  check(moments([](Random& r) { return static_cast<double>(r.poisson(200)); }), 200, 200);
  check(moments([](Random& r) { return static_cast<double>(r.binomial(40, 0.3)); }), 12, 8.4);
  check(moments([](Random& r) { return static_cast<double>(r.binomial(40, 0.9)); }), 36, 3.6);
  check(moments([](Random& r) { return static_cast<double>(r.geometric(0.25)); }), 3, 12);
}

TEST_CASE("edge cases of the discrete distributions") {
  Random random(3);
  CHECK(random.poisson(0) == 0);
  CHECK(random.binomial(0, 0.5) == 0);
  CHECK(random.binomial(9, 0) == 0);
  CHECK(random.binomial(9, 1) == 9);
  CHECK(random.geometric(1) == 0);
  const std::vector<double> weights = {0, 0, 5, 0};
  for (int i = 0; i < 100; ++i) CHECK(random.categorical(weights) == 2);
}

TEST_CASE("below is uniform and shuffle permutes") {
  Random random(11);
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) CHECK(count == Approx(10000).margin(500));
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> shuffled = items;
  random.shuffle(std::span(shuffled));
  CHECK(shuffled != items);
  std::ranges::sort(shuffled);
  CHECK(shuffled == items);
}

TEST_CASE("the normal quantile meets tabulated values") {
  // R 4.2.2, qnorm().
  CHECK(normal_quantile(0.5) == 0);
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-14));
  CHECK(normal_quantile(0.001) == Approx(-3.090232306167814).epsilon(1e-14));
  CHECK(normal_quantile(1e-20) == Approx(-9.262340089798408).epsilon(1e-14));
}
