// biomarker_levels [DRAWS [PART [SEED [PATIENTS [SHAPE]]]]]: type-I error at 0.05 of every p-value that biomarker-score
// prints, on permuted labels, for markers of four shapes and cohorts down to 20 patients. A line per p-value: what,
// shape, patients, level. Asked: at most 0.06 for all, at least 0.04 for those that are asymptotically exact;
// `asymptotic` and `naive` ones are shown to tell why they are not the ones to report. Another SEED makes other
// cohorts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "biomarker/association.h"
#include "biomarker/cohort_meta.h"
#include "biomarker/cutpoint.h"
#include "biomarker/paired.h"
#include "biomarker/survival_curves.h"
#include "core/random.h"
#include "core/run_context.h"
#include "core/text.h"

using namespace immucan;

namespace {

struct Setting {
  std::string shape;
  std::size_t patients;
  std::size_t draws;
  std::uint64_t seed;
};

class Levels {
 public:
  explicit Levels(Setting setting) : setting_(std::move(setting)) {}
  ~Levels() {
    for (const auto& [name, counts] : counts_) {
      if (counts.tested == 0) continue;
      const double level = counts.rejected / counts.tested;
      fmt::print("{}\t{}\t{}\t{:.4f}\t{}\n", name, setting_.shape, setting_.patients, level,
                 level > 0.06   ? "HIGH"
                 : level < 0.04 ? "low"
                                : "");
    }
    std::fflush(stdout);
  }
  Levels(const Levels&) = delete;
  Levels& operator=(const Levels&) = delete;
  void add(const std::string& name, double p) {
    if (std::isnan(p)) return;
    counts_[name].tested += 1;
    counts_[name].rejected += p < 0.05 ? 1 : 0;
  }

