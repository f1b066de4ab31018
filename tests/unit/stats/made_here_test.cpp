// Figures of R on data made here (tests/peers/biomarker/references.R writes both), so that a bare clone can test them.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "reference_data.h"
#include "stats/cox.h"
#include "stats/distributions.h"
#include "stats/fisher.h"
#include "stats/lowess.h"
#include "stats/meta_analysis.h"
#include "stats/multiple_testing.h"
#include "stats/paired.h"
#include "stats/smoothing_spline.h"

using namespace immucan;

namespace {

io::Table made_here(const std::string& name) {
  return io::read_table(std::filesystem::path(IMMUCAN_SOURCE_DIR) / "tests/unit/stats/reference" / name,
                        test::context());
}

/// Rows of each set, in the order of the table.
std::map<std::string, std::vector<std::size_t>> sets_of(const io::Table& table, const std::string& column) {
  std::map<std::string, std::vector<std::size_t>> sets;
  for (std::size_t i = 0; i < table.rows.size(); ++i) sets[table.rows[i][table.require(column)]].push_back(i);
  return sets;
}

std::vector<double> column(const io::Table& table, const std::vector<std::size_t>& rows, const std::string& name) {
  std::vector<double> values;
  for (const std::size_t row : rows) values.push_back(test::number(table, row, name));
  return values;
}

void close(const std::string& what, double value, double expected, double relative) {
  INFO(what << ": " << value << " for " << expected);
  if (std::isinf(expected)) {
    CHECK(value == expected);
  } else {
    CHECK(std::fabs(value - expected) <= relative * std::max(std::fabs(expected), 1e-3));
  }
}

}  // namespace

TEST_CASE("q-values agree with R's qvalue", "[made_here]") {
  const io::Table table = made_here("qvalue.tsv");
  for (const auto& [name, rows] : sets_of(table, "set")) {
    const std::vector<double> p = column(table, rows, "p"), q = stats::q_values(p), expected = column(table, rows, "q");
    close(name + " pi0", stats::share_of_nulls(p), test::number(table, rows[0], "pi0"), 1e-9);
    double worst = 0;
    for (std::size_t i = 0; i < q.size(); ++i) worst = std::max(worst, std::fabs(q[i] - expected[i]));
    INFO(name << " " << worst);
    CHECK(worst <= 1e-9);
  }
}

TEST_CASE("smoothing splines agree with R's smooth.spline", "[made_here]") {
  const io::Table table = made_here("smooth_spline.tsv");
  for (const auto& [name, rows] : sets_of(table, "set")) {
    const std::vector<double> x = column(table, rows, "x"), y = column(table, rows, "y");
    const std::vector<double> fitted = stats::smoothing_spline(x, y, test::number(table, rows[0], "df"));
    const std::vector<double> expected = column(table, rows, "fitted");
    double worst = 0;
    for (std::size_t i = 0; i < fitted.size(); ++i) worst = std::max(worst, std::fabs(fitted[i] - expected[i]));
    INFO(name << " " << worst);
    CHECK(worst <= 1e-8);
  }
}

TEST_CASE("lowess agrees with R's", "[made_here]") {
  const io::Table table = made_here("lowess.tsv");
  for (const auto& [name, rows] : sets_of(table, "set")) {
    const auto at = [&](const std::string& what) { return test::number(table, rows[0], what); };
    const std::vector<double> fitted = stats::lowess(column(table, rows, "x"), column(table, rows, "y"), at("span"),
                                                     static_cast<int>(at("iterations")), at("delta"));
    const std::vector<double> expected = column(table, rows, "fitted");
    double worst = 0;
    for (std::size_t i = 0; i < fitted.size(); ++i) worst = std::max(worst, std::fabs(fitted[i] - expected[i]));
    INFO(name << " " << worst);
    CHECK(worst <= 1e-12);
  }
}

TEST_CASE("meta-analysis agrees with R's metafor", "[made_here]") {
  const io::Table table = made_here("meta_analysis.tsv");
  for (const auto& [name, rows] : sets_of(table, "set")) {
    const stats::MetaAnalysis meta = stats::meta_analysis(column(table, rows, "effect"), column(table, rows, "se"));
    const auto check = [&](const std::string& what, double value) {
      close(name + " " + what, value, test::number(table, rows[0], what), 1e-10);
    };
    check("fixed", meta.fixed);
    check("fixed_se", meta.fixed_se);
    check("random", meta.random);
    check("random_se", meta.random_se);
    check("random_t_se", meta.random_t_se);
    check("tau_squared", meta.tau_squared);
    check("q", meta.q);
    check("p_heterogeneity", meta.p_heterogeneity);
    check("i_squared", meta.i_squared);
    const double df = static_cast<double>(meta.studies) - 1;
    check("p_random", stats::student_two_sided(meta.random / meta.random_t_se, df));
    check("random_upper", meta.random + stats::student_upper_quantile(0.025, df) * meta.random_t_se);
  }
  CHECK(stats::meta_analysis({}, {}).studies == 0);
  CHECK(std::isnan(stats::meta_analysis({}, {}).fixed));
  const std::vector<double> one{0.5}, error{0.2};
  CHECK(stats::meta_analysis(one, error).random == 0.5);
  CHECK(std::isnan(stats::meta_analysis(one, error).p_heterogeneity));
  CHECK(std::isnan(stats::meta_analysis(one, error).random_t_se));
}

