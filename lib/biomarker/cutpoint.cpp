#include "biomarker/cutpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/random.h"
#include "core/text.h"
#include "io/samples_table.h"
#include "stats/kaplan_meier.h"
#include "stats/maxstat.h"
#include "stats/multiple_testing.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Patients {
  std::vector<double> value, time;
  std::vector<std::uint8_t> event;
};

Patients patients_of(std::span<const double> values, const Outcome& outcome) {
  Patients result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]) || outcome.known[i] == 0) continue;
    result.value.push_back(values[i]);
    result.event.push_back(outcome.event[i]);
    if (outcome.survival) result.time.push_back(outcome.time[i]);
  }
  return result;
}

std::vector<double> scores_of(const Patients& patients, bool survival) {
  if (survival) return stats::log_rank_scores(patients.time, patients.event);
  return {patients.event.begin(), patients.event.end()};
}

double naive_p(const Patients& patients, double cut, bool survival) {
  std::vector<std::uint32_t> group;
  std::vector<double> counts(4, 0.0);
  for (std::size_t i = 0; i < patients.value.size(); ++i) {
    group.push_back(patients.value[i] > cut ? 1 : 0);
    counts[group.back() * 2 + patients.event[i]] += 1;
  }
  return survival ? stats::log_rank_test(patients.time, patients.event, group, 2).p
                  : stats::chi_squared_test(counts, 2, 2).p;
}

double permutation_p(const stats::MaximallySelected& cuts, std::vector<double> scores, double observed,
                     std::int64_t permutations, core::Random& random) {
  std::int64_t as_large = 1;
  for (std::int64_t i = 0; i < permutations; ++i) {
    random.shuffle(std::span(scores));
    // Equal statistics may differ in their last bits with the order of summation.
    as_large += cuts.statistic(scores) >= observed * (1 - 1e-12) ? 1 : 0;
  }
  return static_cast<double>(as_large) / static_cast<double>(permutations + 1);
}

void bootstrap_interval(const Patients& patients, bool survival, const CutpointOptions& options, core::Random& random,
                        Cutpoint& result) {
  std::vector<double> cuts;
  const std::size_t n = patients.value.size();
  for (std::int64_t draw = 0; draw < options.bootstrap; ++draw) {
    Patients sample;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t one = random.below(n);
      sample.value.push_back(patients.value[one]);
      sample.event.push_back(patients.event[one]);
      if (survival) sample.time.push_back(patients.time[one]);
    }
    const double cut = stats::MaximallySelected(sample.value, options.min_share, options.max_share)
                           .test(scores_of(sample, survival))
                           .cut;
    if (!std::isnan(cut)) cuts.push_back(cut);
  }
  if (cuts.size() < 20) return;
  std::ranges::sort(cuts);
  const auto at = [&](double share) {
    return cuts[static_cast<std::size_t>(share * static_cast<double>(cuts.size() - 1))];
  };
  result.cut_lower = at(0.025);
  result.cut_upper = at(0.975);
}

}  // namespace

Cutpoint cut_feature(const std::string& name, std::span<const double> values, const Outcome& outcome,
                     const CutpointOptions& options, core::Random random) {
  Cutpoint result{name, 0, 0, 0, 0, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan};
  const Patients patients = patients_of(values, outcome);
  result.n = patients.value.size();
  for (const std::uint8_t event : patients.event) result.events += event;
  if (static_cast<std::int64_t>(result.n) < options.min_samples) return result;
  const stats::MaximallySelected cuts(patients.value, options.min_share, options.max_share);
  const std::vector<double> scores = scores_of(patients, outcome.survival);
  const stats::MaximalCut best = cuts.test(scores);
  if (std::isnan(best.statistic)) return result;
  result.cut = best.cut;
  result.low = best.low;
  result.high = best.high;
  result.statistic = best.statistic;
  result.p = best.p_lau92;
  result.p_lau94 = best.p_lau94;
  result.p_naive = naive_p(patients, best.cut, outcome.survival);
  if (options.permutations > 0) {
    result.p_permutation = permutation_p(cuts, scores, best.statistic, options.permutations, random);
  }
  bootstrap_interval(patients, outcome.survival, options, random, result);
  return result;
}

std::vector<Cutpoint> find_cutpoints(const CutpointOptions& options, core::RunContext& context) {
  check_outcome_options(options);
  if (!(options.min_share > 0 && options.min_share < options.max_share && options.max_share < 1)) {
    core::raise_usage("--min-share and --max-share must be increasing and within (0, 1)");
  }
  const io::Table clinical = io::read_clinical(options.clinical, context);
  const CohortFeatures cohort = join_features(options.cohort, clinical, context);
  const Outcome outcome = read_outcome(options.outcome, clinical, cohort.clinical_row);
  const std::vector<std::size_t> asked = positions_of(options.names, cohort, options.cohort.features);
  std::vector<Cutpoint> result(asked.size());
  core::parallel_for(
      context.threads, asked.size(),
      [&](std::size_t i) {
        result[i] = cut_feature(cohort.features[asked[i]], cohort.row(asked[i]), outcome, options,
                                core::Random(context.seed, asked[i]));
      },
      &context.interrupt);
  std::vector<double> p;
  for (const Cutpoint& cut : result) p.push_back(cut.p);
  const std::vector<double> fdr = stats::benjamini_hochberg(p);
  for (std::size_t i = 0; i < result.size(); ++i) result[i].fdr = fdr[i];
  std::ranges::stable_sort(result, [](const Cutpoint& a, const Cutpoint& b) {
    if (std::isnan(a.p) != std::isnan(b.p)) return std::isnan(b.p);
    if (!std::isnan(a.p) && a.p != b.p) return a.p < b.p;
    return a.feature < b.feature;
  });
  return result;
}

std::string format_cutpoints(const std::vector<Cutpoint>& cutpoints) {
  std::string out =
      "feature\tn\tevents\tcut\tcut_lower\tcut_upper\tn_low\tn_high\tstatistic\tp\tfdr\tp_lau94\tp_permutation\t"
      "p_naive_uncorrected\n";
  for (const Cutpoint& cut : cutpoints) {
    out += cut.feature;
    const auto number = [&](double value) {
      out += '\t';
      core::append_double(out, value);
    };
    const auto count = [&](std::size_t value) {
      out += '\t';
      core::append_integer(out, static_cast<std::int64_t>(value));
    };
    count(cut.n);
    count(cut.events);
    number(cut.cut);
    number(cut.cut_lower);
    number(cut.cut_upper);
    count(cut.low);
    count(cut.high);
    for (const double value : {cut.statistic, cut.p, cut.fdr, cut.p_lau94, cut.p_permutation, cut.p_naive})
      number(value);
    out += '\n';
  }
  return out;
}

}  // namespace immucan::biomarker
