#include "biomarker/paired.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "io/samples_table.h"
#include "stats/distributions.h"
#include "stats/multiple_testing.h"
#include "stats/paired.h"
#include "stats/wilcoxon.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? kNan : sum / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  if (values.empty()) return kNan;
  std::ranges::sort(values);
  return (values[values.size() / 2] + values[(values.size() - 1) / 2]) / 2;
}

/// One visit: value of a feature by row of clinical.tsv.
class Visit {
 public:
  Visit(const CohortFeatures& cohort, std::size_t rows) : cohort_(&cohort), position_(rows, kAbsent) {
    for (std::size_t i = 0; i < cohort.clinical_row.size(); ++i) position_[cohort.clinical_row[i]] = i;
  }
  [[nodiscard]] bool has(std::size_t row) const { return position_[row] != kAbsent; }
  [[nodiscard]] std::optional<std::size_t> feature(const std::string& name) const {
    const auto at = std::ranges::lower_bound(cohort_->features, name);
    if (at == cohort_->features.end() || *at != name) return std::nullopt;
    return static_cast<std::size_t>(at - cohort_->features.begin());
  }
  [[nodiscard]] double value(std::size_t feature, std::size_t row) const {
    return has(row) ? cohort_->row(feature)[position_[row]] : kNan;
  }

 private:
  static constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();
  const CohortFeatures* cohort_;
  std::vector<std::size_t> position_;
};

void test_mixed(const std::vector<double>& before, const std::vector<double>& after, const std::vector<int>& response,
                PairedChange& result) {
  std::vector<double> design, outcome;
  std::vector<std::uint32_t> patient;
  std::uint32_t patients = 0;
  std::size_t cells[4] = {0, 0, 0, 0}, repeated = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (response[i] < 0) continue;
    const double values[2] = {before[i], after[i]};
    int own = 0;
    for (int late = 0; late < 2; ++late) {
      if (std::isnan(values[late])) continue;
      const double t = late, r = response[i];
      design.insert(design.end(), {1, t, r, t * r});
      outcome.push_back(values[late]);
      patient.push_back(patients);
      ++cells[2 * response[i] + late];
      ++own;
    }
    if (own > 0) ++patients;
    if (own == 2) ++repeated;
  }
  if (std::ranges::any_of(cells, [](std::size_t c) { return c < 2; }) || repeated < 3) return;
  const stats::MixedModel model = stats::random_intercept_model(design, 4, outcome, patient);
  result.mixed_samples = outcome.size();
  result.time = model.coefficients[1];
  result.time_se = model.errors[1];
  result.interaction = model.coefficients[3];
  result.interaction_se = model.errors[3];
  // What varies within patients is learnt from those seen twice.
  const double df = static_cast<double>(repeated) - 2;
  result.p_time = stats::student_two_sided(result.time / result.time_se, df);
  result.p_interaction = stats::student_two_sided(result.interaction / result.interaction_se, df);
}

void adjust(std::vector<PairedChange>& changes, double PairedChange::* p, double PairedChange::* fdr) {
  std::vector<double> values;
  for (const PairedChange& change : changes) values.push_back(change.*p);
  const std::vector<double> adjusted = stats::benjamini_hochberg(values);
  for (std::size_t i = 0; i < changes.size(); ++i) changes[i].*fdr = adjusted[i];
}

}  // namespace

PairedChange test_pairs(const std::string& name, const std::vector<double>& before, const std::vector<double>& after,
                        const std::vector<int>& response, std::int64_t min_pairs,
                        stats::RankSumDistribution& distribution) {
  PairedChange result{name, 0,    kNan, kNan, kNan, kNan, kNan, kNan, kNan, "none", 0,    0,
                      0,    kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan,   kNan, kNan};
  std::vector<double> changes, groups[2];
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double change = after[i] - before[i];
    if (std::isnan(change)) continue;
    changes.push_back(change);
    if (!response.empty() && response[i] >= 0) groups[response[i]].push_back(change);
  }
  result.pairs = changes.size();
  result.mean = mean(changes);
  result.median = median(changes);
  if (static_cast<std::int64_t>(changes.size()) >= min_pairs) {
    const stats::SignedRankTest ranks = stats::signed_rank_test(changes);
    const stats::PairedTTest t = stats::paired_t_test(changes);
    result.v = ranks.v;
    result.p = ranks.p;
    result.test = ranks.exact ? "signed_rank_exact" : "signed_rank";
    result.t = t.t;
    result.p_t = t.p;
  }
  if (response.empty()) return result;
  result.pairs_nr = groups[0].size();
  result.pairs_r = groups[1].size();
  result.mean_nr = mean(groups[0]);
  result.mean_r = mean(groups[1]);
  if (static_cast<std::int64_t>(groups[0].size() + groups[1].size()) >= min_pairs) {
    result.p_difference = stats::rank_sum_test(groups[1], groups[0], distribution).p;
  }
  test_mixed(before, after, response, result);
  return result;
}

