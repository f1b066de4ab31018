#include "stats/paired.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "reference_data.h"
#include "stats/wilcoxon.h"

using namespace immucan;

TEST_CASE("signed ranks by hand", "[paired]") {
  // All 2^4 signs are equally likely: V = 10 or 0 has probability 1/16 each.
  const std::vector<double> up{1, 2, 3, 4};
  CHECK(stats::signed_rank_test(up).v == 10);
  CHECK(stats::signed_rank_test(up).p == 0.125);
  const std::vector<double> mixed{-1, 2, 3, 4};
  CHECK(stats::signed_rank_test(mixed).p == 0.25);
  CHECK_FALSE(stats::signed_rank_test(std::vector<double>{1, 1, 2}).exact);
  CHECK(std::isnan(stats::signed_rank_test(std::vector<double>{0, 0}).p));
  CHECK(std::isnan(stats::paired_t_test(std::vector<double>{1, 1}).p));
}

TEST_CASE("paired tests and the mixed model agree with R on MORRISON-1", "[paired]") {
  const auto reference = test::reference("paired/reference_paired_tests.tsv");
  const auto scores = test::reference("paired/MORRISON1_signatures.tsv");
  const auto samples = test::reference("paired/MORRISON1_rna_metadata.tsv");
  if (!reference || !scores || !samples) return;
  struct Pair {
    std::optional<std::size_t> pre, on;
    bool responder = false, stable = false;
  };
  std::map<std::string, std::string> visit;
  for (const auto& row : samples->rows) visit[row[0]] = row[samples->require("timepoint.id")];
  std::map<std::string, Pair> pairs;
  for (std::size_t i = 0; i < scores->rows.size(); ++i) {
    const auto& row = scores->rows[i];
    const std::string& name = visit[row[0]];
    Pair& pair = pairs[row[1]];
    pair.responder = row[2] == "CRPR";
    pair.stable = row[2] == "SD";
    if (name.ends_with("-pre") && !pair.pre) pair.pre = i;
    if (name.ends_with("-on") && !pair.on) pair.on = i;
  }
  std::erase_if(pairs, [](const auto& entry) { return !entry.second.pre || !entry.second.on; });
  for (std::size_t k = 0; k < reference->rows.size(); ++k) {
    const std::string& name = reference->rows[k][0];
    std::vector<double> differences, groups[2], design, outcome;
    std::vector<std::uint32_t> patient;
    for (const auto& [id, pair] : pairs) {
      const double pre = test::number(*scores, *pair.pre, name), on = test::number(*scores, *pair.on, name);
      differences.push_back(on - pre);
      if (pair.stable) continue;  // neither response nor progression: missing in the reference
      groups[pair.responder ? 1 : 0].push_back(on - pre);
    }
    // The mixed model also uses patients with one sample.
    std::map<std::string, std::uint32_t> patients;
    for (std::size_t i = 0; i < scores->rows.size(); ++i) {
      const auto& row = scores->rows[i];
      const bool pre = visit[row[0]].ends_with("-pre"), late = visit[row[0]].ends_with("-on");
      if ((!pre && !late) || (row[2] != "CRPR" && row[2] != "PD")) continue;
      const double t = late ? 1 : 0, r = row[2] == "CRPR" ? 1 : 0;
      design.insert(design.end(), {1, t, r, t * r});
      outcome.push_back(test::number(*scores, i, name));
      patient.push_back(patients.emplace(row[1], static_cast<std::uint32_t>(patients.size())).first->second);
    }
    INFO(name << " pairs " << differences.size());
    const auto expected = [&](const std::string& column) { return test::number(*reference, k, column); };
    REQUIRE(static_cast<double>(differences.size()) == expected("n_pairs"));
    const auto ranks = stats::signed_rank_test(differences);
    CHECK(ranks.v == expected("wilcox_V"));
    CHECK(ranks.p == Approx(expected("wilcox_p")).epsilon(1e-10));
    const auto t = stats::paired_t_test(differences);
    CHECK(t.mean == Approx(expected("mean_delta")).epsilon(1e-10));
    CHECK(t.t == Approx(expected("t")).epsilon(1e-10));
    CHECK(t.p == Approx(expected("t_p")).epsilon(1e-10));
    stats::RankSumDistribution distribution;
    CHECK(stats::rank_sum_test(groups[1], groups[0], distribution).p ==
          Approx(expected("delta_R_vs_NR_p")).epsilon(1e-10));
    const auto mixed = stats::random_intercept_model(design, 4, outcome, patient);
    // The reference stopped where its optimiser's tolerance ended: a few millionths of a standard error.
    CHECK(std::fabs(mixed.coefficients[1] - expected("lmer_tp")) <= 1e-5 * mixed.errors[1]);
    CHECK(mixed.errors[1] == Approx(expected("lmer_tp_se")).epsilon(1e-5));
    CHECK(std::fabs(mixed.coefficients[3] - expected("lmer_inter")) <= 1e-5 * mixed.errors[3]);
    CHECK(mixed.errors[3] == Approx(expected("lmer_inter_se")).epsilon(1e-5));
  }
}
