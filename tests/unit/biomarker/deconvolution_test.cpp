#include "biomarker/deconvolution.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>
#include <map>

#include "biomarker_helpers.h"
#include "core/random.h"
#include "io/tsv.h"
#include "stats/constrained_ls.h"
#include "stats/nu_svr.h"

using namespace immucan;

namespace {

/// The best of all supports: the oracle for up to a dozen variables. Equality-bound supports are solved with a border.
double objective(const std::vector<double>& gram, const std::vector<double>& c, const std::vector<double>& x) {
  double value = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    value -= c[i] * x[i];
    for (std::size_t j = 0; j < x.size(); ++j) value += x[i] * gram[i * x.size() + j] * x[j] / 2;
  }
  return value;
}

/// Largest violation of the conditions of Karush, Kuhn and Tucker; `multiplier` of the sum is read off the support.
double kkt_violation(const std::vector<double>& gram, const std::vector<double>& c, const std::vector<double>& x,
                     double lower, double upper) {
  const std::size_t n = x.size();
  double sum = 0, worst = 0, multiplier = 0, support = 0;
  std::vector<double> gradient(n);
  for (std::size_t i = 0; i < n; ++i) {
    sum += x[i];
    worst = std::max(worst, -x[i]);
    gradient[i] = c[i];
    for (std::size_t j = 0; j < n; ++j) gradient[i] -= gram[i * n + j] * x[j];
    if (x[i] > 0) {
      multiplier += gradient[i];
      support += 1;
    }
  }
  worst = std::max({worst, sum - upper, lower - sum});
  multiplier = support > 0 ? multiplier / support : 0;
  const bool at_upper = sum > upper - 1e-9, at_lower = sum < lower + 1e-9;
  if (!at_upper) worst = std::max(worst, multiplier);
  if (!at_lower) worst = std::max(worst, -multiplier);
  for (std::size_t i = 0; i < n; ++i) {
    worst = std::max(worst, x[i] > 0 ? std::fabs(gradient[i] - multiplier) : gradient[i] - multiplier);
  }
  return worst;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / static_cast<double>(a.size());
    mb += b[i] / static_cast<double>(a.size());
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("constrained least squares: optimal by its conditions, in every regime", "[deconvolution]") {
  core::Random random(9);
  int at_upper = 0, at_lower = 0, inside = 0;
  for (int round = 0; round < 400; ++round) {
    const std::size_t n = 1 + random.below(11), m = n + 5 + random.below(20);
    std::vector<double> a(m * n), b(m), gram(n * n, 0.0), c(n, 0.0);
    for (double& v : a) v = std::fabs(random.normal());
    const double size = round % 4 == 0 ? 0.2 : round % 4 == 1 ? 4 : 1;
    for (double& v : b) v = size * random.normal() + (round % 3 == 0 ? 0 : size);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < m; ++k) c[i] += a[k * n + i] * b[k];
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < m; ++k) gram[i * n + j] += a[k * n + i] * a[k * n + j];
      }
    }
    const double lower = round % 5 == 0 ? 0.99 : 0;
    const auto x = stats::bounded_sum_least_squares(gram, c, lower, 1);
    REQUIRE(x.size() == n);
    CHECK(kkt_violation(gram, c, x, lower, 1) <= 1e-9);
    double sum = 0;
    for (const double v : x) sum += v;
    (sum > 1 - 1e-9 ? at_upper : lower > 0 && sum < lower + 1e-9 ? at_lower : inside) += 1;
    // No feasible point nearby is better.
    for (int trial = 0; trial < 5; ++trial) {
      std::vector<double> y(n);
      double total = 0;
      for (double& v : y) total += v = random.uniform();
      for (double& v : y) v /= total;
      CHECK(objective(gram, c, x) <= objective(gram, c, y) + 1e-12);
    }
  }
  CHECK(at_upper > 20);
  CHECK(at_lower > 5);
  CHECK(inside > 20);
}

