// Rank tests and multiple testing: hand-computed values, slow oracles, and R on the Liu cohort.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "core/random.h"
#include "reference_data.h"
#include "stats/distributions.h"
#include "stats/multiple_testing.h"
#include "stats/wilcoxon.h"

using namespace immucan;

namespace {

/// Two-sided exact p by enumerating every assignment.
double enumerated_p(const std::vector<double>& first, const std::vector<double>& second) {
  std::vector<double> all(first);
  all.insert(all.end(), second.begin(), second.end());
  std::vector<int> label(all.size(), 0);
  std::fill(label.end() - static_cast<std::ptrdiff_t>(first.size()), label.end(), 1);
  const auto count = [&](const auto& chosen) {
    double w = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) w += chosen(i) && !chosen(j) && all[i] > all[j] ? 1 : 0;
    }
    return w;
  };
  const double observed = count([&](std::size_t i) { return i < first.size(); });
  const double pairs = static_cast<double>(first.size() * second.size());
  const double extreme = std::min(observed, pairs - observed);
  double total = 0, lower = 0;
  do {
    total += 1;
    lower += count([&](std::size_t i) { return label[i] == 1; }) <= extreme ? 1 : 0;
  } while (std::next_permutation(label.begin(), label.end()));
  return std::min(1.0, 2 * lower / total);
}

}  // namespace

TEST_CASE("exact rank-sum p equals the enumeration of all assignments", "[wilcoxon]") {
  core::Random random(3);
  stats::RankSumDistribution distribution;
  for (int round = 0; round < 20; ++round) {
    std::vector<double> first(1 + random.below(5)), second(1 + random.below(5));
    for (double& v : first) v = random.normal() + 0.5;
    for (double& v : second) v = random.normal();
    const auto test = stats::rank_sum_test(first, second, distribution);
    CHECK(test.exact);
    CHECK(test.p == Approx(enumerated_p(first, second)).epsilon(1e-14));
  }
}

TEST_CASE("rank-sum test with ties uses the corrected normal approximation", "[wilcoxon]") {
  stats::RankSumDistribution distribution;
  const std::vector<double> x{1, 2, 2, 5}, y{2, 3, 7};
  // W: pairs with x > y count 1, equal 1/2: x=1 gives 0, each 2 gives 1/2, 5 gives 2 (over 2 and 3) = 3.
  // Ranks 1,3,3,3,5,6,7: one block of three, sum t^3-t = 24; sigma^2 = 12/12 (8 - 24/42).
  const double z = (3 - 6 + 0.5) / std::sqrt(8 - 24.0 / 42);
  const auto test = stats::rank_sum_test(x, y, distribution);
  CHECK(test.w == 3);
  CHECK_FALSE(test.exact);
  CHECK(test.p == Approx(std::erfc(-z / std::sqrt(2.0))).epsilon(1e-14));
  CHECK(std::isnan(stats::rank_sum_test(std::vector<double>{1, 1}, std::vector<double>{1}, distribution).p));
  CHECK(std::isnan(stats::rank_sum_test(std::vector<double>{}, std::vector<double>{1}, distribution).p));
}

TEST_CASE("van Elteren with one stratum is the rank-sum test without continuity correction", "[wilcoxon]") {
  const std::vector<double> values{1, 2, 2, 5, 2, 3, 7};
  const std::vector<std::uint8_t> group{1, 1, 1, 1, 0, 0, 0};
  const std::vector<std::uint32_t> one(7, 0);
  const double z = (3 - 6) / std::sqrt(8 - 24.0 / 42);
  CHECK(stats::van_elteren_test(values, group, one).statistic == Approx(z * z).epsilon(1e-13));
  // A stratum with one group only adds nothing.
  const std::vector<double> more{1, 2, 2, 5, 2, 3, 7, 100, 200};
  const std::vector<std::uint8_t> more_group{1, 1, 1, 1, 0, 0, 0, 1, 1};
  const std::vector<std::uint32_t> strata{0, 0, 0, 0, 0, 0, 0, 1, 1};
  CHECK(stats::van_elteren_test(more, more_group, strata).statistic == Approx(z * z).epsilon(1e-13));
  // Two equal strata: the same direction twice, so the statistic doubles.
  std::vector<double> twice(values);
  twice.insert(twice.end(), values.begin(), values.end());
  std::vector<std::uint8_t> twice_group(group);
  twice_group.insert(twice_group.end(), group.begin(), group.end());
  std::vector<std::uint32_t> twice_strata(7, 0);
  twice_strata.insert(twice_strata.end(), 7, 1);
  CHECK(stats::van_elteren_test(twice, twice_group, twice_strata).statistic == Approx(2 * z * z).epsilon(1e-13));
}

