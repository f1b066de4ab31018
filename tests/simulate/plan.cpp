#include "simulate/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace immucan::simulate {
namespace {

// Two (or four) features per modality move in opposite directions as far as the total of the modality allows, so that
// sums and diversities stay where they are.
constexpr std::array kPlanted = {
    PlantedFeature{"cytof@blood:CD8_PD1:fraction", "cytof", "CD8_PD1", true, 0.008, 0.042, 0.20, Scale::kLinear},
    PlantedFeature{"cytof@blood:Treg:fraction", "cytof", "Treg", false, 0.008, 0.042, 0.20, Scale::kLinear},
    PlantedFeature{"cytof@blood:M_MDSC:fraction", "cytof", "M_MDSC", false, 0.008, 0.042, 0.20, Scale::kLinear},
    PlantedFeature{"scrna@tissue:total/CXCL13:log1p_cpm", "scrna", "CXCL13", true, 0.002, 0.010, 0.20, Scale::kLog},
    PlantedFeature{"scrna@tissue:total/CXCL9:log1p_cpm", "scrna", "CXCL9", true, 0.002, 0.010, 0.20, Scale::kLog},
    PlantedFeature{"scrna@tissue:total/SPP1:log1p_cpm", "scrna", "SPP1", false, 0.002, 0.010, 0.20, Scale::kLog},
    PlantedFeature{"peptide@tissue:neoantigen:count", "peptide", "neoantigen", true, 10, 50, 0.15, Scale::kLinear},
    PlantedFeature{"peptide@tissue:PRAME:log1p_psms", "peptide", "PRAME", true, 1.5, 26, 0.20, Scale::kLog1p},
    PlantedFeature{"peptide@tissue:MAGEA4:log1p_psms", "peptide", "MAGEA4", false, 1.5, 26, 0.20, Scale::kLog1p},
    PlantedFeature{"microbiome@stool:Akkermansia_muciniphila:abundance", "microbiome", "Akkermansia muciniphila", true,
                   0.008, 0.040, 0.20, Scale::kLinear},
    PlantedFeature{"microbiome@stool:Bifidobacterium_longum:abundance", "microbiome", "Bifidobacterium longum", true,
                   0.008, 0.040, 0.20, Scale::kLinear},
    PlantedFeature{"microbiome@stool:Ruminococcus_gnavus:abundance", "microbiome", "Ruminococcus gnavus", false, 0.008,
                   0.040, 0.20, Scale::kLinear},
    PlantedFeature{"microbiome@stool:Hungatella_hathewayi:abundance", "microbiome", "Hungatella hathewayi", false,
                   0.008, 0.040, 0.20, Scale::kLinear},
};
constexpr PlantedFeature kPrognostic{
    "scrna@tissue:total/MKI67:log1p_cpm", "scrna", "MKI67", true, 0.004, 0.004, 0.60, Scale::kLog};
constexpr PlantedFeature kConfounded{"microbiome@stool:Ralstonia_pickettii:abundance",
                                     "microbiome",
                                     "Ralstonia pickettii",
                                     true,
                                     0.004,
                                     0.025,
                                     0.20,
                                     Scale::kLinear};

/// Share of the stool samples of a response class that sit in "their" batch.
constexpr double kBatchImbalance = 0.8;
/// Log hazard ratios of death: per SD of the prognostic gene in both arms; of responders in the treated arm only.
constexpr double kPrognosticHazard = 1.8;
constexpr double kResponderHazard = -2.2;

constexpr std::array<std::string_view, 5> kTumourTypes = {"crc", "lung", "hnscc", "breast", "gastric"};

struct Series {
  std::string_view specimen, modality, batch;
};
constexpr std::array kSeries = {Series{"blood", "cytof", "cytof"}, Series{"tissue", "scrna", "scrna"},
                                Series{"tissue", "peptide", "peptide"}, Series{"stool", "microbiome", "stool"},
                                Series{"saliva", "microbiome", "saliva"}};

/// The k-th of `count` equally spaced quantiles of the standard normal distribution.
double normal_score(std::size_t k, std::size_t count) {
  return core::normal_quantile((static_cast<double>(k) + 0.5) / static_cast<double>(count));
}

/// Patients of one arm and response class, in random order.
std::vector<std::size_t> shuffled_class(const Cohort& cohort, core::Random& random, bool treated, bool responder) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < cohort.patients.size(); ++i) {
    if (cohort.patients[i].treated == treated && cohort.patients[i].responder == responder) members.push_back(i);
  }
  random.shuffle(std::span(members));
  return members;
}