TEST_CASE("quanTIseq on the melanoma samples of Racle: the quadratic-programming reference", "[real]") {
  const auto expression = test::shared_file("deconv/racle_tpm.tsv.gz");
  const auto expected_path = test::shared_file("deconv/reference_quantiseq_quadprog.tsv");
  const auto truth_path = test::shared_file("deconv/racle_facs_truth.tsv");
  if (!expression || !expected_path || !truth_path) return;
  auto matrix = io::read_matrix_table(*expression, test::context());
  biomarker::to_million(matrix, true);
  const auto table = biomarker::quantiseq_fractions(matrix, {}, test::context().log, 1, nullptr);
  const auto expected = io::read_table(*expected_path, test::context());
  double worst = 0;
  for (std::size_t row = 0; row < expected.rows.size(); ++row) {
    REQUIRE(expected.rows[row][0] == table.samples[row]);
    for (std::size_t column = 1; column < expected.header.size(); ++column) {
      const auto set = std::ranges::find(table.sets, expected.header[column]);
      REQUIRE(set != table.sets.end());
      worst = std::max(worst, std::fabs(*expected.number(row, column) -
                                        table.at(static_cast<std::size_t>(set - table.sets.begin()), row)));
    }
  }
  std::cout << "quanTIseq: largest difference " << worst << "\n";
  CHECK(worst <= 1e-6);
  const std::map<std::string, std::vector<std::string>> cells{{"B cell", {"B.cells"}},
                                                              {"T cell CD4+", {"T.cells.CD4", "Tregs"}},
                                                              {"T cell CD8+", {"T.cells.CD8"}},
                                                              {"NK cell", {"NK.cells"}}};
  const auto truth = io::read_table(*truth_path, test::context());
  std::vector<double> measured, estimated;
  for (std::size_t row = 0; row < truth.rows.size(); ++row) {
    const auto sample =
        static_cast<std::size_t>(std::ranges::find(table.samples, truth.rows[row][0]) - table.samples.begin());
    double value = 0;
    for (const std::string& name : cells.at(truth.rows[row][1])) {
      value += table.at(static_cast<std::size_t>(std::ranges::find(table.sets, name) - table.sets.begin()), sample);
    }
    measured.push_back(*truth.number(row, 2));
    estimated.push_back(value);
  }
  std::cout << "quanTIseq: correlation with FACS " << correlation(measured, estimated) << "\n";
  CHECK(correlation(measured, estimated) > 0.7);
}

TEST_CASE("EPIC's model finds planted fractions", "[deconvolution]") {
  core::Random random(21);
  biomarker::EpicOptions options;
  options.profiles.name = "p.tsv";
  options.profiles.types = {"B", "T", "M"};
  for (int i = 0; i < 40; ++i) options.profiles.genes.push_back("G" + std::to_string(i));
  for (int i = 0; i < 120; ++i) options.profiles.values.push_back(random.lognormal(2, 1));
  double total[3] = {0, 0, 0};
  for (std::size_t g = 0; g < 40; ++g) {
    for (std::size_t t = 0; t < 3; ++t) total[t] += options.profiles.at(g, t);
  }
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  matrix.column_names = {"S"};
  const double share[3] = {0.2, 0.5, 0.3};
  for (std::size_t g = 0; g < 40; ++g) {
    double value = 0;
    for (std::size_t t = 0; t < 3; ++t) value += share[t] * options.profiles.at(g, t) / total[t];
    matrix.add_row(options.profiles.genes[g])[0] = 1e6 * value;
  }
  options.mrna = {{"B", 2.0}, {"T", 1.0}, {"M", 4.0}};
  options.other_cells = false;
  const auto table = biomarker::epic_fractions(matrix, options, 1, nullptr);
  const double sum = 0.1 + 0.5 + 0.075;
  CHECK(table.at(0, 0) == Approx(0.1 / sum).epsilon(1e-9));
  CHECK(table.at(1, 0) == Approx(0.5 / sum).epsilon(1e-9));
  CHECK(table.at(2, 0) == Approx(0.075 / sum).epsilon(1e-9));
}

TEST_CASE("nu-SVR: its objective meets the bound of its dual", "[deconvolution]") {
  core::Random random(77);
  for (int round = 0; round < 21; ++round) {
    // The last has more points than the solver keeps products of.
    const std::size_t points = round == 20 ? 2100 : 30 + random.below(60), features = 1 + random.below(6);
    std::vector<double> x(points * features), y(points);
    for (double& v : x) v = random.normal();
    for (std::size_t i = 0; i < points; ++i) {
      y[i] = 0.5 * random.normal() + 0.3;
      for (std::size_t k = 0; k < features; ++k) y[i] += 0.4 * x[i * features + k];
    }
    const double nu = round % 3 == 0 ? 0.25 : round % 3 == 1 ? 0.5 : 0.75;
    const auto svr = stats::nu_svr(x, y, {.nu = nu});
    double objective = nu * static_cast<double>(points) * svr.epsilon;
    for (const double w : svr.w) objective += w * w / 2;
    for (std::size_t i = 0; i < points; ++i) {
      double residual = y[i] - svr.b;
      for (std::size_t k = 0; k < features; ++k) residual -= svr.w[k] * x[i * features + k];
      objective += std::max(0.0, std::fabs(residual) - svr.epsilon);
    }
    // Equal to the bound only at the optimum.
    CHECK(objective == Approx(svr.dual_bound).epsilon(1e-4));
  }
}

