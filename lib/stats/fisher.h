#pragma once
// Fisher's exact test of a two by two table (1935).
#include <cstddef>

namespace immucan::stats {

struct FisherTest {
  double odds_ratio = 1;        ///< conditional maximum likelihood; 0 or infinity where a cell is empty
  double lower = 0, upper = 0;  ///< exact 95 % interval: the odds ratios whose tails beyond the table hold 2.5 % each
  double p = 1;                 ///< two-sided: all tables that are no more probable than this one
};

/// Counts of [[a, b], [c, d]]; NaN where a margin is empty. The definitions are those of R's fisher.test, which finds
/// the odds ratios to 1e-4 only; here they are exact to 1e-10 of their logarithm.
[[nodiscard]] FisherTest fisher_exact_test(std::size_t a, std::size_t b, std::size_t c, std::size_t d);

}  // namespace immucan::stats
