#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "core/random.h"
#include "reference_data.h"
#include "stats/cox.h"
#include "stats/distributions.h"
#include "stats/kaplan_meier.h"
#include "stats/maxstat.h"

using namespace immucan;

namespace {

struct Data {
  stats::SurvivalRows rows;
  std::vector<double> design;
  std::size_t columns = 0;
};

double coefficient_error(const stats::CoxFit& fit, const io::Table& expected, std::size_t columns) {
  double worst = 0;
  for (std::size_t j = 0; j < columns; ++j) {
    worst = std::max(worst, std::fabs(fit.coefficients[j] - test::number(expected, j, "coef")));
    worst =
        std::max(worst, std::fabs(std::sqrt(fit.covariance[j * columns + j]) - test::number(expected, j, "se(coef)")));
  }
  return worst;
}

/// The lung data with complete age, sex, ph.ecog.
std::optional<Data> lung() {
  const auto table = test::reference("survival_r/lung.tsv");
  if (!table) return std::nullopt;
  Data data;
  data.columns = 3;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    const double ecog = test::number(*table, i, "ph.ecog");
    if (std::isnan(ecog)) continue;
    data.rows.time.push_back(test::number(*table, i, "time"));
    data.rows.event.push_back(test::number(*table, i, "status") == 2 ? 1 : 0);
    for (const double v : {test::number(*table, i, "age"), test::number(*table, i, "sex"), ecog})
      data.design.push_back(v);
  }
  return data;
}

struct LiuSurvival {
  std::vector<double> time;
  std::vector<std::uint8_t> event;
  std::map<std::string, std::vector<double>> scores;
};

std::optional<LiuSurvival> liu(const std::string& matrix) {
  const auto scores = test::reference(matrix);
  const auto clinical = test::reference("cohorts/Liu.clinical.tsv");
  if (!scores || !clinical) return std::nullopt;
  std::map<std::string, std::size_t> patient;
  for (std::size_t i = 0; i < clinical->rows.size(); ++i) patient[clinical->rows[i][0]] = i;
  LiuSurvival result;
  for (std::size_t column = 1; column < scores->header.size(); ++column) {
    const std::size_t row = patient.at(scores->header[column]);
    result.time.push_back(test::number(*clinical, row, "survival_time_os"));
    result.event.push_back(test::number(*clinical, row, "event_occurred_os") == 1 ? 1 : 0);
  }
  for (std::size_t row = 0; row < scores->rows.size(); ++row) {
    auto& values = result.scores[scores->rows[row][0]];
    for (std::size_t column = 1; column < scores->header.size(); ++column)
      values.push_back(*scores->number(row, column));
  }
  return result;
}

}  // namespace

TEST_CASE("Cox: one binary covariate without ties has a closed score equation", "[cox]") {
  // Times 1 2 3 4, all events, x = 1 0 1 0. With b = exp(beta):
  // l = 2 beta - log(2b + 2) - log(b + 2) - log(b + 1); dl/dbeta = 2 - b/(b+1) - b/(b+2) - b/(b+1) = 0.
  const stats::SurvivalRows rows{{1, 2, 3, 4}, {1, 1, 1, 1}, {}, {}, {}};
  const std::vector<double> x{1, 0, 1, 0};
  const auto fit = stats::CoxModel(rows).fit(x, 1);
  const double b = std::exp(fit.coefficients[0]);
  CHECK(fit.converged);
  CHECK(2 - 2 * b / (b + 1) - b / (b + 2) == Approx(0).margin(1e-8));
  CHECK(fit.log_likelihood_null == Approx(-std::log(24.0)).epsilon(1e-13));
  CHECK(fit.log_likelihood ==
        Approx(2 * std::log(b) - std::log(2 * b + 2) - std::log(b + 2) - std::log(b + 1)).epsilon(1e-12));
}

TEST_CASE("Cox: the exact likelihood of one tied time is the conditional logistic one", "[cox]") {
  // Two of four die at the same time: l = beta (x1 + x2) - log sum over pairs.
  const stats::SurvivalRows rows{{1, 1, 2, 2}, {1, 1, 0, 0}, {}, {}, {}};
  const std::vector<double> x{2, 0, 1, 0};
  const auto fit = stats::CoxModel(rows).fit(x, 1, {.ties = stats::Ties::kExact});
  const auto score = [](double beta) {
    const double sums[6] = {2, 3, 2, 1, 0, 1};
    double total = 0, weighted = 0;
    for (const double s : sums) {
      total += std::exp(beta * s);
      weighted += s * std::exp(beta * s);
    }
    return 2 - weighted / total;
  };
  CHECK(score(fit.coefficients[0]) == Approx(0).margin(1e-9));
  CHECK(fit.log_likelihood_null == Approx(-std::log(6.0)).epsilon(1e-13));
}