TEST_CASE("support-vector fractions find what was mixed", "[deconvolution]") {
  core::Random random(78);
  biomarker::SignatureMatrix signature{"s.tsv", {}, {"B", "T", "M"}, {}};
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  matrix.column_names = {"S"};
  for (int i = 0; i < 150; ++i) {
    signature.genes.push_back("G" + std::to_string(i));
    double value = 0;
    const double share[3] = {0.2, 0.5, 0.3};
    for (int t = 0; t < 3; ++t) {
      signature.values.push_back(random.lognormal(3, 1));
      value += share[t] * signature.values.back();
    }
    matrix.add_row(signature.genes.back())[0] = value;
  }
  const auto table = biomarker::cibersort_fractions(matrix, signature, {}, 1, nullptr);
  CHECK(table.at(0, 0) == Approx(0.2).margin(0.05));
  CHECK(table.at(1, 0) == Approx(0.5).margin(0.05));
  CHECK(table.at(2, 0) == Approx(0.3).margin(0.05));
  CHECK(table.at(3, 0) > 0.95);
  signature.genes.assign(150, "other");
  test::expect_error([&] { (void)biomarker::cibersort_fractions(matrix, signature, {}, 1, nullptr); },
                     core::Status::kBadInput, {"e.tsv", "0 of 150 genes of s.tsv"});
}

namespace {

/// Genes × samples of one distribution, and a matrix of the first genes that has nothing to do with them.
io::MatrixTable noise(std::size_t genes, std::size_t samples, core::Random& random) {
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  for (std::size_t i = 0; i < samples; ++i) matrix.column_names.push_back("S" + std::to_string(i));
  for (std::size_t gene = 0; gene < genes; ++gene) {
    for (double& v : matrix.add_row("G" + std::to_string(gene))) v = random.lognormal(2, 1.5);
  }
  return matrix;
}

biomarker::SignatureMatrix random_signature(std::size_t genes, std::size_t types, core::Random& random) {
  biomarker::SignatureMatrix signature{"s.tsv", {}, {}, {}};
  for (std::size_t i = 0; i < types; ++i) signature.types.push_back("T" + std::to_string(i));
  for (std::size_t gene = 0; gene < genes; ++gene) signature.genes.push_back("G" + std::to_string(gene));
  for (std::size_t i = 0; i < genes * types; ++i) signature.values.push_back(random.lognormal(2, 1.5));
  return signature;
}

}  // namespace

TEST_CASE("support-vector fractions: p by permutation, of a real mixture and for any company", "[deconvolution]") {
  core::Random random(81);
  auto matrix = noise(200, 6, random);
  const auto signature = random_signature(40, 3, random);
  for (std::size_t gene = 0; gene < 40; ++gene) {
    matrix.row(gene)[0] = 0.5 * signature.at(gene, 0) + 0.5 * signature.at(gene, 2);
  }
  const biomarker::CibersortOptions options{0.5, 199, 5};
  const auto table = biomarker::cibersort_fractions(matrix, signature, options, 1, nullptr);
  REQUIRE(table.sets.back() == "P_value");
  const std::size_t p = table.sets.size() - 1;
  CHECK(table.at(p, 0) == 1.0 / 200);
  for (std::size_t i = 0; i < 6; ++i) CHECK((table.at(p, i) > 0 && table.at(p, i) <= 1));
  CHECK(biomarker::cibersort_fractions(matrix, signature, options, 3, nullptr).values == table.values);
  // Alone, and with the rows of the other genes in another order: the same p.
  io::MatrixTable alone;
  alone.name = "e.tsv";
  alone.column_names = {"S4"};
  for (std::size_t gene = matrix.rows(); gene-- > 0;) alone.add_row(matrix.row_names[gene])[0] = matrix.row(gene)[4];
  CHECK(biomarker::cibersort_fractions(alone, signature, options, 1, nullptr).at(p, 0) == table.at(p, 4));
  const auto other = biomarker::cibersort_fractions(matrix, signature, {0.5, 199, 6}, 1, nullptr);
  bool moved = false;
  for (std::size_t i = 1; i < 6; ++i) moved = moved || other.at(p, i) != table.at(p, i);
  CHECK(moved);
  CHECK(biomarker::cibersort_fractions(matrix, signature, {}, 1, nullptr).sets.back() == "RMSE");
}

TEST_CASE("support-vector fractions: p of samples that are no mixture is uniform", "[calibration]") {
  constexpr std::size_t kSamples = 5000;
  core::Random random(82);
  const auto matrix = noise(60, kSamples, random);
  const auto signature = random_signature(12, 2, random);
  const auto table = biomarker::cibersort_fractions(matrix, signature, {0.5, 19, 1}, 1, nullptr);
  std::size_t small = 0, half = 0, tested = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const double p = table.at(4, i);
    tested += std::isnan(p) ? 0 : 1;
    small += p <= 0.05 ? 1 : 0;
    half += p <= 0.5 ? 1 : 0;
  }
  std::cout << "cibersort: share of p <= 0.05 on noise " << static_cast<double>(small) / kSamples << ", of p <= 0.5 "
            << static_cast<double>(half) / kSamples << ", tested " << tested << "\n";
  CHECK(tested > kSamples / 2);
  CHECK(static_cast<double>(small) / kSamples <= 0.06);
  CHECK(static_cast<double>(small) / kSamples >= 0.04);
  CHECK(static_cast<double>(half) / kSamples <= 0.52);
}
