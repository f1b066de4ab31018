// Type-I error at 0.05 on permuted labels: every p-value that is asymptotically exact must lie within 0.04 and 0.06.
// The textbook tests hold their level on a normal marker only; those of record in the tables hold it on any shape.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "biomarker/association.h"
#include "biomarker_helpers.h"
#include "core/random.h"
#include "stats/cox.h"
#include "stats/distributions.h"
#include "stats/kaplan_meier.h"
#include "stats/logistic.h"
#include "stats/maxstat.h"
#include "stats/roc.h"
#include "stats/wilcoxon.h"

using namespace immucan;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Sanitizers make a draw ten times as dear and look for other errors: fewer draws, bounds three standard errors wider.
constexpr std::size_t kDraws = 400;
constexpr double kMargin = 0.033;
#else
constexpr std::size_t kDraws = 5000;
constexpr double kMargin = 0;
#endif

}  // namespace

TEST_CASE("type-I error of the tests on permuted labels", "[calibration]") {
  constexpr std::size_t kPatients = 80;
  core::Random random(2024);
  std::vector<double> marker(kPatients), coarse(kPatients), arm(kPatients);
  stats::SurvivalRows survival;
  std::vector<std::uint8_t> response(kPatients);
  std::vector<std::uint32_t> batch(kPatients), high(kPatients);
  for (std::size_t i = 0; i < kPatients; ++i) {
    marker[i] = random.normal();
    coarse[i] = static_cast<double>(random.poisson(2));
    arm[i] = static_cast<double>(i % 2);
    batch[i] = static_cast<std::uint32_t>(i % 3 == 0);
    high[i] = i < kPatients / 2 ? 0 : 1;
    response[i] = i < 35 ? 1 : 0;
    survival.time.push_back(std::ceil(20 * random.exponential(1)));
    survival.event.push_back(random.bernoulli(0.7));
  }
  std::map<std::string, int> rejected;
  const auto count = [&](const std::string& name, double p) { rejected[name] += p < 0.05 ? 1 : 0; };
  stats::RankSumDistribution distribution;
  const stats::CoxModel model(survival);
  stats::SurvivalRows stratified = survival;
  stratified.stratum = batch;
  const std::vector<double> scores = stats::log_rank_scores(survival.time, survival.event);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    // Permuting the marker against everything else is permuting the labels.
    random.shuffle(std::span(marker));
    random.shuffle(std::span(coarse));
    random.shuffle(std::span(high));
    const auto groups = [&](const std::vector<double>& values) {
      std::pair<std::vector<double>, std::vector<double>> result;
      for (std::size_t i = 0; i < kPatients; ++i)
        (response[i] != 0 ? result.first : result.second).push_back(values[i]);
      return result;
    };
    const auto [yes, no] = groups(marker);
    count("wilcoxon exact", stats::rank_sum_test(yes, no, distribution).p);
    const auto [coarse_yes, coarse_no] = groups(coarse);
    count("wilcoxon with ties", stats::rank_sum_test(coarse_yes, coarse_no, distribution).p);
    count("paired DeLong", stats::auc_paired_delong(yes, no, coarse_yes, coarse_no).p);
    count("van Elteren", stats::van_elteren_test(coarse, response, batch).p);
    count("logistic lr", stats::logistic_test(marker, 1, response, 0).p);
    std::vector<double> design;
    for (std::size_t i = 0; i < kPatients; ++i) design.insert(design.end(), {marker[i] * arm[i], marker[i], arm[i]});
    count("logistic interaction", stats::logistic_test(design, 3, response, 0).p);
    const auto fit = model.fit(marker, 1);
    count("cox wald", stats::chi_squared_upper(fit.wald_statistic, 1));
    count("cox lr", stats::chi_squared_upper(fit.likelihood_ratio, 1));
    count("cox score", stats::chi_squared_upper(fit.score_statistic, 1));
    const auto interaction = model.fit(design, 3);
    std::vector<double> reduced;
    for (std::size_t i = 0; i < kPatients; ++i) reduced.insert(reduced.end(), {marker[i], arm[i]});
    count("cox interaction",
          stats::chi_squared_upper(2 * (interaction.log_likelihood - model.fit(reduced, 2).log_likelihood), 1));
    count("cox stratified", stats::chi_squared_upper(stats::CoxModel(stratified).fit(marker, 1).likelihood_ratio, 1));
    const auto cut = stats::MaximallySelected(marker).test(scores);
    count("cut-point Lau92", cut.p_lau92);
    count("cut-point Lau94", cut.p_lau94);
    count("cut-point naive", stats::normal_two_sided(cut.statistic));
    count("log-rank", stats::log_rank_test(survival.time, survival.event, high, 2).p);
  }
  for (const auto& [name, count] : rejected) {
    if (name.starts_with("cut-point")) continue;
    const double rate = static_cast<double>(count) / kDraws;
    INFO(name << " " << rate);
    CHECK(rate >= 0.04 - kMargin);
    CHECK(rate <= 0.06 + kMargin);
  }
  // Bounds of a maximum may be conservative, never the contrary; without the correction the level is lost.
  CHECK(rejected["cut-point Lau92"] <= (0.06 + kMargin) * kDraws);
  CHECK(rejected["cut-point Lau94"] <= (0.06 + kMargin) * kDraws);
  CHECK(rejected["cut-point naive"] >= 0.2 * kDraws);
}