std::vector<PairedChange> test_paired(const PairedOptions& options, core::RunContext& context) {
  if (!options.cohort.samples) core::raise_usage("--samples is needed: it says which visit a sample is of");
  if (options.before == options.after) core::raise_usage("--before and --after name the same visit");
  const io::Table clinical = io::read_clinical(options.clinical, context);
  CohortFeaturesOptions asked = options.cohort;
  asked.visit = options.before;
  const CohortFeatures first = join_features(asked, clinical, context);
  asked.visit = options.after;
  const CohortFeatures second = join_features(asked, clinical, context);
  const std::size_t patients = clinical.rows.size();
  const Visit before(first, patients), after(second, patients);
  std::vector<std::size_t> rows;
  std::size_t both = 0;
  for (std::size_t row = 0; row < patients; ++row) {
    if (before.has(row) || after.has(row)) rows.push_back(row);
    both += before.has(row) && after.has(row) ? 1 : 0;
  }
  if (both == 0) {
    core::raise({options.cohort.features.string(), core::Place::none(),
                 fmt::format("no patient has both visits ({}: {} patients, {}: {})", options.before,
                             first.patients.size(), options.after, second.patients.size()),
                 "Check visit in samples.tsv"});
  }
  std::vector<int> response;
  if (options.outcome.response) {
    const Outcome known = read_outcome(options.outcome, clinical, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) response.push_back(known.known[i] != 0 ? known.event[i] : -1);
  }
  std::vector<std::string> names;
  std::ranges::set_intersection(first.features, second.features, std::back_inserter(names));
  std::vector<PairedChange> result(names.size());
  stats::RankSumDistribution distribution;
  core::parallel_for(
      context.threads, names.size(),
      [&](std::size_t i) {
        std::vector<double> early, late;
        for (const std::size_t row : rows) {
          early.push_back(before.value(*before.feature(names[i]), row));
          late.push_back(after.value(*after.feature(names[i]), row));
        }
        result[i] = test_pairs(names[i], early, late, response, options.min_pairs, distribution);
      },
      &context.interrupt);
  adjust(result, &PairedChange::p, &PairedChange::fdr);
  adjust(result, &PairedChange::p_difference, &PairedChange::fdr_difference);
  adjust(result, &PairedChange::p_interaction, &PairedChange::fdr_interaction);
  std::ranges::stable_sort(result, [](const PairedChange& a, const PairedChange& b) {
    if (std::isnan(a.p) != std::isnan(b.p)) return std::isnan(b.p);
    if (!std::isnan(a.p) && a.p != b.p) return a.p < b.p;
    return a.feature < b.feature;
  });
  return result;
}

std::string format_paired(const std::vector<PairedChange>& changes, bool response) {
  std::string out = "feature\tpairs\tmean_change\tmedian_change\tstatistic\tp\tfdr\ttest\tt\tp_t";
  if (response) {
    out +=
        "\tpairs_responders\tpairs_nonresponders\tmean_responders\tmean_nonresponders\tp_difference\tfdr_difference\t"
        "mixed_samples\ttime\ttime_se\ttime_response\ttime_response_se\tp_time\tp_time_response\tfdr_time_response";
  }
  out += '\n';
  for (const PairedChange& change : changes) {
    out += change.feature;
    const auto number = [&](double value) {
      out += '\t';
      core::append_double(out, value);
    };
    const auto count = [&](std::size_t value) { out += '\t' + std::to_string(value); };
    count(change.pairs);
    for (const double value : {change.mean, change.median, change.v, change.p, change.fdr}) number(value);
    out += '\t' + change.test;
    number(change.t);
    number(change.p_t);
    if (response) {
      count(change.pairs_r);
      count(change.pairs_nr);
      for (const double value : {change.mean_r, change.mean_nr, change.p_difference, change.fdr_difference}) {
        number(value);
      }
      count(change.mixed_samples);
      for (const double value : {change.time, change.time_se, change.interaction, change.interaction_se, change.p_time,
                                 change.p_interaction, change.fdr_interaction}) {
        number(value);
      }
    }
    out += '\n';
  }
  return out;
}

}  // namespace immucan::biomarker
