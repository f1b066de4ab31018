#include "stats/roc.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "core/random.h"
#include "reference_data.h"

using namespace immucan;

namespace {

double kernel(double x, double y) {
  return x > y ? 1 : x == y ? 0.5 : 0;
}

/// DeLong's variance by its definition, O(m n).
std::pair<double, double> slow_delong(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> v10, v01;
  double auc = 0;
  for (const double a : x) {
    double sum = 0;
    for (const double b : y) sum += kernel(a, b);
    v10.push_back(sum / static_cast<double>(y.size()));
    auc += v10.back() / static_cast<double>(x.size());
  }
  for (const double b : y) {
    double sum = 0;
    for (const double a : x) sum += kernel(a, b);
    v01.push_back(sum / static_cast<double>(x.size()));
  }
  double s10 = 0, s01 = 0;
  for (const double v : v10) s10 += (v - auc) * (v - auc);
  for (const double v : v01) s01 += (v - auc) * (v - auc);
  const auto m = static_cast<double>(x.size()), n = static_cast<double>(y.size());
  return {auc, s10 / (m - 1) / m + s01 / (n - 1) / n};
}

struct Groups {
  std::vector<double> yes, no;
};

std::map<std::string, Groups> liu_groups(const io::Table& scores, const io::Table& clinical) {
  std::map<std::string, std::string> response;
  for (const auto& row : clinical.rows) response[row[0]] = row[clinical.require("response")];
  std::map<std::string, Groups> result;
  for (std::size_t row = 0; row < scores.rows.size(); ++row) {
    Groups& groups = result[scores.rows[row][0]];
    for (std::size_t column = 1; column < scores.header.size(); ++column) {
      const std::string& label = response.at(scores.header[column]);
      if (label == "R") groups.yes.push_back(*scores.number(row, column));
      if (label == "NR") groups.no.push_back(*scores.number(row, column));
    }
  }
  return result;
}

}  // namespace

TEST_CASE("AUC and DeLong's variance equal their definition", "[roc]") {
  core::Random random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> x(2 + random.below(20)), y(2 + random.below(20));
    const bool ties = round % 2 == 0;
    for (double& v : x) v = ties ? static_cast<double>(random.below(6)) : random.normal();
    for (double& v : y) v = ties ? static_cast<double>(random.below(5)) : random.normal();
    const auto [auc, variance] = slow_delong(x, y);
    const auto fast = stats::auc_delong(x, y);
    CHECK(fast.auc == Approx(auc).epsilon(1e-14));
    CHECK(fast.variance == Approx(variance).epsilon(1e-12).margin(1e-15));
  }
  CHECK(stats::auc_delong(std::vector<double>{2, 3}, std::vector<double>{0, 1}).auc == 1);
  CHECK(std::isnan(stats::auc_delong(std::vector<double>{}, std::vector<double>{0}).auc));
  CHECK(std::isnan(stats::auc_delong(std::vector<double>{1}, std::vector<double>{0, 2}).lower));
}

TEST_CASE("the curve's area is the AUC", "[roc]") {
  const std::vector<double> x{1, 2, 2, 5}, y{2, 3, 7, 0};
  const auto curve = stats::roc_curve(x, y);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  }
  CHECK(area == Approx(stats::auc_delong(x, y).auc).epsilon(1e-14));
  CHECK(curve.back().true_positive_rate == 1);
}

TEST_CASE("AUC and DeLong agree with pROC on Liu", "[real]") {
  const auto scores = test::reference("reference_Liu/ssgsea_norm.tsv.gz");
  const auto clinical = test::reference("cohorts/Liu.clinical.tsv");
  const auto expected = test::reference("reference_Liu/auc_delong_fisher_ssgsea.tsv");
  const auto paired = test::reference("reference_Liu/delong_paired.tsv");
  if (!scores || !clinical || !expected || !paired) return;
  const auto groups = liu_groups(*scores, *clinical);
  double worst_auc = 0, worst_variance = 0, worst_bound = 0;
  for (std::size_t i = 0; i < expected->rows.size(); ++i) {
    const Groups& group = groups.at(expected->rows[i][0]);
    const auto auc = stats::auc_delong(group.yes, group.no);
    // The reference carries the rounding of a mean; the count of pairs behind both is an integer.
    const double pairs = 2.0 * static_cast<double>(group.yes.size() * group.no.size());
    CHECK(std::round(auc.auc * pairs) == std::round(test::number(*expected, i, "auc") * pairs));
    worst_auc = std::max(worst_auc, std::fabs(auc.auc - test::number(*expected, i, "auc")));
    worst_variance = std::max(worst_variance, std::fabs(auc.variance - test::number(*expected, i, "var_delong")));
    worst_bound = std::max(worst_bound, std::fabs(auc.lower - test::number(*expected, i, "ci_lo")));
    worst_bound = std::max(worst_bound, std::fabs(auc.upper - test::number(*expected, i, "ci_hi")));
  }
  CHECK(worst_auc <= 2.3e-16);
  CHECK(worst_variance <= 1e-15);
  CHECK(worst_bound <= 1e-12);
  const Groups &a = groups.at(paired->rows[0][0]), &b = groups.at(paired->rows[0][1]);
  const auto difference = stats::auc_paired_delong(a.yes, a.no, b.yes, b.no);
  CHECK(std::fabs(difference.z - test::number(*paired, 0, "z")) <= 1e-12);
  CHECK(std::fabs(difference.p - test::number(*paired, 0, "p")) <= 1e-12);
}