TEST_CASE("Cox: splitting follow-up into (start, stop] rows changes nothing", "[cox]") {
  core::Random random(9);
  stats::SurvivalRows whole, split;
  std::vector<double> x, x_split;
  for (int i = 0; i < 80; ++i) {
    const double a = random.normal(), b = random.normal();
    const double time = std::ceil(10 * random.exponential(std::exp(0.5 * a))) + 1;
    const bool event = random.bernoulli(0.7);
    whole.time.push_back(time);
    whole.event.push_back(event);
    const double cut = std::ceil(time / 2);
    const bool cuts = cut < time;
    x.insert(x.end(), {a, b});
    if (cuts) {
      split.start.push_back(0);
      split.time.push_back(cut);
      split.event.push_back(0);
      x_split.insert(x_split.end(), {a, b});
    }
    split.start.push_back(cuts ? cut : 0);
    split.time.push_back(time);
    split.event.push_back(event);
    x_split.insert(x_split.end(), {a, b});
  }
  for (const auto ties : {stats::Ties::kEfron, stats::Ties::kBreslow, stats::Ties::kExact}) {
    const auto one = stats::CoxModel(whole).fit(x, 2, {.ties = ties}),
               two = stats::CoxModel(split).fit(x_split, 2, {.ties = ties});
    CHECK(one.coefficients[0] == Approx(two.coefficients[0]).epsilon(1e-9));
    CHECK(one.covariance[1] == Approx(two.covariance[1]).epsilon(1e-8));
    CHECK(one.log_likelihood == Approx(two.log_likelihood).epsilon(1e-11));
  }
}

TEST_CASE("Cox: redundant columns, no information, monotone likelihood", "[cox]") {
  const stats::SurvivalRows rows{{1, 2, 3, 4, 5, 6}, {1, 1, 0, 1, 0, 1}, {}, {}, {}};
  const std::vector<double> constant(6, 2.0);
  const auto fit = stats::CoxModel(rows).fit(constant, 1);
  CHECK(fit.rank == 0);
  CHECK(fit.coefficients[0] == 0);
  const std::vector<double> twice{1, 2, 5, 10, 2, 4, 4, 8, 3, 6, 0, 0};
  CHECK(stats::CoxModel(rows).fit(twice, 2).rank == 1);
  // The one with the highest value always dies first.
  const std::vector<double> monotone{6, 5, 4, 3, 2, 1};
  CHECK(stats::CoxModel(rows).fit(monotone, 1).infinite);
}

TEST_CASE("Kaplan-Meier and log-rank by hand", "[km]") {
  const std::vector<double> time{1, 2, 2, 3, 4};
  const std::vector<std::uint8_t> event{1, 1, 0, 1, 0};
  const auto curve = stats::kaplan_meier(time, event);
  REQUIRE(curve.size() == 4);
  CHECK(curve[0].survival == Approx(0.8));
  CHECK(curve[1].survival == Approx(0.6));
  CHECK(curve[1].at_risk == 4);
  CHECK(curve[1].censored == 1);
  CHECK(curve[2].survival == Approx(0.3));
  CHECK(curve[1].standard_error == Approx(std::sqrt(1.0 / 20 + 1.0 / 12)).epsilon(1e-14));
  CHECK(stats::median_survival(curve).median == 3);
  CHECK_FALSE(stats::median_survival(curve).upper.has_value());
  CHECK(stats::numbers_at_risk(time, std::vector<double>{0, 2, 5}) == std::vector<std::size_t>{5, 4, 0});
  CHECK(stats::restricted_mean(curve, 3.5).mean == Approx(1 + 0.8 + 0.6 + 0.3 * 0.5).epsilon(1e-14));
  // Groups A: 1, 2; B: 2+, 3, 4+. Expected deaths of A: 2/5 + 1/4; variance 2*3/25 + 1*3/16.
  const std::vector<std::uint32_t> group{0, 0, 1, 1, 1};
  const auto test = stats::log_rank_test(time, event, group, 2);
  CHECK(test.statistic == Approx(std::pow(2 - 0.65, 2) / (6.0 / 25 + 3.0 / 16)).epsilon(1e-13));
  CHECK(test.df == 1);
}

