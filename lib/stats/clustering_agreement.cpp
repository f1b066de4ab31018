#include "stats/clustering_agreement.h"

#include <algorithm>
#include <vector>

namespace immucan::stats {

double adjusted_rand_index(std::span<const std::size_t> first, std::span<const std::size_t> second) {
  if (first.empty()) return 1;
  const std::size_t rows = 1 + *std::ranges::max_element(first), columns = 1 + *std::ranges::max_element(second);
  std::vector<double> both(rows * columns), in_first(rows), in_second(columns);
  for (std::size_t i = 0; i < first.size(); ++i) {
    ++both[first[i] * columns + second[i]];
    ++in_first[first[i]];
    ++in_second[second[i]];
  }
  const auto pairs = [](double n) { return n * (n - 1) / 2; };
  const auto sum_of_pairs = [&](const std::vector<double>& counts) {
    double sum = 0;
    for (const double n : counts) sum += pairs(n);
    return sum;
  };
  const double same = sum_of_pairs(both), a = sum_of_pairs(in_first), b = sum_of_pairs(in_second);
  const double chance = a * b / pairs(static_cast<double>(first.size()));
  const double most = (a + b) / 2;
  return most == chance ? 1 : (same - chance) / (most - chance);
}

}  // namespace immucan::stats