TEST_CASE("Kruskal-Wallis with two groups is the squared normal rank-sum statistic", "[wilcoxon]") {
  const std::vector<double> values{1, 2, 2, 5, 2, 3, 7};
  const std::vector<std::uint32_t> group{1, 1, 1, 1, 0, 0, 0};
  const auto test = stats::kruskal_wallis_test(values, group);
  CHECK(test.df == 1);
  CHECK(test.statistic == Approx(9 / (8 - 24.0 / 42)).epsilon(1e-13));
  CHECK(std::isnan(stats::kruskal_wallis_test(std::vector<double>{1, 1}, std::vector<std::uint32_t>{0, 1}).p));
}

TEST_CASE("chi-squared of a two by two table", "[tables]") {
  // (ad - bc)^2 n / (product of margins)
  const std::vector<double> counts{10, 20, 30, 5};
  const double expected = std::pow(10.0 * 5 - 20.0 * 30, 2) * 65 / (30.0 * 35 * 40 * 25);
  CHECK(stats::chi_squared_test(counts, 2, 2).statistic == Approx(expected).epsilon(1e-13));
  CHECK(std::isnan(stats::chi_squared_test(std::vector<double>{3, 0, 4, 0}, 2, 2).p));
}

TEST_CASE("adjusted p-values by definition", "[multiple]") {
  const double nan = std::nan("");
  const std::vector<double> p{0.04, nan, 0.001, 0.03, 0.5};
  const auto bh = stats::benjamini_hochberg(p);
  CHECK(std::isnan(bh[1]));
  CHECK(bh[2] == Approx(0.004).epsilon(1e-15));
  CHECK(bh[3] == Approx(0.04 * 4 / 3).epsilon(1e-15));  // 0.03 * 4/2 = 0.06 > 0.04 * 4/3
  CHECK(bh[0] == Approx(0.04 * 4 / 3).epsilon(1e-15));
  CHECK(bh[4] == 0.5);
  const auto holm = stats::holm(p);
  CHECK(holm[2] == Approx(0.004).epsilon(1e-15));
  CHECK(holm[3] == Approx(0.09).epsilon(1e-15));
  CHECK(holm[0] == Approx(0.09).epsilon(1e-15));
  const auto by = stats::benjamini_yekutieli(p);
  CHECK(by[2] == Approx(0.004 * (1 + 0.5 + 1.0 / 3 + 0.25)).epsilon(1e-15));
}

TEST_CASE("Wilcoxon and adjustments agree with R on Liu", "[real]") {
  const auto expression = test::reference("cohorts/Liu.expr.tsv.gz");
  const auto clinical = test::reference("cohorts/Liu.clinical.tsv");
  const auto expected = test::reference("reference_Liu/wilcoxon_gene.tsv.gz");
  if (!expression || !clinical || !expected) return;
  std::map<std::string, std::string> response;
  for (const auto& row : clinical->rows) response[row[0]] = row[clinical->require("response")];
  std::map<std::string, std::size_t> row_of;
  for (std::size_t row = 0; row < expression->rows.size(); ++row) row_of[expression->rows[row][0]] = row;
  stats::RankSumDistribution distribution;
  std::vector<double> p;
  double worst_w = 0, worst_p = 0;
  for (std::size_t i = 0; i < expected->rows.size(); ++i) {
    const std::size_t row = row_of.at(expected->rows[i][0]);
    std::vector<double> yes, no;
    for (std::size_t column = 1; column < expression->header.size(); ++column) {
      const std::string& label = response.at(expression->header[column]);
      if (label == "R") yes.push_back(*expression->number(row, column));
      if (label == "NR") no.push_back(*expression->number(row, column));
    }
    const auto test = stats::rank_sum_test(yes, no, distribution);
    p.push_back(test.p);
    worst_w = std::max(worst_w, std::fabs(test.w - test::number(*expected, i, "W")));
    worst_p = std::max(worst_p, std::fabs(test.p - test::number(*expected, i, "p")));
  }
  CHECK(worst_w == 0);
  CHECK(worst_p <= 1e-12);
  const auto check_adjusted = [&](const std::vector<double>& adjusted, const std::string& column) {
    double worst = 0;
    for (std::size_t i = 0; i < adjusted.size(); ++i) {
      worst = std::max(worst, std::fabs(adjusted[i] - test::number(*expected, i, column)));
    }
    INFO(column);
    CHECK(worst <= 1e-12);
  };
  check_adjusted(stats::benjamini_hochberg(p), "BH");
  check_adjusted(stats::benjamini_yekutieli(p), "BY");
  check_adjusted(stats::holm(p), "holm");
}
