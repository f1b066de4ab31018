#include "stats/ranks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"

using namespace immucan;

TEST_CASE("radix argsort equals a stable comparison sort", "[ranks]") {
  core::Random random(7);
  stats::RadixArgsort sorter;
  for (std::size_t n : {0U, 1U, 2U, 3U, 100U, 5000U}) {
    std::vector<double> values(n);
    for (double& v : values) {
      switch (random.below(5)) {
        case 0:
          v = std::floor(random.normal() * 3);
          break;  // ties
        case 1:
          v = random.normal() * std::pow(10.0, random.normal() * 100);
          break;
        case 2:
          v = random.bernoulli(0.5) ? 0.0 : -0.0;
          break;
        case 3:
          v = random.bernoulli(0.5) ? std::numeric_limits<double>::infinity()
                                    : std::numeric_limits<double>::denorm_min();
          break;
        default:
          v = random.normal();
      }
    }
    std::vector<std::uint32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0U);
    std::ranges::stable_sort(expected, [&](auto a, auto b) { return values[a] < values[b]; });
    const auto order = sorter.sort(values);
    CHECK(std::ranges::equal(order, expected));
  }
}

TEST_CASE("mid-ranks share ties", "[ranks]") {
  CHECK(stats::mid_ranks(std::vector<double>{3, 1, 3, -2, 3}) == std::vector<double>{4, 2, 4, 1, 4});
  CHECK(stats::mid_ranks(std::vector<double>{0.0, -0.0}) == std::vector<double>{1.5, 1.5});
  CHECK(stats::tie_sum(std::vector<double>{3, 1, 3, -2, 3}) == 24);
  CHECK(stats::tie_sum(std::vector<double>{1, 2, 3}) == 0);
}
