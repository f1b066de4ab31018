#include "stats/residual_score.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

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
