// Contaminants: planted ones (T15), nothing planted (permuted data), and decontam's own scores.
#include "microbiome/contaminants.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "core/error.h"
#include "core/random.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

struct Study {
  std::vector<std::vector<double>> shares;  // taxa × samples
  std::vector<ControlRow> samples;
  std::vector<bool> planted;
};

struct Plan {
  std::size_t taxa = 60, contaminants = 12, samples = 32, blanks = 6, batches = 2;
  double reads = 20000;
  double burden = 0.03;  ///< contaminant DNA as a share of a sample of median concentration
  double leak = 0.001;   ///< of the samples' reads in a blank
};

/// Samples whose DNA spans two and a half decades, contaminants of a constant amount (and noise), each batch with
/// reagents of its own, blanks with contaminants and a little of the samples.
Study simulate(std::uint64_t seed, const Plan& plan) {
  core::Random random(seed);
  Study study;
  const std::size_t all = plan.taxa + plan.contaminants;
  std::vector<double> mean(plan.taxa), prevalence(plan.taxa);
  for (std::size_t t = 0; t < plan.taxa; ++t) {
    mean[t] = random.normal(0, 1.5);
    prevalence[t] = 0.25 + 0.75 * random.uniform();
  }
  std::vector<std::vector<double>> amount(plan.batches, std::vector<double>(plan.contaminants));
  for (auto& batch : amount) {
    double sum = 0;
    for (double& value : batch) sum += value = random.lognormal(0, 0.7);
    for (double& value : batch) value *= plan.burden / sum;
  }
  study.shares.assign(all, {});
  study.planted.assign(all, false);
  std::fill(study.planted.begin() + static_cast<std::ptrdiff_t>(plan.taxa), study.planted.end(), true);
  std::vector<double> average(plan.taxa);
  for (std::size_t s = 0; s < plan.samples + plan.blanks; ++s) {
    const bool blank = s >= plan.samples;
    const std::size_t batch = s % plan.batches;
    const double concentration = random.lognormal(0, 1.4);
    std::vector<double> dna(all);
    double sum = 0;
    for (std::size_t t = 0; t < plan.taxa; ++t) {
      if (!blank && random.bernoulli(prevalence[t])) sum += dna[t] = random.lognormal(mean[t], 1.0);
    }
    for (std::size_t t = 0; t < plan.taxa; ++t) {
      if (blank) {
        dna[t] = average[t] / static_cast<double>(plan.samples) * plan.leak;
      } else {
        dna[t] *= concentration / sum;
        average[t] += dna[t] / concentration;
      }
    }
    for (std::size_t c = 0; c < plan.contaminants; ++c)
      dna[plan.taxa + c] = amount[batch][c] * random.lognormal(0, 0.6);
    double total = 0, drawn = 0;
    for (const double value : dna) total += value;
    const double reads = plan.reads * random.lognormal(0, 0.3) * (blank ? 0.1 : 1);
    for (double& value : dna) drawn += value = static_cast<double>(random.poisson(reads * value / total));
    for (std::size_t t = 0; t < all; ++t) study.shares[t].push_back(drawn > 0 ? dna[t] / drawn : 0);
    study.samples.push_back({"s" + std::to_string(s), blank ? "blank" : "sample", "b" + std::to_string(batch),
                             blank ? std::nullopt : std::optional(concentration * random.lognormal(0, 0.2))});
  }
  return study;
}

struct Outcome {
  std::size_t found = 0, planted = 0, dropped = 0;
};

Outcome judge(const Study& study, const ContaminantOptions& options) {
  const auto scores = score_contaminants(study.shares, study.samples, options);
  Outcome outcome;
  for (std::size_t t = 0; t < scores.size(); ++t) {
    outcome.planted += study.planted[t] ? 1 : 0;
    (study.planted[t] ? outcome.found : outcome.dropped) += scores[t].contaminant ? 1 : 0;
  }
  return outcome;
}

}  // namespace

TEST_CASE("planted contaminants are found, true taxa stay (T15)") {
  const bool talk = std::getenv("IMMUCAN_SHOW") != nullptr;
  struct Design {
    const char* name;
    ContaminantTests tests;
    Plan plan;
  };
  const Plan usual;
  Plan one = usual;
  one.batches = 1;
  one.samples = 20;
  one.blanks = 4;
  Plan little = usual;
  little.burden = 0.003;
  Plan leaky = usual;
  leaky.leak = 0.02;
  for (const Design& design : {Design{"combined", ContaminantTests::kAuto, usual},
                               Design{"concentration alone", ContaminantTests::kFrequency, usual},
                               Design{"blanks alone", ContaminantTests::kPrevalence, usual},
                               Design{"one batch of 20", ContaminantTests::kAuto, one},
                               Design{"a tenth of the contamination", ContaminantTests::kAuto, little},
                               Design{"two per cent of the samples in blanks", ContaminantTests::kAuto, leaky}}) {
    std::size_t found = 0, planted = 0, most_dropped = 0, dropped = 0;
    constexpr int kSeeds = 20;
    for (int seed = 1; seed <= kSeeds; ++seed) {
      const Outcome outcome = judge(simulate(static_cast<std::uint64_t>(seed), design.plan), {design.tests, 0.05});
      found += outcome.found;
      planted += outcome.planted;
      dropped += outcome.dropped;
      most_dropped = std::max(most_dropped, outcome.dropped);
    }
    if (talk)
      std::cout << design.name << ": recall " << static_cast<double>(found) / static_cast<double>(planted)
                << ", true taxa dropped " << dropped << " in " << kSeeds << " studies, at most " << most_dropped
                << "\n";
    INFO(design.name);
    CHECK(static_cast<double>(found) >= 0.9 * static_cast<double>(planted));
    CHECK(most_dropped <= 1);
  }
}