void draw_classes(Cohort& cohort, core::Random& random) {
  const auto count = static_cast<std::size_t>(cohort.options.patients);
  // Arms and classes are permuted blocks of four, so that they are balanced whatever the number of patients.
  std::array<int, 4> block = {0, 1, 2, 3};
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 4 == 0) random.shuffle(std::span<int>(block));
    Patient patient{};
    patient.short_id = fmt::format("P{:02}", i + 1);
    patient.id = "IMM-" + patient.short_id;
    patient.treated = block[i % 4] % 2 == 1;
    patient.responder = block[i % 4] / 2 == 1;
    cohort.patients.push_back(std::move(patient));
  }
}

void draw_clinical(Cohort& cohort, core::Random& random) {
  std::size_t type = 0;
  std::size_t rank = 0;
  for (const bool treated : {false, true}) {
    for (const bool responder : {false, true}) {
      for (const std::size_t i : shuffled_class(cohort, random, treated, responder)) {
        Patient& patient = cohort.patients[i];
        patient.tumour_type = kTumourTypes[type++ % kTumourTypes.size()];
        // Every fifth patient of the lines has failed a checkpoint inhibitor before, half of them primarily.
        patient.prior_ici = rank % 5 == 2;
        if (patient.prior_ici) patient.resistance = rank % 10 == 2 ? "primary" : "acquired";
        ++rank;
        patient.line = patient.prior_ici ? 2 + static_cast<int>(random.below(2)) : 1;
        patient.stage = random.bernoulli(0.7) ? "IV" : "III";
        patient.best_response =
            responder ? (random.bernoulli(0.25) ? "CR" : "PR") : (random.bernoulli(0.4) ? "SD" : "PD");
        patient.sex = random.bernoulli(0.5) ? "F" : "M";
        patient.site = std::string(1, static_cast<char>('A' + random.below(3)));
        patient.msi = random.bernoulli(0.1) ? "MSI-H" : "MSS";
        patient.age = static_cast<int>(std::lround(std::clamp(random.normal(63, 9), 30.0, 88.0)));
        patient.antibiotics = random.bernoulli(0.2) ? 1 : 0;
        patient.pd_l1 = std::floor(random.uniform() * 80);
        patient.tmb = std::round(random.lognormal(1.6, 0.6) * 10) / 10;
      }
    }
  }
}

void draw_levels(Cohort& cohort, core::Random& random) {
  for (Patient& patient : cohort.patients) {
    for (const PlantedFeature& feature : kPlanted) {
      const double median = feature.up == patient.responder ? feature.high : feature.low;
      patient.levels.push_back(median * std::exp(feature.log_sd * bounded_normal(random)));
    }
  }
  // The prognostic gene takes the same normal scores in each arm and class: it cannot follow either by chance.
  for (const bool treated : {false, true}) {
    for (const bool responder : {false, true}) {
      const std::vector<std::size_t> members = shuffled_class(cohort, random, treated, responder);
      for (std::size_t k = 0; k < members.size(); ++k) {
        Patient& patient = cohort.patients[members[k]];
        patient.prognostic_z = normal_score(k, members.size());
        patient.prognostic_level = kPrognostic.low * std::exp(kPrognostic.log_sd * patient.prognostic_z);
      }
    }
  }
}

void draw_survival(Cohort& cohort, core::Random& random) {
  for (Patient& patient : cohort.patients) {
    const double log_hazard =
        kPrognosticHazard * patient.prognostic_z + (patient.treated && patient.responder ? kResponderHazard : 0);
    const double death = random.exponential(std::exp(log_hazard) / 380.0);
    const double progression = std::min(death, random.exponential(std::exp(log_hazard) / 230.0));
    const double censored = 650 + 700 * random.uniform();
    const auto days = [](double value) { return std::max(1, static_cast<int>(std::lround(value))); };
    patient.os_event = death <= censored;
    patient.os_days = days(std::min(death, censored));
    patient.pfs_event = progression <= censored;
    patient.pfs_days = days(std::min(progression, censored));
  }
}

