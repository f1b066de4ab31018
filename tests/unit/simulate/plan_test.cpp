#include "simulate/plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "io/features_table.h"

using namespace immucan;
using namespace immucan::simulate;

namespace {

std::vector<const Patient*> select(const Cohort& cohort, bool treated, bool responder) {
  std::vector<const Patient*> selected;
  for (const Patient& patient : cohort.patients) {
    if (patient.treated == treated && patient.responder == responder) selected.push_back(&patient);
  }
  return selected;
}

}  // namespace

TEST_CASE("arms and response are balanced and every tumour type is there") {
  const Cohort cohort = plan_cohort({.patients = 24, .seed = 3, .small = false});
  REQUIRE(cohort.patients.size() == 24);
  std::map<std::string, int> types;
  int failures = 0;
  for (const Patient& patient : cohort.patients) {
    ++types[patient.tumour_type];
    failures += patient.prior_ici;
    CHECK(patient.prior_ici == !patient.resistance.empty());
    CHECK((patient.best_response == "CR" || patient.best_response == "PR") == patient.responder);
    CHECK(patient.pfs_days <= patient.os_days);
    CHECK(patient.os_days >= 1);
  }
  CHECK(types.size() == 5);
  CHECK(failures >= 3);
  for (const bool treated : {false, true}) {
    for (const bool responder : {false, true}) CHECK(select(cohort, treated, responder).size() == 6);
  }
}

TEST_CASE(
    "every series is complete but for one patient of either class, and its batches are balanced except in stool") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Cohort cohort = plan_cohort({.patients = 24, .seed = seed, .small = false});
    std::map<std::string, std::map<std::pair<bool, bool>, int>> counts;  // series → (responder, second batch)
    std::set<std::string> ids, visits;
    for (const SamplePlan& sample : cohort.samples) {
      CHECK(ids.insert(sample.id).second);
      visits.insert(sample.visit);
      if (sample.visit != "naive") continue;
      ++counts[sample.modality + "@" + sample.specimen]
              [{cohort.patients[sample.patient].responder, sample.second_batch}];
    }
    CHECK(visits == std::set<std::string>{"naive", "on-treatment", "follow-up"});
    REQUIRE(counts.size() == 5);
    for (auto& [series, table] : counts) {
      INFO(series << " seed " << seed);
      for (const bool responder : {false, true}) {
        CHECK(table[{responder, false}] + table[{responder, true}] == 11);
        if (series == "microbiome@stool") {
          CHECK(table[{responder, responder}] == 9);
          CHECK(table[{responder, !responder}] == 2);  // imbalanced, not aliased
        } else {
          CHECK(std::abs(table[{responder, false}] - table[{responder, true}]) <= 1);
        }
      }
    }
  }
}

TEST_CASE("no batch of a small cohort holds one class only") {
  for (const int patients : {8, 11}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const Cohort cohort = plan_cohort({.patients = patients, .seed = seed, .small = true});
      std::map<std::string, std::set<bool>> classes;
      for (const SamplePlan& sample : cohort.samples) {
        if (sample.visit == "naive") classes[sample.batch].insert(cohort.patients[sample.patient].responder);
      }
      for (const auto& [batch, both] : classes) {
        INFO(batch << " patients " << patients << " seed " << seed);
        CHECK(both.size() == 2);
      }
    }
  }
}

TEST_CASE("planted levels separate responders by more than 3 SD in every seed and in both arms") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Cohort cohort = plan_cohort({.patients = 24, .seed = seed, .small = false});
    for (std::size_t k = 0; k < planted_features().size(); ++k) {
      const PlantedFeature& feature = planted_features()[k];
      INFO(feature.feature << " seed " << seed);
      CHECK((feature.up ? 1 : -1) * latent_effect(cohort, k) >= 3);
      for (const bool treated : {false, true}) {
        double responders = 0, others = 0;
        for (const Patient* patient : select(cohort, treated, true)) responders += patient->levels[k] / 6;
        for (const Patient* patient : select(cohort, treated, false)) others += patient->levels[k] / 6;
        CHECK((responders > 2 * others) == feature.up);
        CHECK((others > 2 * responders) == !feature.up);
      }
    }
  }
}

TEST_CASE("latent_effect is the difference of class means over the pooled standard deviation") {
  Cohort cohort{.options = {}, .patients = std::vector<Patient>(4), .samples = {}};
  const std::vector<double> values = {1, 3, 7, 9};
  for (std::size_t i = 0; i < 4; ++i) {
    cohort.patients[i].responder = i >= 2;
    cohort.patients[i].levels.assign(planted_features().size(), values[i]);
  }
  // Variance 2 in both classes, means 2 and 8.
  CHECK(latent_effect(cohort, 0) == Approx(6 / std::sqrt(2.0)));
}

TEST_CASE("the prognostic gene has the same levels in every arm and class, and shortens survival in both arms") {
  double early = 0, late = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Cohort cohort = plan_cohort({.patients = 24, .seed = seed, .small = false});
    std::set<std::vector<double>> sets;
    for (const bool treated : {false, true}) {
      for (const bool responder : {false, true}) {
        std::vector<double> levels;
        for (const Patient* patient : select(cohort, treated, responder)) {
          levels.push_back(patient->prognostic_level);
          (patient->prognostic_z > 0 ? early : late) += patient->os_days;
        }
        std::sort(levels.begin(), levels.end());
        sets.insert(std::move(levels));
      }
    }
    CHECK(sets.size() == 1);
  }
  CHECK(early < 0.6 * late);
}

TEST_CASE("response prolongs survival in the treated arm only") {
  std::map<std::pair<bool, bool>, double> days;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const Patient& patient : plan_cohort({.patients = 24, .seed = seed, .small = false}).patients) {
      days[{patient.treated, patient.responder}] += patient.os_days / 240.0;
    }
  }
  CHECK(days[{true, true}] > 1.5 * days[{true, false}]);
  CHECK(days[{false, true}] == Approx(days[{false, false}]).epsilon(0.15));
}

TEST_CASE("names are those the tools write") {
  std::set<std::string> modalities;
  for (const PlantedFeature& feature : planted_features()) {
    const auto parts = io::parse_feature(feature.feature);
    REQUIRE(parts);
    CHECK(parts->modality == feature.modality);
    modalities.insert(parts->modality);
    const std::string entity =
        feature.modality == "scrna" ? "total/" + std::string(feature.entity) : std::string(feature.entity);
    CHECK(io::feature_name(parts->modality, parts->specimen, entity, parts->measure) == feature.feature);
  }
  CHECK(modalities == std::set<std::string>{"cytof", "scrna", "peptide", "microbiome"});
}

TEST_CASE("a level belongs to a sample, whatever else is drawn") {
  const Cohort cohort = plan_cohort({.patients = 8, .seed = 1, .small = true});
  for (const SamplePlan& sample : cohort.samples) {
    if (sample.specimen != "stool") continue;
    const double contaminant = sample_level(cohort, sample, confounded_feature().feature);
    CHECK(contaminant == sample_level(cohort, sample, confounded_feature().feature));
    CHECK((contaminant > 0.01) == sample.second_batch);
  }
  CHECK_THROWS_AS(sample_level(cohort, cohort.samples[0], "nothing"), core::Error);
}

TEST_CASE("cohorts that cannot be balanced are refused") {
  for (const int patients : {-1, 0, 3, 10000}) {
    try {
      static_cast<void>(plan_cohort({.patients = patients, .seed = 1, .small = false}));
      FAIL("accepted " << patients);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kUsage);
    }
  }
}
