#include "biomarker/association.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "biomarker/assembly.h"
#include "biomarker/feature_tests.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "io/samples_table.h"
#include "stats/kaplan_meier.h"
#include "stats/multiple_testing.h"

namespace immucan::biomarker {

namespace {

constexpr std::size_t kFeaturesPerUnit = 64;

bool outcome_is_testable(const FeatureRows& rows, const Outcome& outcome, Association& result) {
  for (const std::size_t patient : rows.patients) {
    if (outcome.survival) {
      result.events += outcome.event[patient];
    } else {
      ++(outcome.event[patient] != 0 ? result.responders : result.nonresponders);
    }
  }
  return outcome.survival ? result.events > 0 : result.responders > 0 && result.nonresponders > 0;
}

/// Batches of one source; refuses where the batch says everything about the outcome.
BatchLayout batch_layout(const std::vector<std::string>& names, const std::string& source, const Outcome& outcome,
                         const core::Log& log) {
  BatchLayout layout;
  layout.batch.assign(names.size(), BatchLayout::kNone);
  std::map<std::string, std::uint32_t> index;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty() && outcome.known[i] != 0) index.emplace(names[i], 0);
  }
  std::uint32_t next = 0;
  for (auto& [name, number] : index) number = next++;
  layout.batches = index.size();
  std::vector<double> counts(layout.batches * 2, 0.0), time;
  std::vector<std::uint8_t> event;
  std::vector<std::uint32_t> group;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || outcome.known[i] == 0) continue;
    layout.batch[i] = index.at(names[i]);
    counts[layout.batch[i] * 2 + outcome.event[i]] += 1;
    group.push_back(layout.batch[i]);
    event.push_back(outcome.event[i]);
    if (outcome.survival) time.push_back(outcome.time[i]);
  }
  if (layout.batches < 2) return layout;
  if (layout.batches * 2 > group.size()) {
    log.warning(fmt::format("{}: {} batches for {} patients, too many to judge", source, layout.batches, group.size()));
    layout.batches = 0;
    return layout;
  }
  bool aliased = true, both = false;
  for (std::size_t b = 0; b < layout.batches; ++b) aliased = aliased && (counts[2 * b] == 0 || counts[2 * b + 1] == 0);
  for (std::size_t b = 1; b < layout.batches; ++b) both = both || (counts[2 * b] > 0) != (counts[0] > 0);
  if (aliased && both) {
    std::vector<std::string> names_of_batches;
    for (const auto& [name, number] : index) names_of_batches.push_back(name);
    throw core::Error(
        core::Status::kBadInput,
        fmt::format("{}: batch_aliased: each batch ({}) holds one outcome only, so no analysis can tell the "
                    "batch from the outcome. Leave these samples out, or measure both outcomes in one batch.",
                    source.empty() ? "features" : source, some_of(names_of_batches)));
  }
  layout.outcome_p = outcome.survival ? stats::log_rank_test(time, event, group, layout.batches).p
                                      : stats::chi_squared_test(counts, layout.batches, 2).p;
  return layout;
}

std::vector<BatchLayout> batch_layouts(const CohortFeatures& cohort, const Outcome& outcome, const core::Log& log) {
  std::vector<BatchLayout> layouts;
  for (std::size_t s = 0; s < cohort.sources.size(); ++s) {
    if (!outcome.batch.empty()) {
      layouts.push_back(batch_layout(outcome.batch, cohort.sources[s], outcome, log));
    } else if (!cohort.batch.empty()) {
      layouts.push_back(batch_layout(cohort.batch[s], cohort.sources[s], outcome, log));
    }
  }
  return layouts;
}

void adjust(std::vector<Association>& rows, double Association::* p, double Association::* adjusted,
            std::vector<double> (*method)(std::span<const double>) = stats::benjamini_hochberg) {
  std::vector<double> values;
  for (const Association& row : rows) values.push_back(row.*p);
  const std::vector<double> fdr = method(values);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*adjusted = fdr[i];
}

/// Tumour types are strata where at least two have enough patients to be compared within.
std::vector<std::string> pan_tumour_strata(const io::Table& clinical, const CohortFeatures& cohort,
                                           const core::Log& log) {
  constexpr std::size_t kEnough = 20;
  const auto column = clinical.find("tumour_type");
  if (!column) return {};
  std::map<std::string, std::size_t> counts;
  for (const std::size_t row : cohort.clinical_row) {
    if (!core::is_missing(clinical.rows[row][*column])) ++counts[clinical.rows[row][*column]];
  }
  if (counts.size() < 2) return {};
  const auto large = std::ranges::count_if(counts, [](const auto& entry) { return entry.second >= kEnough; });
  if (large >= 2) return {"tumour_type"};
  log.info(
      fmt::format("{} tumour types, too few patients each to stratify (--strata tumour_type does)", counts.size()));
  return {};
}

/// "Predictive" needs a randomised comparison and its interaction test. A marker that matters in randomised patients
/// whatever the arm is prognostic; without that design it is associated, no more.
std::string claim_of(const Association& row, const AssociationTable& table, double level) {
  if (table.randomised && row.fdr_interaction < level) return "predictive";
  if (!(row.fdr < level) || row.flag.find("batch_confounded") != std::string::npos) return "none";
  return table.randomised ? "prognostic" : "associated";
}

}  // namespace