/// Patients without a sample of a series, as many of either class.
std::vector<bool> draw_missing(const Cohort& cohort, core::Random& random) {
  std::vector<bool> missing(cohort.patients.size(), false);
  const std::size_t per_class = std::max<std::size_t>(cohort.patients.size() / 24, cohort.patients.size() >= 8 ? 1 : 0);
  for (const bool responder : {false, true}) {
    std::vector<std::size_t> members = shuffled_class(cohort, random, random.bernoulli(0.5), responder);
    for (std::size_t k = 0; k < std::min(per_class, members.size()); ++k) missing[members[k]] = true;
  }
  return missing;
}

/// Which patients have their samples of a series in the second batch: half of each arm and class, except in stool.
std::vector<bool> draw_batches(const Cohort& cohort, core::Random& random, const std::vector<bool>& missing,
                               bool imbalanced) {
  std::vector<bool> second(cohort.patients.size(), false);
  std::size_t turn = 0;
  for (const bool responder : {false, true}) {
    std::vector<std::size_t> members;
    for (const bool treated : {false, true}) {
      for (const std::size_t i : shuffled_class(cohort, random, treated, responder)) {
        if (!missing[i]) members.push_back(i);
      }
    }
    if (imbalanced) {
      random.shuffle(std::span(members));
      // Never all of them: batch and response must not be the same thing.
      const auto own =
          std::min(static_cast<std::size_t>(std::lround(kBatchImbalance * static_cast<double>(members.size()))),
                   members.size() - 1);
      for (std::size_t k = 0; k < members.size(); ++k) second[members[k]] = (k < own) == responder;
    } else {
      for (const std::size_t i : members) second[i] = turn++ % 2 == 1;
    }
  }
  return second;
}

/// Within a batch the contaminant must not differ between the classes, not even by chance: it is to follow the batch
/// alone.
void draw_contaminant(Cohort& cohort, core::Random& random, const std::vector<bool>& second,
                      const std::vector<bool>& missing) {
  for (const bool batch : {false, true}) {
    for (const bool responder : {false, true}) {
      std::vector<std::size_t> members;
      for (std::size_t i = 0; i < cohort.patients.size(); ++i) {
        if (!missing[i] && second[i] == batch && cohort.patients[i].responder == responder) members.push_back(i);
      }
      random.shuffle(std::span(members));
      for (std::size_t k = 0; k < members.size(); ++k) {
        cohort.patients[members[k]].contaminant_z = normal_score(k, members.size());
      }
    }
  }
}

void plan_samples(Cohort& cohort, core::Random& random) {
  std::vector<SamplePlan> samples;
  for (const Series& series : kSeries) {
    const std::vector<bool> missing = draw_missing(cohort, random);
    const std::vector<bool> second = draw_batches(cohort, random, missing, series.batch == "stool");
    if (series.batch == "stool") draw_contaminant(cohort, random, second, missing);
    const bool repeated = series.specimen == "blood" || series.specimen == "stool";
    for (std::size_t i = 0; i < cohort.patients.size(); ++i) {
      const auto add = [&](std::string_view visit, int day) {
        if (day > cohort.patients[i].os_days) return;  // nobody is sampled after the last contact
        samples.push_back(
            {fmt::format("{}-{}-{}-{}", cohort.patients[i].short_id, visit, series.specimen, series.modality), i,
             std::string(visit), std::string(series.specimen), std::string(series.modality),
             fmt::format("{}-{}", series.batch, second[i] ? 2 : 1), second[i], day});
      };
      if (missing[i]) continue;
      add("naive", -static_cast<int>(random.below(14)));
      if (repeated && i % 4 == 1) add("on-treatment", 21 + static_cast<int>(random.below(21)));
      if (repeated && i % 8 == 5) add("follow-up", 180 + static_cast<int>(random.below(60)));
    }
  }
  std::stable_sort(samples.begin(), samples.end(),
                   [](const SamplePlan& a, const SamplePlan& b) { return a.patient < b.patient; });
  cohort.samples = std::move(samples);
}

}  // namespace