TEST_CASE("Fisher's exact test agrees with R's equations", "[made_here]") {
  const io::Table table = made_here("fisher.tsv");
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto count = [&](const std::string& name) { return static_cast<std::size_t>(test::number(table, i, name)); };
    const stats::FisherTest test = stats::fisher_exact_test(count("a"), count("b"), count("c"), count("d"));
    const auto expected = [&](const std::string& name) {
      const std::string& text = table.rows[i][table.require(name)];
      return text == "Inf" ? std::numeric_limits<double>::infinity() : core::parse_double(text).value();
    };
    close("odds_ratio", test.odds_ratio, expected("odds_ratio"), 1e-9);
    close("lower", test.lower, expected("lower"), 1e-9);
    close("upper", test.upper, expected("upper"), 1e-9);
    close("p", test.p, expected("p"), 1e-10);
  }
  CHECK(std::isnan(stats::fisher_exact_test(0, 0, 3, 4).p));
  CHECK(std::isnan(stats::fisher_exact_test(0, 2, 0, 4).odds_ratio));
}

TEST_CASE("Cox fits of every kind agree with R's coxph and cox.zph", "[made_here]") {
  const io::Table table = made_here("cox_rows.tsv"), fits = made_here("cox_fits.tsv");
  std::vector<double> design;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    design.insert(design.end(), {test::number(table, i, "x"), test::number(table, i, "z")});
  }
  for (std::size_t f = 0; f < fits.rows.size(); ++f) {
    const std::string name = fits.rows[f][0], ties = fits.rows[f][1];
    stats::SurvivalRows rows;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const double start = test::number(table, i, "start");
      rows.time.push_back(test::number(table, i, "stop"));
      rows.event.push_back(test::number(table, i, "event") == 1);
      if (name == "start" || name == "cluster") rows.start.push_back(start);
      if (name == "strata" || name == "cluster") {
        rows.stratum.push_back(static_cast<std::uint32_t>(test::number(table, i, "stratum")));
      }
      if (name == "cluster") rows.cluster.push_back(static_cast<std::uint32_t>(test::number(table, i, "cluster")));
    }
    const stats::CoxOptions options{.ties = ties == "efron"     ? stats::Ties::kEfron
                                            : ties == "breslow" ? stats::Ties::kBreslow
                                                                : stats::Ties::kExact};
    const stats::CoxModel model(rows);
    const stats::CoxFit fit = model.fit(design, 2, options);
    const auto check = [&](const std::string& what, double value) {
      close(name + " " + ties + " " + what, value, test::number(fits, f, what), 1e-7);
    };
    check("coef_x", fit.coefficients[0]);
    check("coef_z", fit.coefficients[1]);
    check("se_x", std::sqrt(fit.covariance[0]));
    check("se_z", std::sqrt(fit.covariance[3]));
    check("loglik", fit.log_likelihood);
    if (name == "cluster") {
      check("robust_x", std::sqrt(fit.robust_covariance[0]));
      check("robust_z", std::sqrt(fit.robust_covariance[3]));
    }
    if (ties == "exact") continue;
    const std::vector<std::size_t> terms{0, 1};
    const auto tests = model.proportional_hazards_test(design, 2, fit, terms, options);
    check("zph_x", tests[0].statistic);
    check("zph_global", tests[2].statistic);
  }
}

TEST_CASE("the mixed model agrees with R's nlme", "[made_here]") {
  const io::Table table = made_here("mixed_model.tsv");
  std::vector<double> design, outcome;
  std::vector<std::uint32_t> patient;
  std::map<std::string, std::uint32_t> number_of;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const double late = test::number(table, i, "late"), response = test::number(table, i, "response");
    design.insert(design.end(), {1, late, response, late * response});
    outcome.push_back(test::number(table, i, "value"));
    const auto next = static_cast<std::uint32_t>(number_of.size());
    patient.push_back(number_of.try_emplace(table.rows[i][table.require("patient")], next).first->second);
  }
  const stats::MixedModel model = stats::random_intercept_model(design, 4, outcome, patient);
  close("time", model.coefficients[1], test::number(table, 0, "time"), 1e-5);
  close("time_se", model.errors[1], test::number(table, 0, "time_se"), 1e-5);
  close("time_response", model.coefficients[3], test::number(table, 0, "time_response"), 1e-5);
  close("time_response_se", model.errors[3], test::number(table, 0, "time_response_se"), 1e-5);
  // Terms that vary within patients: rows less patients less those terms.
  const double df = static_cast<double>(outcome.size() - number_of.size()) - 2;
  close("time_p", stats::student_two_sided(model.coefficients[1] / model.errors[1], df),
        test::number(table, 0, "time_p"), 1e-4);
  close("time_response_p", stats::student_two_sided(model.coefficients[3] / model.errors[3], df),
        test::number(table, 0, "time_response_p"), 1e-4);
}