AssociationTable associate(const CohortFeatures& cohort, const Outcome& outcome, const AssociateOptions& options,
                           core::RunContext& context) {
  AssociationTable table;
  table.survival = outcome.survival;
  table.arms = outcome.arms;
  table.randomised = outcome.randomised;
  table.patients = cohort.patients.size();
  const std::vector<BatchLayout> layouts = batch_layouts(cohort, outcome, context.log);
  table.batches = std::ranges::any_of(layouts, [](const BatchLayout& layout) { return layout.batches >= 2; });
  table.rows.resize(cohort.features.size());
  stats::RankSumDistribution distribution;
  std::optional<SurvivalBasis> basis;
  if (outcome.survival) {
    std::vector<std::size_t> complete;
    for (std::size_t i = 0; i < outcome.known.size(); ++i) {
      if (outcome.known[i] != 0 && outcome.covariates_known[i] != 0) complete.push_back(i);
    }
    basis.emplace(complete, outcome);
  }
  std::optional<std::size_t> compared;
  if (options.compare) {
    compared = positions_of({*options.compare}, cohort, options.cohort.features).front();
  }
  table.moderated = !outcome.survival && (options.moderated || options.trend || options.robust);
  table.proportional_hazards = outcome.survival && options.proportional_hazards;
  table.compared = compared.has_value();
  table.stratified = !outcome.strata.empty();
  const auto test = [&](std::size_t feature) {
    Association& row = table.rows[feature];
    row.feature = cohort.features[feature];
    const FeatureRows rows = rows_of(cohort.row(feature), outcome);
    row.n = rows.patients.size();
    const bool testable = outcome_is_testable(rows, outcome, row);
    if (static_cast<std::int64_t>(row.n) < options.min_samples) {
      row.flag = "few_samples";
    } else if (rows.deviation == 0) {
      row.flag = "constant";
    } else if (!testable) {
      row.flag = outcome.survival ? "no_event" : "one_class";
    } else {
      if (outcome.survival) {
        test_survival(rows, outcome, *basis, options.proportional_hazards, row);
      } else {
        test_response(rows, outcome, distribution, row);
      }
      if (!outcome.strata.empty()) test_strata(rows, outcome, row);
      if (compared) compare_auc(cohort.row(feature), cohort.row(*compared), outcome, row);
      if (!outcome.arms.empty()) test_interaction(rows, outcome, row);
      if (outcome.cluster.empty() && !layouts.empty() && layouts[cohort.source[feature]].batches >= 2) {
        test_batch(rows, outcome, layouts[cohort.source[feature]], distribution, row);
      }
    }
  };
  const std::size_t features = cohort.features.size();
  core::parallel_for(
      context.threads, (features + kFeaturesPerUnit - 1) / kFeaturesPerUnit,
      [&](std::size_t unit) {
        const std::size_t end = std::min(features, (unit + 1) * kFeaturesPerUnit);
        for (std::size_t feature = unit * kFeaturesPerUnit; feature < end; ++feature) test(feature);
      },
      &context.interrupt);
  if (table.moderated) test_moderated(cohort, outcome, options, table.rows);
  adjust(table.rows, &Association::p, &Association::fdr);
  adjust(table.rows, &Association::p, &Association::q, stats::q_values);
  adjust(table.rows, &Association::p, &Association::p_by, stats::benjamini_yekutieli);
  adjust(table.rows, &Association::p, &Association::p_holm, stats::holm);
  adjust(table.rows, &Association::p_moderated, &Association::fdr_moderated);
  adjust(table.rows, &Association::p_fisher, &Association::fdr_fisher);
  adjust(table.rows, &Association::p_interaction, &Association::fdr_interaction);
  for (Association& row : table.rows) {
    row.claim = claim_of(row, table, options.fdr_level);
    table.tested += std::isnan(row.p) ? 0 : 1;
    table.binary = table.binary || row.binary;
  }
  std::ranges::stable_sort(table.rows, [](const Association& a, const Association& b) {
    if (std::isnan(a.p) != std::isnan(b.p)) return std::isnan(b.p);
    if (!std::isnan(a.p) && a.p != b.p) return a.p < b.p;
    return a.feature < b.feature;
  });
  return table;
}

AssociationTable associate(const AssociateOptions& options, core::RunContext& context) {
  check_outcome_options(options);
  if (options.compare && options.outcome.time) core::raise_usage("--compare needs --response");
  if (options.outcome.cluster && (options.compare || options.moderated || options.trend || options.robust)) {
    core::raise_usage("--compare and the moderated t take rows as independent; they cannot go with --cluster");
  }
  const io::Table clinical = io::read_clinical(options.clinical, context);
  CohortFeaturesOptions join = options.cohort;
  join.separate_samples = options.outcome.cluster == "patient" || options.outcome.cluster == "patient_id";
  const CohortFeatures cohort = join_features(join, clinical, context);
  OutcomeOptions asked = options.outcome;
  if (asked.strata.empty() && options.pan_tumour) asked.strata = pan_tumour_strata(clinical, cohort, context.log);
  if (join.time_varying) asked.cluster = "patient";
  Outcome outcome = read_outcome(asked, clinical, cohort.clinical_row);
  if (join.time_varying) divide_follow_up(outcome, cohort.clinical_row, cohort.day, asked, clinical);
  return associate(cohort, outcome, options, context);
}

}  // namespace immucan::biomarker