TEST_CASE("Cox agrees with R on lung for three kinds of ties", "[real]") {
  const auto data = lung();
  const auto efron = test::reference("survival_r/reference_lung_cox.tsv");
  const auto breslow = test::reference("survival_r/reference_lung_cox_breslow.tsv");
  const auto exact = test::reference("survival_r/reference_lung_cox_exact.tsv");
  if (!data || !efron || !breslow || !exact) return;
  const stats::CoxModel model(data->rows);
  CHECK(coefficient_error(model.fit(data->design, 3), *efron, 3) <= 1e-7);
  CHECK(coefficient_error(model.fit(data->design, 3, {.ties = stats::Ties::kBreslow}), *breslow, 3) <= 1e-7);
  CHECK(coefficient_error(model.fit(data->design, 3, {.ties = stats::Ties::kExact}), *exact, 3) <= 1e-7);
}

TEST_CASE("Cox with interaction and the test of proportional hazards agree with R on veteran", "[real]") {
  const auto table = test::reference("survival_r/veteran.tsv");
  const auto expected = test::reference("survival_r/reference_veteran_interaction.tsv");
  const auto zph = test::reference("survival_r/reference_veteran_zph.tsv");
  if (!table || !expected || !zph) return;
  stats::SurvivalRows rows;
  std::vector<double> design;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    rows.time.push_back(test::number(*table, i, "time"));
    rows.event.push_back(test::number(*table, i, "status") == 1 ? 1 : 0);
    const double arm = test::number(*table, i, "trt") == 2 ? 1 : 0, karno = test::number(*table, i, "karno");
    const std::string& cell = table->rows[i][table->require("celltype")];
    for (const double v : {arm, karno, cell == "large" ? 1.0 : 0.0, cell == "smallcell" ? 1.0 : 0.0,
                           cell == "squamous" ? 1.0 : 0.0, arm * karno}) {
      design.push_back(v);
    }
  }
  const stats::CoxModel model(rows);
  const auto fit = model.fit(design, 6);
  CHECK(coefficient_error(fit, *expected, 6) <= 1e-7);
  const std::vector<std::size_t> terms{0, 1, 2, 2, 2, 3};
  const auto tests = model.proportional_hazards_test(design, 6, fit, terms);
  REQUIRE(tests.size() == zph->rows.size());
  for (std::size_t i = 0; i < tests.size(); ++i) {
    CHECK(tests[i].statistic == Approx(test::number(*zph, i, "chisq")).epsilon(1e-7));
    CHECK(tests[i].df == test::number(*zph, i, "df"));
    CHECK(tests[i].p == Approx(test::number(*zph, i, "p")).epsilon(1e-6));
  }
}

TEST_CASE("Cox with strata and a robust variance agrees with R on colon (deaths)", "[real]") {
  const auto table = test::reference("survival_r/colon.tsv");
  const auto expected = test::reference("survival_r/reference_colon_interaction_robust.tsv");
  if (!table || !expected) return;
  stats::SurvivalRows rows;
  std::vector<double> design;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    const double differ = test::number(*table, i, "differ");
    if (std::isnan(differ) || test::number(*table, i, "etype") != 2) continue;
    rows.time.push_back(test::number(*table, i, "time"));
    rows.event.push_back(test::number(*table, i, "status") == 1 ? 1 : 0);
    rows.cluster.push_back(static_cast<std::uint32_t>(test::number(*table, i, "id")));
    rows.stratum.push_back(static_cast<std::uint32_t>(test::number(*table, i, "sex")));
    const std::string& arm = table->rows[i][table->require("rx")];
    const double lev = arm == "Lev" ? 1 : 0, both = arm == "Lev+5FU" ? 1 : 0;
    for (const double v : {lev, both, differ, lev * differ, both * differ}) design.push_back(v);
  }
  const auto fit = stats::CoxModel(rows).fit(design, 5);
  for (std::size_t j = 0; j < 5; ++j) {
    CHECK(std::fabs(std::sqrt(fit.robust_covariance[j * 5 + j]) - test::number(*expected, j, "robust se")) <= 1e-7);
  }
  CHECK(coefficient_error(fit, *expected, 5) <= 1e-7);
}