 private:
  struct Counts {
    double tested = 0, rejected = 0;
  };
  Setting setting_;
  std::map<std::string, Counts> counts_;
};

double marker_value(const std::string& shape, core::Random& random) {
  const double z = random.normal();
  if (shape == "log-normal") return std::exp(1.2 * z);
  if (shape == "heavy-tailed") return z / std::sqrt(random.exponential(1));
  if (shape == "floor") return random.bernoulli(0.6) ? 0.0 : std::exp(z);
  if (shape == "binary") return random.bernoulli(0.3) ? 1.0 : 0.0;
  return z;
}

std::vector<double> markers(const Setting& setting, core::Random& random) {
  std::vector<double> values(setting.patients);
  for (double& v : values) v = marker_value(setting.shape, random);
  return values;
}

biomarker::Outcome outcome_of(std::size_t patients, bool survival, core::Random& random) {
  biomarker::Outcome outcome;
  outcome.survival = survival;
  for (std::size_t i = 0; i < patients; ++i) {
    outcome.known.push_back(1);
    outcome.covariates_known.push_back(1);
    outcome.event.push_back(random.bernoulli(survival ? 0.6 : 0.4));
    outcome.time.push_back(std::ceil(50 * random.exponential(1)));
  }
  return outcome;
}

/// Permutations of one marker as the features of a cohort: `rows` gives the entry of the permuted marker per row.
biomarker::CohortFeatures permuted(std::vector<double> marker, std::size_t rows_each, std::size_t draws,
                                   core::Random& random, double noise = 0) {
  biomarker::CohortFeatures cohort;
  for (std::size_t i = 0; i < marker.size() * rows_each; ++i) {
    cohort.patients.push_back(std::to_string(i));
    cohort.clinical_row.push_back(i / rows_each);
  }
  cohort.sources = {""};
  cohort.source.assign(draws, 0);
  for (std::size_t draw = 0; draw < draws; ++draw) {
    random.shuffle(std::span(marker));
    cohort.features.push_back(fmt::format("{:08}", draw));
    for (std::size_t i = 0; i < marker.size() * rows_each; ++i) {
      cohort.values.push_back(marker[i / rows_each] + (noise > 0 ? noise * random.normal() : 0.0));
    }
  }
  return cohort;
}

void associate_levels(const Setting& setting, core::RunContext& context) {
  Levels levels(setting);
  for (const bool survival : {false, true}) {
    core::Random random(11 + setting.seed, survival ? 1 : 0);
    const std::vector<double> marker = markers(setting, random);
    biomarker::Outcome outcome = outcome_of(setting.patients, survival, random);
    const std::string what = survival ? "associate survival" : "associate response";
    biomarker::AssociateOptions options;
    options.proportional_hazards = true;
    options.moderated = setting.patients >= 30;
    for (std::size_t i = 0; i < setting.patients; ++i) {
      outcome.arm.push_back(static_cast<int>(i % 2));
      outcome.batch.push_back(i % 3 == 0 ? "a" : "b");
    }
    outcome.arms = {"control", "ici"};
    for (const bool adjusted : {false, true}) {
      if (adjusted) {
        outcome.covariate_names = {"age"};
        for (std::size_t i = 0; i < setting.patients; ++i) outcome.covariates.push_back(random.normal());
      }
      const std::string name = what + (adjusted ? " adjusted " : " ");
      for (const auto& row :
           biomarker::associate(permuted(marker, 1, setting.draws, random), outcome, options, context).rows) {
        levels.add(name + "p", row.p);
        levels.add(name + "p_interaction", row.p_interaction);
        levels.add(name + "p_batch_adjusted", row.p_batch_adjusted);
        levels.add(name + "batch_p", row.batch_p);
        levels.add(name + "p_proportional_hazards", row.p_proportional);
        levels.add(name + "p_moderated", row.p_moderated);
        levels.add(name + "p_fisher", row.p_fisher);
      }
    }
  }
}

/// Two samples of each patient, alike but for noise; and two patients to a site, with an outcome of their own.
void cluster_levels(const Setting& setting, core::RunContext& context) {
  Levels levels(setting);
  for (const bool survival : {false, true}) {
    for (const bool shared : {true, false}) {
      core::Random random(13 + setting.seed, survival ? 1 : 0);
      const std::vector<double> marker = markers(setting, random);
      const biomarker::Outcome single = outcome_of(setting.patients * (shared ? 1 : 2), survival, random);
      biomarker::Outcome outcome;
      outcome.survival = survival;
      for (std::size_t i = 0; i < 2 * setting.patients; ++i) {
        const std::size_t own = shared ? i / 2 : i;
        outcome.known.push_back(1);
        outcome.covariates_known.push_back(1);
        outcome.event.push_back(single.event[own]);
        outcome.time.push_back(single.time[own]);
        outcome.cluster.push_back(static_cast<std::uint32_t>(i / 2));
      }
      const auto cohort = permuted(marker, 2, setting.draws, random, shared ? 0.5 : 0.2);
      for (const auto& row : biomarker::associate(cohort, outcome, {}, context).rows) {
        levels.add(std::string("associate cluster ") + (shared ? "patient " : "site ") +
                       (survival ? "survival p" : "response p"),
                   row.p);
      }
    }
  }
}

io::Table table_of(const std::vector<std::string>& header, std::size_t rows) {
  io::Table table;
  table.name = "t";
  table.header = header;
  table.rows.assign(rows, std::vector<std::string>(header.size()));
  table.lines.assign(rows, 1);
  return table;
}

void model_levels(const Setting& setting) {
  Levels levels(setting);
  core::Random random(17 + setting.seed);
  std::vector<double> marker = markers(setting, random);
  const biomarker::Outcome outcome = outcome_of(setting.patients, true, random);
  io::Table table = table_of({"time", "event", "x", "age", "arm", "stratum", "id"}, setting.patients);
  for (std::size_t i = 0; i < setting.patients; ++i) {
    table.rows[i] = {core::format_double(outcome.time[i]),
                     std::to_string(outcome.event[i]),
                     "",
                     core::format_double(random.normal()),
                     std::to_string(i % 2),
                     std::to_string(i % 3 == 0),
                     std::to_string(i)};
  }
  biomarker::SurvivalModelOptions options;
  options.time = "time";
  options.event = "event";
  options.permutations = 199;
  std::vector<std::size_t> order(setting.patients);
  for (std::size_t i = 0; i < setting.patients; ++i) order[i] = i;
  for (std::size_t draw = 0; draw < setting.draws; ++draw) {
    random.shuffle(std::span(marker));
    for (std::size_t i = 0; i < setting.patients; ++i) table.rows[i][2] = core::format_double(marker[i]);
    for (const std::string kind : {"x", "x age", "x:arm", "strata", "cluster"}) {
      if (kind == "x:arm") random.shuffle(std::span(order));  // the arm is tested too, so the outcome is permuted
      for (std::size_t i = 0; i < setting.patients; ++i) {
        table.rows[i][0] = core::format_double(outcome.time[kind == "x:arm" ? order[i] : i]);
        table.rows[i][1] = std::to_string(outcome.event[kind == "x:arm" ? order[i] : i]);
      }
      options.terms = kind == "x:arm"   ? std::vector<std::string>{"x", "arm", "x:arm"}
                      : kind == "x age" ? std::vector<std::string>{"x", "age"}
                                        : std::vector<std::string>{"x"};
      options.strata.clear();
      if (kind == "strata") options.strata = {"stratum"};
      options.cluster.reset();
      if (kind == "cluster") options.cluster = "id";
      const auto fit = biomarker::fit_survival_model(table, options, draw + 1);
      const auto& tested = kind == "x:arm" ? fit.coefficients.back() : fit.coefficients.front();
      const std::string name = "model " + kind + " ";
      levels.add(name + "p", tested.p);
      levels.add(name + "p_wald (asymptotic)", tested.p_wald);
      if (kind == "x age") continue;  // age is not permuted: the whole model is under the null as well
      for (const auto& test : fit.tests) {
        if (kind == "x:arm" && test.name.find("GLOBAL") == std::string::npos && test.name.starts_with("prop")) continue;
        levels.add(name + test.name + " p", test.p);
        levels.add(name + test.name + " (asymptotic)", test.p_asymptotic);
      }
    }
  }
}

void curve_levels(const Setting& setting) {
  Levels levels(setting);
  core::Random random(19 + setting.seed);
  const biomarker::Outcome outcome = outcome_of(setting.patients, true, random);
  io::Table table = table_of({"time", "event", "group"}, setting.patients);
  for (const std::string kind : {"halves", "1 to 4", "three"}) {
    std::vector<std::string> group;
    for (std::size_t i = 0; i < setting.patients; ++i) {
      group.push_back(std::to_string(kind == "halves" ? i % 2 : kind == "three" ? i % 3 : i % 5 == 0 ? 1 : 0));
    }
    for (std::size_t draw = 0; draw < setting.draws; ++draw) {
      random.shuffle(std::span(group));
      for (std::size_t i = 0; i < setting.patients; ++i) {
        table.rows[i] = {core::format_double(outcome.time[i]), std::to_string(outcome.event[i]), group[i]};
      }
      biomarker::SurvivalCurvesOptions options;
      options.time = "time";
      options.event = "event";
      options.group = "group";
      options.permutations = 199;
      const auto curves = biomarker::survival_curves(table, options);
      for (const auto& test : curves.tests) {
        levels.add("curves " + kind + " " + test.name + " p", test.p);
        levels.add("curves " + kind + " " + test.name + " (asymptotic)", test.test.p);
      }
      levels.add("curves " + kind + " restricted mean p", curves.comparisons[0].p);
      levels.add("curves " + kind + " restricted mean (asymptotic)", curves.comparisons[0].p_asymptotic);
    }
  }
}

/// Changes keep their size and get a random sign; labels of response are exchanged.
void paired_levels(const Setting& setting) {
  Levels levels(setting);
  core::Random random(23 + setting.seed);
  stats::RankSumDistribution distribution;
  const std::vector<double> change = markers(setting, random);
  std::vector<double> patient(setting.patients);
  std::vector<int> response(setting.patients);
  for (std::size_t i = 0; i < setting.patients; ++i) {
    patient[i] = random.normal();
    response[i] = i * 5 < setting.patients * 2 ? 1 : 0;
  }
  for (std::size_t draw = 0; draw < setting.draws; ++draw) {
    std::vector<double> before(patient), after(patient), shifted(patient);
    random.shuffle(std::span(response));
    for (std::size_t i = 0; i < setting.patients; ++i) {
      after[i] += random.bernoulli(0.5) ? change[i] : -change[i];
      shifted[i] += change[i];
    }
    const auto flipped = biomarker::test_pairs("x", before, after, response, 6, distribution);
    levels.add("paired p " + flipped.test, flipped.p);
    levels.add("paired p_t", flipped.p_t);
    auto labelled = biomarker::test_pairs("x", before, shifted, response, 6, distribution);
    levels.add("paired p_difference", labelled.p_difference);
    levels.add("paired p_time_response", labelled.p_interaction);
    // A third of the patients lack a visit.
    for (std::size_t i = 0; i < setting.patients; i += 3) (i % 2 == 0 ? before : shifted)[i] = std::nan("");
    labelled = biomarker::test_pairs("x", before, shifted, response, 6, distribution);
    levels.add("paired incomplete p_time_response", labelled.p_interaction);
  }
}

void cutpoint_levels(const Setting& setting) {
  Levels levels(setting);
  for (const bool survival : {false, true}) {
    core::Random random(29 + setting.seed, survival ? 1 : 0);
    std::vector<double> marker = markers(setting, random);
    const biomarker::Outcome outcome = outcome_of(setting.patients, survival, random);
    biomarker::CutpointOptions options;
    options.permutations = 199;
    options.bootstrap = 0;
    const std::string name = survival ? "cutpoint survival " : "cutpoint response ";
    for (std::size_t draw = 0; draw < setting.draws; ++draw) {
      random.shuffle(std::span(marker));
      const auto cut = biomarker::cut_feature("x", marker, outcome, options, core::Random(31, draw));
      levels.add(name + "p", cut.p);
      levels.add(name + "p_lau94", cut.p_lau94);
      levels.add(name + "p_permutation", cut.p_permutation);
      levels.add(name + "(naive)", cut.p_naive);
    }
  }
}

/// Cohorts of unequal size, and types of tumour within one cohort.
void meta_levels(const Setting& setting, core::RunContext& context) {
  Levels levels(setting);
  for (const bool survival : {false, true}) {
    for (const std::size_t cohorts : {3U, 6U}) {
      core::Random random(37 + setting.seed, survival ? 1 : 0);
      std::vector<std::vector<biomarker::CohortEstimate>> estimates(setting.draws);
      for (std::size_t c = 0; c < cohorts; ++c) {
        const Setting own{setting.shape, setting.patients * (1 + c % 3), setting.draws, setting.seed};
        const std::vector<double> marker = markers(own, random);
        const biomarker::Outcome outcome = outcome_of(own.patients, survival, random);
        for (const auto& row :
             biomarker::associate(permuted(marker, 1, setting.draws, random), outcome, {}, context).rows) {
          estimates[std::stoul(row.feature)].push_back({std::to_string(c), row.n, row.effect, row.se, row.p});
        }
      }
      for (const auto& own : estimates) {
        const auto pooled = biomarker::pool_estimates("x", own, 2);
        const std::string name = fmt::format("meta {} {} cohorts ", survival ? "survival" : "response", cohorts);
        levels.add(name + "p", pooled.p);
        levels.add(name + "p_random", pooled.p_random);
        levels.add(name + "p_heterogeneity", pooled.p_heterogeneity);
      }
    }
    core::Random random(41 + setting.seed, survival ? 1 : 0);
    const Setting own{setting.shape, setting.patients * 3, setting.draws, setting.seed};
    const std::vector<double> marker = markers(own, random);
    biomarker::Outcome outcome = outcome_of(own.patients, survival, random);
    outcome.strata = {"a", "b", "c"};
    for (std::size_t i = 0; i < own.patients; ++i) outcome.stratum.push_back(static_cast<std::uint32_t>(i % 3));
    if (!survival) {
      outcome.covariate_names = {"b", "c"};
      outcome.stratum_columns = 2;
      for (std::size_t i = 0; i < own.patients; ++i) {
        outcome.covariates.insert(outcome.covariates.end(), {i % 3 == 1 ? 1.0 : 0.0, i % 3 == 2 ? 1.0 : 0.0});
      }
    }
    const std::string name = survival ? "associate strata survival " : "associate strata response ";
    for (const auto& row :
         biomarker::associate(permuted(marker, 1, setting.draws, random), outcome, {}, context).rows) {
      levels.add(name + "p", row.p);
      levels.add(name + "p_heterogeneity", row.p_heterogeneity);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
  };
  const std::size_t draws = number(1, 5000), seed = number(3, 0), only_patients = number(4, 0);
  const std::string only = argc > 2 ? argv[2] : "", only_shape = argc > 5 ? argv[5] : "";
  core::RunContext context("biomarker_levels", "0", "biomarker_levels");
  fmt::print("what\tshape\tpatients\tlevel\tremark\n");
  for (const std::size_t patients : {20U, 40U, 80U}) {
    for (const char* shape : {"normal", "log-normal", "heavy-tailed", "floor", "binary"}) {
      if (only_patients != 0 && only_patients != patients) continue;
      if (!only_shape.empty() && only_shape != shape) continue;
      const Setting setting{shape, patients, draws, seed};
      const auto asked = [&](const char* name) { return only.empty() || only == name; };
      if (asked("associate")) associate_levels(setting, context);
      if (asked("cluster")) cluster_levels(setting, context);
      if (asked("model")) model_levels(setting);
      if (asked("curves") && setting.shape == "normal") curve_levels(setting);
      if (asked("paired") && setting.shape != "binary") paired_levels(setting);
      if (asked("cutpoint") && setting.shape != "binary") cutpoint_levels(setting);
      if (asked("meta")) meta_levels(setting, context);
    }
  }
  return 0;
}
