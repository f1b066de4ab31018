#include "stats/logistic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "core/random.h"
#include "reference_data.h"

using namespace immucan;

TEST_CASE("a binary covariate gives the log odds ratio of its table", "[logistic]") {
  // exposed: 12 of 20 respond; others: 5 of 25
  std::vector<double> x;
  std::vector<std::uint8_t> y;
  const auto add = [&](double exposure, int yes, int no) {
    for (int i = 0; i < yes + no; ++i) {
      x.push_back(exposure);
      y.push_back(i < yes ? 1 : 0);
    }
  };
  add(1, 12, 8);
  add(0, 5, 20);
  const auto fit = stats::fit_logistic(x, 1, y);
  CHECK(fit.converged);
  CHECK_FALSE(fit.separated);
  CHECK(fit.coefficients[1] == Approx(std::log(12.0 * 20 / (8.0 * 5))).epsilon(1e-12));
  CHECK(fit.coefficients[0] == Approx(std::log(5.0 / 20)).epsilon(1e-12));
  CHECK(fit.covariance[3] == Approx(1.0 / 12 + 1.0 / 8 + 1.0 / 5 + 1.0 / 20).epsilon(1e-11));
  // Likelihood ratio against the margin: 2 sum O log(O/E).
  const auto test = stats::logistic_test(x, 1, y, 0);
  const double g = 2 * (12 * std::log(12 / (20 * 17.0 / 45)) + 8 * std::log(8 / (20 * 28.0 / 45)) +
                        5 * std::log(5 / (25 * 17.0 / 45)) + 20 * std::log(20 / (25 * 28.0 / 45)));
  CHECK(test.statistic == Approx(g).epsilon(1e-10));
}

TEST_CASE("Firth's fit of a saturated table adds one half to each cell", "[logistic]") {
  // With a binary covariate Jeffreys' prior is exactly the Haldane correction, also when a cell is empty.
  std::vector<double> x;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 9; ++i) {
    x.push_back(1);
    y.push_back(1);
  }
  for (int i = 0; i < 11; ++i) {
    x.push_back(0);
    y.push_back(i < 3 ? 1 : 0);
  }
  const auto fit = stats::fit_logistic(x, 1, y);
  CHECK(fit.separated);
  CHECK(fit.firth);
  CHECK(fit.coefficients[1] == Approx(std::log(9.5 / 0.5 * 8.5 / 3.5)).epsilon(1e-8));
  const auto test = stats::logistic_test(x, 1, y, 0);
  CHECK(test.fit.firth);
  CHECK(test.p > 0);
  CHECK(test.p < 0.01);
}

TEST_CASE("complete separation is found, overlap is not mistaken for it", "[logistic]") {
  std::vector<double> x;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 20; ++i) {
    x.push_back(i);
    y.push_back(i >= 10 ? 1 : 0);
  }
  const auto separated = stats::fit_logistic(x, 1, y);
  CHECK(separated.separated);
  CHECK(std::isfinite(separated.coefficients[1]));
  y[9] = 1;
  y[11] = 0;
  CHECK_FALSE(stats::fit_logistic(x, 1, y).separated);
}

TEST_CASE("the fit does not depend on units, and a constant column is singular", "[logistic]") {
  core::Random random(5);
  std::vector<double> x, scaled, constant;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 60; ++i) {
    const double v = random.normal();
    x.push_back(v);
    scaled.push_back(1e6 * v + 3e6);
    constant.push_back(4);
    y.push_back(random.bernoulli(1 / (1 + std::exp(-v))) ? 1 : 0);
  }
  const auto a = stats::fit_logistic(x, 1, y), b = stats::fit_logistic(scaled, 1, y);
  CHECK(b.coefficients[1] * 1e6 == Approx(a.coefficients[1]).epsilon(1e-9));
  CHECK(stats::fit_logistic(constant, 1, y).singular);
  CHECK(std::isnan(stats::logistic_test(constant, 1, y, 0).p));
}

TEST_CASE("logistic coefficients agree with R's glm on Liu", "[real]") {
  const auto scores = test::reference("reference_Liu/ssgsea_norm.tsv.gz");
  const auto clinical = test::reference("cohorts/Liu.clinical.tsv");
  const auto expected = test::reference("reference_Liu/logistic_univ_scaled_ssgsea.tsv");
  if (!scores || !clinical || !expected) return;
  std::map<std::string, std::string> response;
  for (const auto& row : clinical->rows) response[row[0]] = row[clinical->require("response")];
  std::map<std::string, std::size_t> row_of;
  for (std::size_t row = 0; row < scores->rows.size(); ++row) row_of[scores->rows[row][0]] = row;
  double worst = 0, worst_se = 0;
  for (std::size_t i = 0; i < expected->rows.size(); ++i) {
    const std::size_t row = row_of.at(expected->rows[i][0]);
    std::vector<double> x;
    std::vector<std::uint8_t> y;
    for (std::size_t column = 1; column < scores->header.size(); ++column) {
      const std::string& label = response.at(scores->header[column]);
      if (label != "R" && label != "NR") continue;
      x.push_back(*scores->number(row, column));
      y.push_back(label == "R" ? 1 : 0);
    }
    double mean = 0, square = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) square += (v - mean) * (v - mean);
    const double deviation = std::sqrt(square / static_cast<double>(x.size() - 1));
    for (double& v : x) v = (v - mean) / deviation;
    const auto fit = stats::fit_logistic(x, 1, y);
    worst = std::max(worst, std::fabs(fit.coefficients[1] - test::number(*expected, i, "est")));
    worst_se = std::max(worst_se, std::fabs(std::sqrt(fit.covariance[3]) / test::number(*expected, i, "se") - 1));
  }
  CHECK(worst <= 1e-7);
  // glm stops at a relative change of the deviance of 1e-8 and reports the weights of the step before.
  CHECK(worst_se <= 2e-4);
}

TEST_CASE("a robust covariance does not mind that every row stands twice", "[logistic]") {
  core::Random random(8);
  std::vector<double> design, twice;
  std::vector<std::uint8_t> outcome, outcome_twice;
  std::vector<std::uint32_t> cluster, cluster_twice;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const double x = random.normal();
    const std::uint8_t y = random.bernoulli(1 / (1 + std::exp(-x)));
    design.push_back(x);
    outcome.push_back(y);
    cluster.push_back(i);
    twice.insert(twice.end(), {x, x});
    outcome_twice.insert(outcome_twice.end(), {y, y});
    cluster_twice.insert(cluster_twice.end(), {i, i});
  }
  const auto fit = stats::fit_logistic(design, 1, outcome), doubled = stats::fit_logistic(twice, 1, outcome_twice);
  const auto robust = stats::logistic_robust_covariance(design, 1, outcome, fit, cluster);
  const auto robust_twice = stats::logistic_robust_covariance(twice, 1, outcome_twice, doubled, cluster_twice);
  for (std::size_t i = 0; i < 4; ++i) CHECK(robust_twice[i] == Approx(robust[i]).epsilon(1e-8));
  CHECK(doubled.covariance[3] == Approx(fit.covariance[3] / 2).epsilon(1e-8));
}