// Every p-value of the tool's own tables: 5,000 features that have nothing to do with the patients, of three shapes.
TEST_CASE("type-I error of every p-value of associate", "[calibration]") {
  constexpr std::size_t kPatients = 80;
  const std::string shape = GENERATE("normal", "log-normal", "heavy-tailed", "floor");
  core::Random random(91);
  biomarker::CohortFeatures cohort;
  biomarker::Outcome outcome;
  std::vector<double> marker(kPatients);
  for (std::size_t i = 0; i < kPatients; ++i) {
    const double z = random.normal();
    // Student's t with 2 degrees of freedom has no variance.
    marker[i] = shape == "normal"         ? z
                : shape == "log-normal"   ? std::exp(1.2 * z)
                : shape == "heavy-tailed" ? z / std::sqrt(random.exponential(1))
                : random.bernoulli(0.6)   ? 0.0
                                          : std::exp(z);
    cohort.patients.push_back("P" + std::to_string(i));
    outcome.known.push_back(1);
    outcome.covariates_known.push_back(1);
    outcome.event.push_back(random.bernoulli(0.45));
    outcome.time.push_back(std::ceil(50 * random.exponential(1)));
    outcome.arm.push_back(static_cast<int>(i % 2));
    outcome.batch.push_back(i % 3 == 0 ? "a" : "b");
    outcome.covariates.push_back(random.normal());
  }
  outcome.arms = {"control", "ici"};
  cohort.sources = {""};
  cohort.source.assign(kDraws, 0);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    random.shuffle(std::span(marker));
    cohort.features.push_back(std::to_string(draw));
    cohort.values.insert(cohort.values.end(), marker.begin(), marker.end());
  }
  for (const bool survival : {false, true}) {
    for (const bool adjusted : {false, true}) {
      biomarker::Outcome asked = outcome;
      asked.survival = survival;
      if (adjusted) asked.covariate_names = {"age"};
      if (!adjusted) asked.covariates.clear();
      biomarker::AssociateOptions options;
      options.moderated = options.proportional_hazards = true;
      const auto table = biomarker::associate(cohort, asked, options, test::context());
      const auto check = [&](const std::string& name, double biomarker::Association::* p) {
        double rejected = 0;
        for (const biomarker::Association& row : table.rows) rejected += row.*p < 0.05 ? 1 : 0;
        const double rate = rejected / static_cast<double>(kDraws);
        INFO(shape << (survival ? " survival " : " response ") << (adjusted ? "adjusted " : "") << name << " " << rate);
        CHECK(rate <= 0.06 + kMargin);
        // The correlation of Schoenfeld residuals is conservative.
        CHECK(rate >= (name == "proportional" ? 0.02 : 0.04) - kMargin);
      };
      check("p", &biomarker::Association::p);
      check("p_interaction", &biomarker::Association::p_interaction);
      check("batch_p", &biomarker::Association::batch_p);
      check("p_batch_adjusted", &biomarker::Association::p_batch_adjusted);
      if (survival) check("proportional", &biomarker::Association::p_proportional);
      if (!survival) check("moderated", &biomarker::Association::p_moderated);
    }
  }
}

TEST_CASE("type-I error with strata, and of heterogeneity", "[calibration]") {
  constexpr std::size_t kPatients = 120;
  const bool survival = GENERATE(false, true), skewed = GENERATE(false, true);
  core::Random random(17);
  biomarker::CohortFeatures cohort;
  biomarker::Outcome outcome;
  outcome.survival = survival;
  outcome.strata = {"a", "b", "c"};
  std::vector<double> marker(kPatients);
  for (std::size_t i = 0; i < kPatients; ++i) {
    const double z = random.normal();
    marker[i] = skewed ? std::exp(1.2 * z) : z;
    cohort.patients.push_back("P" + std::to_string(i));
    outcome.known.push_back(1);
    outcome.covariates_known.push_back(1);
    outcome.stratum.push_back(static_cast<std::uint32_t>(i % 3));
    outcome.event.push_back(random.bernoulli(i % 3 == 0 ? 0.3 : 0.6));
    outcome.time.push_back(std::ceil(50 * random.exponential(1)));
    if (!survival)
      outcome.covariates.insert(outcome.covariates.end(), {i % 3 == 1 ? 1.0 : 0.0, i % 3 == 2 ? 1.0 : 0.0});
  }
  if (!survival) {
    outcome.covariate_names = {"b", "c"};
    outcome.stratum_columns = 2;
  }
  cohort.sources = {""};
  cohort.source.assign(kDraws, 0);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    random.shuffle(std::span(marker));
    cohort.features.push_back(std::to_string(draw));
    cohort.values.insert(cohort.values.end(), marker.begin(), marker.end());
  }
  const auto table = biomarker::associate(cohort, outcome, {}, test::context());
  double p = 0, heterogeneity = 0;
  for (const auto& row : table.rows) {
    p += row.p < 0.05 ? 1.0 / kDraws : 0;
    heterogeneity += row.p_heterogeneity < 0.05 ? 1.0 / kDraws : 0;
  }
  INFO(survival << skewed << " p " << p << " heterogeneity " << heterogeneity);
  CHECK(p <= 0.06 + kMargin);
  CHECK(p >= 0.04 - kMargin);
  CHECK(heterogeneity <= 0.06 + kMargin);
}