TEST_CASE("gene-wise Cox agrees with R on Liu", "[real]") {
  const auto data = liu("cohorts/Liu.expr.tsv.gz");
  const auto expected = test::reference("reference_Liu/cox_gene_OS.tsv.gz");
  if (!data || !expected) return;
  const stats::CoxModel model({data->time, data->event, {}, {}, {}});
  double coefficient = 0, likelihood = 0, score = 0, zph = 0, breslow = 0;
  const std::vector<std::size_t> terms{0};
  for (std::size_t i = 0; i < expected->rows.size(); ++i) {
    const auto& x = data->scores.at(expected->rows[i][0]);
    const auto fit = model.fit(x, 1);
    const auto error = [&](double value, const std::string& column) {
      return std::fabs(value - test::number(*expected, i, column));
    };
    coefficient =
        std::max({coefficient, error(fit.coefficients[0], "coef"), error(std::sqrt(fit.covariance[0]), "se")});
    likelihood =
        std::max({likelihood, error(fit.log_likelihood_null, "loglik0"), error(fit.log_likelihood, "loglik1")});
    score = std::max({score, error(fit.score_statistic, "score"), error(fit.likelihood_ratio, "lrt")});
    zph = std::max(zph, error(model.proportional_hazards_test(x, 1, fit, terms)[0].statistic, "zph_chisq"));
    const auto other = model.fit(x, 1, {.ties = stats::Ties::kBreslow});
    breslow = std::max(
        {breslow, error(other.coefficients[0], "breslow_coef"), error(std::sqrt(other.covariance[0]), "breslow_se")});
  }
  CHECK(coefficient <= 1e-7);
  CHECK(likelihood <= 1e-7);
  CHECK(score <= 1e-7);
  CHECK(breslow <= 1e-7);
  CHECK(zph <= 1e-6);
}

TEST_CASE("log-rank at the median, Kaplan-Meier and restricted means agree with R on Liu and lung", "[real]") {
  const auto data = liu("reference_Liu/ssgsea_norm.tsv.gz");
  const auto tests = test::reference("reference_Liu/cox_logrank_ssgsea_OS.tsv");
  const auto km = test::reference("reference_Liu/km_CD8Teff_median.tsv");
  const auto rmst = test::reference("reference_Liu/rmst_CD8Teff_median.tsv");
  if (!data || !tests || !km || !rmst) return;
  const auto high = [&](const std::string& set) {
    auto sorted = data->scores.at(set);
    std::ranges::sort(sorted);
    const double median = (sorted[sorted.size() / 2 - 1] + sorted[sorted.size() / 2]) / 2;
    std::vector<std::uint32_t> group;
    for (const double v : data->scores.at(set)) group.push_back(v > median ? 1 : 0);
    return group;
  };
  double worst = 0;
  for (std::size_t i = 0; i < tests->rows.size(); ++i) {
    const auto group = high(tests->rows[i][0]);
    worst = std::max(worst, std::fabs(stats::log_rank_test(data->time, data->event, group, 2).statistic -
                                      test::number(*tests, i, "logrank_chisq")));
    worst = std::max(worst, std::fabs(stats::log_rank_test(data->time, data->event, group, 2, 1).statistic -
                                      test::number(*tests, i, "peto_chisq")));
  }
  CHECK(worst <= 1e-9);

  const auto group = high("CD_8_T_effector");
  double worst_curve = 0;
  std::size_t compared = 0;
  for (const auto& [name, kind] :
       std::map<std::string, stats::SurvivalInterval>{{"log", stats::SurvivalInterval::kLog},
                                                      {"log-log", stats::SurvivalInterval::kLogLog},
                                                      {"plain", stats::SurvivalInterval::kPlain}}) {
    for (const std::uint32_t side : {0U, 1U}) {
      std::vector<double> time;
      std::vector<std::uint8_t> event;
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (group[i] != side) continue;
        time.push_back(data->time[i]);
        event.push_back(data->event[i]);
      }
      std::map<double, stats::SurvivalPoint> points;
      const auto curve = stats::kaplan_meier(time, event, kind);
      for (const auto& point : curve) points[point.time] = point;
      for (std::size_t i = 0; i < km->rows.size(); ++i) {
        if (km->rows[i][0] != name || km->rows[i][1] != (side == 0 ? "hi=low" : "hi=high")) continue;
        const auto& point = points.at(test::number(*km, i, "time"));
        ++compared;
        CHECK(static_cast<double>(point.at_risk) == test::number(*km, i, "n.risk"));
        for (const auto& [value, column] :
             std::map<std::string, double>{{"surv", point.survival}, {"lower", point.lower}, {"upper", point.upper}}) {
          const double reference = test::number(*km, i, value);
          if (!std::isnan(reference)) worst_curve = std::max(worst_curve, std::fabs(column - reference));
        }
      }
      if (name == "log") {
        const auto mean = stats::restricted_mean(curve, test::number(*rmst, side, "tau"));
        CHECK(std::fabs(mean.mean - test::number(*rmst, side, "rmean")) <= 1e-9);
        CHECK(std::fabs(mean.standard_error - test::number(*rmst, side, "se(rmean)")) <= 1e-9);
      }
    }
  }
  CHECK(compared > 0);
  CHECK(worst_curve <= 1e-9);
}

