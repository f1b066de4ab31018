#include "peptide/rescoring.h"

#include <catch2/catch.hpp>

#include "core/random.h"

using namespace immucan;
using namespace immucan::peptide;

TEST_CASE("q-values: (D + 1) / T, monotone") {
  // T T D T T D by falling score
  std::vector<ScoredMatch> matches;
  const bool decoys[] = {false, false, true, false, false, true};
  for (std::uint64_t i = 0; i < 6; ++i) matches.push_back({10.0 - static_cast<double>(i), decoys[i], 0, i, i});
  const auto out = target_decoy(matches, 1);
  // raw: 1/1 1/2 2/2 2/3 2/4 3/4; from the end the smallest so far
  const double expected[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.75};
  for (std::size_t i = 0; i < 6; ++i) CHECK(out[i].q_value == Approx(expected[i]));
  for (std::size_t i = 1; i < 6; ++i) CHECK(out[i].pep >= out[i - 1].pep);
}

TEST_CASE("a set too small for a claim is honest") {
  CHECK(target_decoy({{50.0, false, 0, 1, 1}}, 1)[0].q_value == 1.0);
  CHECK(target_decoy({{50.0, false, 0, 1, 1}}, 1)[0].pep == 1.0);
  CHECK(target_decoy({}, 1).empty());
  std::vector<ScoredMatch> few;
  for (std::uint64_t i = 0; i < 50; ++i) few.push_back({static_cast<double>(i), false, 0, i, i});
  for (const auto& match : target_decoy(few, 1)) CHECK(match.q_value == Approx(0.02));
}

TEST_CASE("peptide-level values: the best match of each sequence competes") {
  std::vector<ScoredMatch> matches{{10, false, 0, 1, 7}, {9, false, 0, 2, 7}, {8, false, 0, 3, 8}, {7, true, 0, 4, 9}};
  const auto out = target_decoy(matches, 1);
  CHECK(out[0].q_value == Approx(1.0 / 3));
  CHECK(out[0].peptide_q_value == Approx(1.0 / 2));
  CHECK(out[1].peptide_q_value == out[0].peptide_q_value);
  CHECK(out[3].peptide_q_value == Approx(1.0));
}

TEST_CASE("planted truth: the realised false proportion follows q, in a rare class too") {
  // 4000 spectra of class 0, 400 of class 1; a third of each is right. Wrong ones are targets or decoys by a coin.
  double false_0 = 0, found_0 = 0, false_1 = 0, found_1 = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    core::Random random(seed);
    std::vector<ScoredMatch> matches;
    std::vector<bool> right;
    for (std::uint64_t i = 0; i < 4400; ++i) {
      const bool correct = random.bernoulli(1.0 / 3);
      const double score = correct ? random.normal(4, 1.2) : random.normal(0, 1);
      matches.push_back({score, !correct && random.bernoulli(0.5), i < 4000 ? 0U : 1U, random.next(), i});
      right.push_back(correct);
    }
    const auto out = target_decoy(matches, 2);
    for (std::size_t i = 0; i < matches.size(); ++i) {
      if (matches[i].is_decoy || out[i].q_value > 0.01) continue;
      (matches[i].group == 0 ? found_0 : found_1) += 1;
      if (!right[i]) (matches[i].group == 0 ? false_0 : false_1) += 1;
    }
  }
  CHECK(found_0 > 20 * 1000);
  CHECK(false_0 / found_0 < 0.013);
  CHECK(false_0 / found_0 > 0.004);
  CHECK(found_1 > 20 * 90);
  CHECK(false_1 / found_1 < 0.02);
}