TEST_CASE("where nothing is planted p is uniform: permuted concentrations and blanks") {
  std::vector<double> frequency, enrichment, combined, prevalence;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Plan plan;
    plan.contaminants = 0;
    plan.samples = 40;
    plan.blanks = 0;
    Study study = simulate(seed, plan);
    core::Random random(seed, 9);
    // Any five samples of a batch are called blanks, and concentrations are dealt anew.
    std::vector<std::size_t> order(study.samples.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    random.shuffle(std::span(order));
    std::vector<std::optional<double>> concentrations;
    for (const std::size_t i : order) concentrations.push_back(study.samples[i].concentration);
    for (std::size_t i = 0; i < order.size(); ++i) study.samples[i].concentration = concentrations[i];
    for (std::size_t i = 0; i < 10; ++i) study.samples[order[i]].control = "blank";
    for (const auto& score : score_contaminants(study.shares, study.samples, {})) {
      if (score.in_samples < 10) continue;
      frequency.push_back(score.p_frequency);
      enrichment.push_back(score.p_enrichment);
      prevalence.push_back(score.p_prevalence);
      combined.push_back(score.p);
    }
  }
  REQUIRE(combined.size() > 2000);
  const auto share_below = [](const std::vector<double>& p, double level) {
    return static_cast<double>(std::ranges::count_if(p, [&](double value) { return value < level; })) /
           static_cast<double>(p.size());
  };
  for (const double level : {0.01, 0.05, 0.1, 0.5}) {
    const double slack = 4 * std::sqrt(level * (1 - level) / static_cast<double>(combined.size())) + 0.1 * level;
    INFO(level);
    CHECK(std::abs(share_below(frequency, level) - level) < slack);
    // Ranks of few blanks are discrete: not above the level.
    CHECK(share_below(enrichment, level) < level + slack);
    CHECK(share_below(combined, level) < level + slack);
    CHECK(share_below(prevalence, level) < level + slack + 0.02);
    if (std::getenv("IMMUCAN_SHOW") != nullptr)
      std::cout << "p < " << level << ": frequency " << share_below(frequency, level) << ", enrichment "
                << share_below(enrichment, level) << ", prevalence " << share_below(prevalence, level) << ", combined "
                << share_below(combined, level) << "\n";
  }
}

TEST_CASE("decontam's scores") {
  // R: isContaminantFrequency and isContaminantPrevalence of decontam 1.13 on these values.
  CHECK(decontam_frequency_score({std::log(0.1), std::log(0.2), std::log(0.5), std::log(0.04)},
                                 {std::log(10.0), std::log(5.0), std::log(2.5), std::log(30.0)}) ==
        Approx(0.00224532560131639).epsilon(1e-6));
  CHECK(decontam_prevalence_score(6, 2, 5, 25) == Approx(0.00184354933181463).epsilon(1e-6));
  CHECK(decontam_prevalence_score(15, 5, 20, 40) == Approx(0.00138233431292234).epsilon(1e-6));
  CHECK(decontam_prevalence_score(4, 0, 20, 0) == 0.5);
  CHECK(std::isnan(decontam_prevalence_score(1, 0, 0, 20)));
  CHECK(std::isnan(decontam_frequency_score({0.0}, {0.0})));
}

TEST_CASE("controls tables") {
  const auto rows = read_controls(io::open_memory(
      "sample_id\tpatient_id\tcontrol\tbatch\tconcentration\na\tp\tsample\t1\t2.5\nb\tNA\tblank\tNA\tNA\n"));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].concentration == 2.5);
  CHECK(rows[1].batch.empty());
  const auto fails = [](const std::string& text, const std::string& words) {
    CHECK_THROWS_WITH(read_controls(io::open_memory(text, "c")), Catch::Contains(words));
  };
  fails("sample_id\n", "column 'control' is missing");
  fails("sample_id\tcontrol\nNA\tblank\n", "c:2");
  fails("sample_id\tcontrol\na\twater\n", "unknown value 'water'");
  fails("sample_id\tcontrol\na\tblank\na\tblank\n", "a second time");
  fails("sample_id\tcontrol\tconcentration\na\tblank\t0\n", "not above 0");
}

TEST_CASE("tests without data are refused") {
  const std::vector<std::vector<double>> shares{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
  std::vector<ControlRow> samples{{"a", "sample", "", {}}, {"b", "sample", "", {}}, {"c", "sample", "", {}}};
  const auto status = [&](ContaminantTests tests) {
    try {
      (void)score_contaminants(shares, samples, {tests, 0.05});
    } catch (const core::Error& error) {
      return error.status();
    }
    return core::Status::kOk;
  };
  CHECK(status(ContaminantTests::kAuto) == core::Status::kUsage);
  CHECK(status(ContaminantTests::kPrevalence) == core::Status::kUsage);
  samples[2].control = "blank";
  CHECK(status(ContaminantTests::kAuto) == core::Status::kOk);
  CHECK(status(ContaminantTests::kFrequency) == core::Status::kUsage);
}