TEST_CASE("maximally selected log-rank agrees with R's maxstat on Liu, and never exceeds 1", "[real]") {
  const auto data = liu("reference_Liu/ssgsea_norm.tsv.gz");
  const auto expected = test::reference("reference_Liu/maxstat_cutpoint.tsv");
  if (!data || !expected) return;
  const auto scores = stats::log_rank_scores(data->time, data->event);
  for (std::size_t i = 0; i < expected->rows.size(); ++i) {
    const std::string& method = expected->rows[i][1];
    if (method == "HL") continue;
    const auto best = stats::MaximallySelected(data->scores.at(expected->rows[i][0])).test(scores);
    CHECK(best.cut == Approx(test::number(*expected, i, "cut")).epsilon(1e-12));
    CHECK(std::fabs(best.statistic - test::number(*expected, i, "M")) <= 1e-9);
    // The reference is not bounded: 2.2 for one of the sets.
    const double p = std::min(1.0, test::number(*expected, i, "p"));
    CHECK(std::fabs((method == "Lau92" ? best.p_lau92 : best.p_lau94) - p) <= 1e-6);
    std::vector<std::uint32_t> group;
    for (const double v : data->scores.at(expected->rows[i][0])) group.push_back(v > best.cut ? 1 : 0);
    CHECK(std::fabs(stats::log_rank_test(data->time, data->event, group, 2).p -
                    test::number(*expected, i, "naive_p")) <= 1e-9);
  }
}

TEST_CASE("maximally selected statistics by hand", "[cut]") {
  // Scores 0 0 1 1 over values 1 2 3 4: the cut between 2 and 3 has statistic |0 - 1| / sqrt(2 * 2 * (4*2 - 4) / (16 *
  // 3)).
  const std::vector<double> values{3, 1, 4, 2}, scores{1, 0, 1, 0};
  const auto best = stats::MaximallySelected(values, 0.25, 0.75).test(scores);
  CHECK(best.cut == 2);
  CHECK(best.low == 2);
  CHECK(best.statistic == Approx(1 / std::sqrt(4.0 * 4 / 48)).epsilon(1e-14));
  CHECK_FALSE(stats::MaximallySelected(std::vector<double>{1, 1, 1}).has_cut());
  CHECK(
      std::isnan(stats::MaximallySelected(std::vector<double>{1, 1, 1}).test(std::vector<double>{0, 1, 0}).statistic));
}

TEST_CASE("residuals of the log-rank test and of the restricted mean", "[survival]") {
  core::Random random(6);
  std::vector<double> time(50);
  std::vector<std::uint8_t> event(50);
  std::vector<std::uint32_t> group(50);
  for (std::size_t i = 0; i < 50; ++i) {
    time[i] = std::ceil(10 * random.exponential(1));
    event[i] = random.bernoulli(0.7);
    group[i] = i % 2;
  }
  for (const double rho : {0.0, 1.0}) {
    // Observed less expected of a group is the sum of its residuals: the numerator of the test.
    double sum = 0;
    for (const double r : stats::log_rank_residuals(time, event, rho)) sum += r;
    CHECK(std::fabs(sum) <= 1e-12);
  }
  double sum = 0, moved = 0;
  const std::vector<double> influence = stats::restricted_mean_residuals(time, event, 12);
  for (const double r : influence) sum += r;
  CHECK(std::fabs(sum) <= 1e-10);
  // Leaving a patient out moves the restricted mean by about minus the influence.
  const double all = stats::restricted_mean(stats::kaplan_meier(time, event), 12).mean;
  for (std::size_t i = 0; i < 50; ++i) {
    std::vector<double> rest(time);
    std::vector<std::uint8_t> events(event);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
    const double without = stats::restricted_mean(stats::kaplan_meier(rest, events), 12).mean;
    moved = std::max(moved, std::fabs(all - without - influence[i]));
  }
  CHECK(moved <= 0.02);
}
