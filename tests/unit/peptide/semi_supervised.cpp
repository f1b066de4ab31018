#include "peptide/semi_supervised.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.h"
#include "peptide/rescoring.h"

using namespace immucan;
using namespace immucan::peptide;

namespace {

struct Planted {
  TrainingTable table;
  std::vector<bool> right;
};

/// `count` matches, a third right. Column 0 and 1 carry the truth, the rest is noise that decoys and wrong targets
/// share.
Planted plant(std::uint64_t seed, std::size_t count, double share, std::size_t noise) {
  core::Random random(seed);
  Planted out;
  out.table.columns = 2 + noise;
  for (std::size_t i = 0; i < count; ++i) {
    const bool right = random.bernoulli(share);
    const double first = random.normal(right ? 3 : 0, 1);
    out.table.features.push_back(first);
    out.table.features.push_back(random.normal(right ? -2.5 : 0, 1));
    for (std::size_t k = 0; k < noise; ++k) out.table.features.push_back(random.normal());
    out.table.initial_score.push_back(first);
    out.table.is_decoy.push_back(!right && random.bernoulli(0.5) ? 1 : 0);
    out.table.fold.push_back(static_cast<std::uint8_t>(random.below(kFolds)));
    out.table.tie.push_back(random.next());
    out.right.push_back(right);
  }
  return out;
}

struct Found {
  double accepted = 0, wrong = 0;
};

Found accept(const Planted& planted, const std::vector<double>& scores) {
  std::vector<ScoredMatch> matches;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    matches.push_back({scores[i], planted.table.is_decoy[i] != 0, 0, planted.table.tie[i], i});
  }
  const auto confidence = target_decoy(matches, 1);
  Found found;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (planted.table.is_decoy[i] != 0 || confidence[i].q_value > 0.01) continue;
    found.accepted += 1;
    found.wrong += planted.right[i] ? 0 : 1;
  }
  return found;
}

}  // namespace

TEST_CASE("the support vector machine stands at a minimum of its objective") {
  core::Random random(4);
  const std::size_t n = 300, d = 4;
  std::vector<double> rows, labels, costs;
  for (std::size_t i = 0; i < n; ++i) {
    const double label = i % 3 == 0 ? 1 : -1;
    for (std::size_t c = 0; c < d; ++c) rows.push_back(random.normal(c == 1 ? label : 0.2 * label, 1));
    labels.push_back(label);
    costs.push_back(label > 0 ? 0.5 : 0.2);
  }
  const auto objective = [&](const std::vector<double>& w) {
    double value = 0;
    for (std::size_t c = 0; c < d; ++c) value += 0.5 * w[c] * w[c];
    for (std::size_t i = 0; i < n; ++i) {
      double margin = w[d];
      for (std::size_t c = 0; c < d; ++c) margin += w[c] * rows[i * d + c];
      const double slack = std::max(0.0, 1 - labels[i] * margin);
      value += costs[i] * slack * slack;
    }
    return value;
  };
  const auto weights = train_svm(rows, d, labels, costs);
  REQUIRE(weights.size() == d + 1);
  const double least = objective(weights);
  for (std::size_t c = 0; c <= d; ++c) {
    for (const double step : {-1e-3, 1e-3}) {
      auto moved = weights;
      moved[c] += step;
      CHECK(objective(moved) > least);
    }
  }
}

TEST_CASE("learning finds more than the first score, and the error stays where it is claimed") {
  Found before, after;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Planted planted = plant(seed, 4000, 1.0 / 3, 10);
    const auto scores = learn_scores(planted.table, nullptr);
    REQUIRE(scores.size() == planted.table.rows());
    const Found first = accept(planted, planted.table.initial_score), learned = accept(planted, scores);
    before.accepted += first.accepted;
    after.accepted += learned.accepted;
    after.wrong += learned.wrong;
  }
  CHECK(after.accepted > 1.3 * before.accepted);
  CHECK(after.wrong / after.accepted < 0.014);
}

TEST_CASE("columns that are refreshed on the way take part, for all rows") {
  Planted planted = plant(3, 3000, 1.0 / 3, 2);
  const std::vector<double> truth = planted.table.features;
  for (std::size_t i = 0; i < planted.table.rows(); ++i) planted.table.features[4 * i + 1] = 0;
  std::size_t rounds = 0;
  const auto without = learn_scores(planted.table, nullptr);
  const auto with =
      learn_scores(planted.table, [&](const std::vector<std::size_t>& confident, std::vector<double>& features) {
        ++rounds;
        REQUIRE(confident.size() >= kMinTraining);
        for (std::size_t i = 0; i < planted.table.rows(); ++i) features[4 * i + 1] = truth[4 * i + 1];
      });
  CHECK(rounds >= kFolds);
  CHECK(accept(planted, with).accepted > 1.2 * accept(planted, without).accepted);
}

TEST_CASE("nothing is learned from too little, and nothing is found where nothing is") {
  CHECK(learn_scores(plant(1, 150, 0.5, 2).table, nullptr).empty());
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Planted planted = plant(seed, 3000, 0.0, 30);
    const auto scores = learn_scores(planted.table, nullptr);
    CHECK((scores.empty() || accept(planted, scores).accepted < 5));
  }
  CHECK(learn_scores(TrainingTable{}, nullptr).empty());
}