Sizes sizes(const Options& options) {
  if (options.small) {
    return {.events = 1200,
            .scrna_pairs = 3000,
            .cells = 30,
            .empty_droplets = 60,
            .canonical_spectra = 110,
            .foreign_spectra = 60,
            .noise_spectra = 20,
            .stool_pairs = 1200,
            .saliva_pairs = 500,
            .microbe_bases = 8000,
            .host_bases = 60000};
  }
  return {.events = 5000,
          .scrna_pairs = 22000,
          .cells = 80,
          .empty_droplets = 300,
          .canonical_spectra = 200,
          .foreign_spectra = 130,
          .noise_spectra = 40,
          .stool_pairs = 10000,
          .saliva_pairs = 4000,
          .microbe_bases = 50000,
          .host_bases = 300000};
}

std::span<const PlantedFeature> planted_features() {
  return kPlanted;
}
const PlantedFeature& prognostic_feature() {
  return kPrognostic;
}
const PlantedFeature& confounded_feature() {
  return kConfounded;
}

Cohort plan_cohort(const Options& options) {
  if (options.patients < 4 || options.patients > 9999) {
    core::raise_usage(fmt::format("--patients must be between 4 and 9999 (got {}).", options.patients));
  }
  Cohort cohort{.options = options, .patients = {}, .samples = {}};
  core::Random random = stream(options.seed, "cohort");
  draw_classes(cohort, random);
  draw_clinical(cohort, random);
  draw_levels(cohort, random);
  draw_survival(cohort, random);
  plan_samples(cohort, random);
  return cohort;
}

double sample_level(const Cohort& cohort, const SamplePlan& sample, std::string_view feature) {
  const Patient& patient = cohort.patients[sample.patient];
  // Its own stream: the level does not depend on what else a sample draws.
  core::Random random = stream(cohort.options.seed, fmt::format("{} {}", sample.id, feature));
  const double change = sample.visit == "naive" ? 1.0 : std::exp(0.1 * bounded_normal(random));
  if (feature == kPrognostic.feature) return patient.prognostic_level * change;
  if (feature == kConfounded.feature) {
    return (sample.second_batch ? kConfounded.high : kConfounded.low) *
           std::exp(kConfounded.log_sd * patient.contaminant_z) * change;
  }
  for (std::size_t k = 0; k < kPlanted.size(); ++k) {
    if (kPlanted[k].feature == feature) return patient.levels[k] * change;
  }
  throw core::Error(core::Status::kInternal, fmt::format("{}: not a planted feature.", feature));
}

std::vector<RawFile> raw_files(const SamplePlan& sample) {
  const std::string stem = fmt::format("raw/{}/{}", sample.id, sample.id);
  if (sample.modality == "cytof") return {{"fcs", stem + ".fcs"}};
  if (sample.modality == "peptide") return {{"spectra", stem + ".mzML.gz"}};
  return {{"read1", stem + "_R1.fastq.gz"}, {"read2", stem + "_R2.fastq.gz"}};
}

double latent_effect(const Cohort& cohort, std::size_t planted) {
  std::array<double, 2> count{}, sum{}, squares{};
  for (const Patient& patient : cohort.patients) {
    const double level = patient.levels[planted];
    const double value = kPlanted[planted].scale == Scale::kLinear ? level
                         : kPlanted[planted].scale == Scale::kLog  ? std::log(level)
                                                                   : std::log1p(level);
    const std::size_t group = patient.responder ? 1 : 0;
    count[group] += 1;
    sum[group] += value;
    squares[group] += value * value;
  }
  const auto within = [&](std::size_t group) { return squares[group] - sum[group] * sum[group] / count[group]; };
  const double sd = std::sqrt((within(0) + within(1)) / (count[0] + count[1] - 2));
  return (sum[1] / count[1] - sum[0] / count[0]) / sd;
}

}  // namespace immucan::simulate
