// Levels at 0.05 of the commands that permute or pool, on labels without effect: 400 draws of fixed seeds. A test of
// level 0.05 rejects at most 33 of 400 but for 3 cases in 1,000; one of level 0.10 passes that bound in 1 of 7,
// and a statistic that is not studentised or a p of one side is far beyond it.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "biomarker/association.h"
#include "biomarker/cohort_meta.h"
#include "biomarker/paired.h"
#include "biomarker/survival_curves.h"
#include "biomarker_helpers.h"
#include "core/random.h"
#include "core/text.h"

using namespace immucan;

namespace {

constexpr int kDraws = 400;
constexpr int kMost = 33;

using Rejected = std::map<std::string, int>;

void check_levels(const Rejected& rejected) {
  for (const auto& [name, count] : rejected) {
    INFO(name << ": " << count << " of " << kDraws);
    CHECK(count <= kMost);
    CHECK(count > 0);
  }
}

io::Table followed_up(std::size_t patients, const std::vector<std::string>& more, core::Random& random) {
  io::Table table;
  table.name = "t";
  table.header = {"time", "event"};
  table.header.insert(table.header.end(), more.begin(), more.end());
  for (std::size_t i = 0; i < patients; ++i) {
    table.rows.push_back(
        {core::format_double(std::ceil(50 * random.exponential(1))), random.bernoulli(0.6) ? "1" : "0"});
    table.rows.back().resize(table.header.size());
    table.lines.push_back(i + 2);
  }
  return table;
}

biomarker::Outcome response_of(std::size_t rows, std::size_t rows_each) {
  biomarker::Outcome outcome;
  for (std::size_t i = 0; i < rows; ++i) {
    outcome.known.push_back(1);
    outcome.covariates_known.push_back(1);
    outcome.event.push_back(i / rows_each % 5 < 2);
    outcome.time.push_back(static_cast<double>(1 + i / rows_each * 7 % 31));
  }
  return outcome;
}

/// Permutations of a log-normal marker as features; the rows of a patient are alike but for noise.
biomarker::CohortFeatures features_of(std::size_t patients, std::size_t rows_each, core::Random& random) {
  std::vector<double> marker(patients);
  for (double& value : marker) value = std::exp(random.normal());
  biomarker::CohortFeatures cohort;
  for (std::size_t i = 0; i < patients * rows_each; ++i) {
    cohort.patients.push_back(std::to_string(i));
    cohort.clinical_row.push_back(i / rows_each);
  }
  cohort.sources = {""};
  cohort.source.assign(kDraws, 0);
  for (int draw = 0; draw < kDraws; ++draw) {
    random.shuffle(std::span(marker));
    cohort.features.push_back(std::to_string(draw));
    for (std::size_t i = 0; i < patients * rows_each; ++i) {
      cohort.values.push_back(marker[i / rows_each] + 0.1 * random.normal());
    }
  }
  return cohort;
}

}  // namespace

TEST_CASE("level of model: alone, with a covariate, as a product", "[calibration]") {
  core::Random random(71);
  io::Table table = followed_up(40, {"x", "age", "arm"}, random);
  std::vector<double> marker(table.rows.size());
  for (std::size_t i = 0; i < marker.size(); ++i) {
    marker[i] = std::exp(1.2 * random.normal());
    table.rows[i][3] = core::format_double(random.normal());
    table.rows[i][4] = std::to_string(i % 2);
  }
  biomarker::SurvivalModelOptions options;
  options.time = "time";
  options.event = "event";
  options.permutations = 99;
  Rejected rejected;
  for (int draw = 0; draw < kDraws; ++draw) {
    random.shuffle(std::span(marker));
    for (std::size_t i = 0; i < marker.size(); ++i) table.rows[i][2] = core::format_double(marker[i]);
    options.terms = {"x"};
    const auto alone = biomarker::fit_survival_model(table, options);
    rejected["x"] += alone.coefficients[0].p <= 0.05;
    rejected["whole model"] += alone.tests[2].p <= 0.05;
    options.terms = {"x", "age"};
    rejected["x, age"] += biomarker::fit_survival_model(table, options).coefficients[0].p <= 0.05;
    options.terms = {"x", "arm", "x:arm"};
    rejected["x:arm"] += biomarker::fit_survival_model(table, options).coefficients[2].p <= 0.05;
  }
  check_levels(rejected);
}

