#include "stats/residual_score.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "core/random.h"
#include "reference_data.h"
#include "stats/cox.h"
#include "stats/logistic.h"

using namespace immucan;

TEST_CASE("residual score: its variance is that of all permutations", "[residual-score]") {
  const std::vector<double> column{0, 0, 1, 2, 9, 30};
  std::vector<double> residuals{-1.4, -0.3, 0.2, 0.5, 0.4, 0.6};
  std::ranges::sort(residuals);
  const auto score = [&] { return std::inner_product(column.begin(), column.end(), residuals.begin(), 0.0); };
  double squares = 0, count = 0;
  do {
    squares += score() * score();
    ++count;
  } while (std::ranges::next_permutation(residuals).found);
  REQUIRE(count == 720);
  const auto test = stats::residual_score_test(column, {}, 0, residuals);
  const double standardised = score() * score() / (squares / count);  // = t² (df + 1) / (t² + df)
  CHECK(test.df == 4);
  CHECK(test.statistic * test.statistic * 5 / (test.statistic * test.statistic + 4) ==
        Approx(standardised).epsilon(1e-12));
  CHECK(test.p > 0);
  CHECK(test.p < 1);
  // Units of the column and of the residuals do not matter, a column that others hold cannot be tested.
  std::vector<double> other = column;
  for (double& value : other) value = 1e6 * value + 3;
  CHECK(stats::residual_score_test(other, {}, 0, residuals).p == Approx(test.p).epsilon(1e-9));
  CHECK(std::isnan(stats::residual_score_test(column, other, 1, residuals).p));
}

TEST_CASE("martingale and logistic residuals are orthogonal to what was fitted", "[residual-score]") {
  const auto lung = test::reference("survival_r/lung.tsv");
  if (!lung) return;
  stats::SurvivalRows rows;
  std::vector<double> design, age;
  for (std::size_t i = 0; i < lung->rows.size(); ++i) {
    rows.time.push_back(test::number(*lung, i, "time"));
    rows.event.push_back(test::number(*lung, i, "status") == 2);
    rows.stratum.push_back(test::number(*lung, i, "sex") == 2);
    rows.start.push_back(i % 3 == 0 ? 4.0 : 0.0);
    age.push_back(test::number(*lung, i, "age"));
    design.insert(design.end(), {age.back(), static_cast<double>(i % 7)});
  }
  for (const stats::Ties ties : {stats::Ties::kEfron, stats::Ties::kBreslow}) {
    const stats::CoxModel model(rows);
    const stats::CoxOptions options{.ties = ties};
    const auto fit = model.fit(design, 2, options);
    const auto residuals = model.martingale_residuals(design, 2, fit.coefficients, options);
    double sums[2] = {0, 0}, product = 0;
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      sums[rows.stratum[i]] += residuals[i];
      product += residuals[i] * age[i];
    }
    CHECK(std::fabs(sums[0]) < 1e-9);
    CHECK(std::fabs(sums[1]) < 1e-9);
    CHECK(std::fabs(product) < 1e-4);
  }
  const auto fit = stats::fit_logistic(age, 1, rows.event);
  const auto residuals = stats::logistic_residuals(age, 1, rows.event, fit);
  CHECK(std::fabs(std::accumulate(residuals.begin(), residuals.end(), 0.0)) < 1e-8);
  CHECK(std::fabs(std::inner_product(residuals.begin(), residuals.end(), age.begin(), 0.0)) < 1e-6);
}

TEST_CASE("few rows: p is that of all permutations, whatever the order of the rows and the sign", "[residual_score]") {
  core::Random random(4);
  for (int round = 0; round < 6; ++round) {
    std::vector<double> column(8), residuals(8), other(8);
    for (std::size_t i = 0; i < 8; ++i) {
      column[i] = i < 4 ? 0.0 : std::exp(random.normal());
      residuals[i] = random.normal() + 0.3 * round * column[i];
      other[i] = random.normal();
    }
    const double mean = std::accumulate(residuals.begin(), residuals.end(), 0.0) / 8;
    for (double& value : residuals) value -= mean;
    std::vector<double> order(column);
    const auto size = [&] { return std::fabs(std::inner_product(order.begin(), order.end(), residuals.begin(), 0.0)); };
    const double observed = size() * (1 - 1e-12);
    double as_far = 0, count = 0;
    std::ranges::sort(order);
    do {
      as_far += size() >= observed ? 1 : 0;
      ++count;
    } while (std::ranges::next_permutation(order).found);
    REQUIRE(count == 8 * 7 * 6 * 5);  // the four zeros are alike
    const double p = stats::residual_score_test(column, {}, 0, residuals).p;
    CHECK(std::fabs(p - as_far / count) < 4 * std::sqrt(p * (1 - p) / 300) + 2e-3);

    const double adjusted = stats::residual_score_test(column, other, 1, residuals).p;
    std::vector<double> turned, residuals_turned, other_turned;
    for (const std::size_t i : {3U, 7U, 0U, 5U, 1U, 6U, 2U, 4U}) {
      turned.push_back(-column[i]);
      residuals_turned.push_back(residuals[i]);
      other_turned.push_back(other[i]);
    }
    CHECK(stats::residual_score_test(turned, {}, 0, residuals_turned).p == Approx(p).epsilon(1e-9));
    CHECK(stats::residual_score_test(turned, other_turned, 1, residuals_turned).p == Approx(adjusted).epsilon(1e-9));
  }
}

TEST_CASE("few rows: p goes on beyond the draws, down to one over the arrangements", "[residual_score]") {
  std::vector<double> column(40), residuals(40), two(40);
  for (std::size_t i = 0; i < 40; ++i) {
    column[i] = static_cast<double>(i) - 19.5;
    residuals[i] = column[i] + 3 * std::sin(7.0 * static_cast<double>(i));
    two[i] = i < 2 ? 1 : 0;
  }
  const double far = stats::residual_score_test(column, {}, 0, residuals).p;
  CHECK(far < 1e-9);
  CHECK(far > 0);
  CHECK(stats::residual_score_test(two, {}, 0, residuals).p >= 1.0 / 780);
}

TEST_CASE("the timed score of a Cox model is the test of proportional hazards", "[residual_score]") {
  core::Random random(6);
  stats::SurvivalRows rows;
  std::vector<double> design;
  for (std::size_t i = 0; i < 90; ++i) {
    rows.time.push_back(std::ceil(20 * random.exponential(1)) + 1);
    rows.start.push_back(random.bernoulli(0.3) ? 1.0 : 0.0);
    rows.event.push_back(random.bernoulli(0.7));
    rows.stratum.push_back(i % 2);
    design.push_back(5 + 2 * random.normal());
  }
  const stats::CoxModel model(rows);
  const auto fit = model.fit(design, 1);
  const std::size_t first[1] = {0};
  const auto score = model.timed_score(design, 1, first, fit.coefficients);
  const auto test = model.proportional_hazards_test(design, 1, fit, first);
  CHECK(score.score[0] * score.score[0] / score.variance[0] == Approx(test[0].statistic).epsilon(1e-8));
  const auto timed = model.timed_residuals(design, 1, fit.coefficients);
  CHECK(std::inner_product(timed.begin(), timed.end(), design.begin(), 0.0) == Approx(score.score[0]).epsilon(1e-6));
}

TEST_CASE("clusters of one row are rows; several samples of a patient count as one", "[residual_score]") {
  core::Random random(5);
  std::vector<double> column(30), residual(30), columns_twice, residuals_twice;
  std::vector<std::uint32_t> cluster(30), clusters_twice;
  for (std::size_t i = 0; i < 30; ++i) {
    column[i] = random.normal();
    residual[i] = random.normal() + 0.5 * column[i];
    cluster[i] = static_cast<std::uint32_t>(i);
    columns_twice.insert(columns_twice.end(), {column[i], column[i]});
    residuals_twice.insert(residuals_twice.end(), {residual[i], residual[i]});
    clusters_twice.insert(clusters_twice.end(), {cluster[i], cluster[i]});
  }
  const auto rows = stats::residual_score_test(column, {}, 0, residual);
  CHECK(stats::cluster_score_test(column, {}, 0, residual, cluster).p == Approx(rows.p).epsilon(1e-12));
  CHECK(stats::cluster_score_test(columns_twice, {}, 0, residuals_twice, clusters_twice).p ==
        Approx(rows.p).epsilon(1e-12));
  // As rows, the copies would pass for twice as many patients.
  CHECK(stats::residual_score_test(columns_twice, {}, 0, residuals_twice).p < rows.p / 2);
}

TEST_CASE("the four-moment p is twice the smaller tail of permutations for skewed columns", "[residual_score]") {
  core::Random random(12);
  for (int round = 0; round < 8; ++round) {
    std::vector<double> column(100), residual(100);
    for (std::size_t i = 0; i < 100; ++i) {
      column[i] = std::exp(0.8 * random.normal());
      residual[i] = std::exp(0.5 * random.normal()) + 0.04 * round * column[i];
    }
    const double p = stats::residual_score_test(column, {}, 0, residual).p;
    const double observed = std::inner_product(column.begin(), column.end(), residual.begin(), 0.0);
    constexpr int kDraws = 20000;
    double above = 0;
    std::vector<double> shuffled(residual);
    for (int draw = 0; draw < kDraws; ++draw) {
      random.shuffle(std::span(shuffled));
      above += std::inner_product(column.begin(), column.end(), shuffled.begin(), 0.0) >= observed ? 1.0 / kDraws : 0;
    }
    const double permuted = 2 * std::min(above, 1 - above);
    INFO(p << " " << permuted);
    CHECK(p == Approx(permuted).margin(0.02).epsilon(0.05));
  }
}

TEST_CASE("permutation p of one order is 1, of a perfect order the least", "[residual_score]") {
  std::vector<double> column(12), constant(12, 1.0);
  std::iota(column.begin(), column.end(), 0.0);
  CHECK(stats::permutation_score_p(column, 1, {}, 0, column, {}, 999, core::Random(1, 0)) <= 0.002);
  CHECK(std::isnan(stats::permutation_score_p(constant, 1, {}, 0, column, {}, 99, core::Random(1, 0))));
  const double once = stats::permutation_score_p(column, 1, {}, 0, column, {}, 99, core::Random(7, 0));
  CHECK(once == stats::permutation_score_p(column, 1, {}, 0, column, {}, 99, core::Random(7, 0)));
}