TEST_CASE("level of curves", "[calibration]") {
  core::Random random(72);
  io::Table table = followed_up(20, {"group"}, random);
  std::vector<std::string> group;
  for (std::size_t i = 0; i < table.rows.size(); ++i) group.push_back(i % 3 == 0 ? "b" : "a");
  biomarker::SurvivalCurvesOptions options;
  options.time = "time";
  options.event = "event";
  options.group = "group";
  options.permutations = 99;
  Rejected rejected;
  for (int draw = 0; draw < kDraws; ++draw) {
    random.shuffle(std::span(group));
    for (std::size_t i = 0; i < group.size(); ++i) table.rows[i][2] = group[i];
    const auto curves = biomarker::survival_curves(table, options);
    for (const auto& test : curves.tests) rejected[test.name] += test.p <= 0.05;
    rejected["restricted mean"] += curves.comparisons[0].p <= 0.05;
  }
  check_levels(rejected);
}

TEST_CASE("level of paired", "[calibration]") {
  core::Random random(73);
  constexpr std::size_t kPatients = 30;
  stats::RankSumDistribution distribution;
  std::vector<int> response(kPatients);
  for (std::size_t i = 0; i < kPatients; ++i) response[i] = i % 5 < 2;
  Rejected rejected;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> before, after;
    for (std::size_t i = 0; i < kPatients; ++i) {
      before.push_back(random.normal());
      after.push_back(before.back() + random.normal());
    }
    const auto change = biomarker::test_pairs("x", before, after, response, 6, distribution);
    rejected["signed rank"] += change.p <= 0.05;
    rejected["t"] += change.p_t <= 0.05;
    rejected["difference"] += change.p_difference <= 0.05;
    rejected["time x response"] += change.p_interaction <= 0.05;
  }
  check_levels(rejected);
}

TEST_CASE("level of meta", "[calibration]") {
  core::Random random(74);
  std::vector<std::vector<biomarker::CohortEstimate>> estimates(kDraws);
  for (const std::size_t patients : {20U, 30U, 40U, 60U}) {
    for (const auto& row :
         biomarker::associate(features_of(patients, 1, random), response_of(patients, 1), {}, test::context()).rows) {
      estimates[std::stoul(row.feature)].push_back({std::to_string(patients), row.n, row.effect, row.se, row.p});
    }
  }
  Rejected rejected;
  for (const auto& own : estimates) {
    const auto pooled = biomarker::pool_estimates("x", own, 2);
    rejected["p"] += pooled.p <= 0.05;
    rejected["p_random"] += pooled.p_random <= 0.05;
    rejected["p_heterogeneity"] += pooled.p_heterogeneity <= 0.05;
  }
  check_levels(rejected);
}

TEST_CASE("level of associate with clusters", "[calibration]") {
  const bool survival = GENERATE(false, true);
  core::Random random(75);
  constexpr std::size_t kPatients = 40;
  biomarker::Outcome outcome = response_of(2 * kPatients, 2);
  outcome.survival = survival;
  for (std::size_t i = 0; i < 2 * kPatients; ++i) outcome.cluster.push_back(static_cast<std::uint32_t>(i / 2));
  Rejected rejected;
  for (const auto& row : biomarker::associate(features_of(kPatients, 2, random), outcome, {}, test::context()).rows) {
    rejected[survival ? "survival" : "response"] += row.p <= 0.05;
  }
  check_levels(rejected);
}
