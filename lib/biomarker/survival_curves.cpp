#include "biomarker/survival_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "biomarker/survival_table.h"
#include "core/text.h"
#include "stats/distributions.h"
#include "stats/residual_score.h"

namespace immucan::biomarker {

namespace {

struct Followed {
  std::vector<double> time;
  std::vector<std::uint8_t> event;
  std::vector<std::uint32_t> group;
  std::vector<std::string> labels{"all"};
};

Followed followed(const io::Table& table, const SurvivalCurvesOptions& options) {
  std::vector<std::string> needed{options.time, options.event};
  if (options.group) needed.push_back(*options.group);
  const CompleteRows rows(table, needed);
  Followed result;
  result.time = rows.times(options.time);
  result.event = rows.events(options.event);
  result.group.assign(rows.size(), 0);
  if (options.group) result.group = rows.levels({*options.group}, result.labels);
  constexpr std::size_t kMostGroups = 20;
  if (result.labels.size() > kMostGroups) {
    fail_table(table, fmt::format("{} groups in column '{}'", result.labels.size(), *options.group),
               "Cut the column into a few groups");
  }
  return result;
}

/// Follow-up of one or two groups.
Followed part_of(const Followed& all, std::uint32_t first, std::uint32_t second) {
  Followed part;
  for (std::size_t i = 0; i < all.time.size(); ++i) {
    if (all.group[i] != first && all.group[i] != second) continue;
    part.time.push_back(all.time[i]);
    part.event.push_back(all.event[i]);
    part.group.push_back(all.group[i] == first ? 0 : 1);
  }
  return part;
}

SurvivalCurves::Test rank_test(const Followed& all, const std::string& name, double rho, std::int64_t permutations,
                               core::Random random) {
  const std::size_t groups = all.labels.size();
  SurvivalCurves::Test result{name, stats::log_rank_test(all.time, all.event, all.group, groups, rho), 1};
  std::vector<double> indicators;
  for (const std::uint32_t own : all.group) {
    for (std::uint32_t g = 1; g < groups; ++g) indicators.push_back(own == g ? 1 : 0);
  }
  const std::vector<double> scores = stats::log_rank_residuals(all.time, all.event, rho);
  result.p = stats::permutation_score_p(indicators, groups - 1, {}, 0, scores, {}, permutations, random);
  return result;
}

SurvivalCurves::Comparison compare_means(const Followed& all, const SurvivalCurves& curves, std::uint32_t group,
                                         std::int64_t permutations, core::Random random) {
  const stats::RestrictedMean &first = curves.groups[0].mean, &own = curves.groups[group].mean;
  SurvivalCurves::Comparison result{"restricted_mean:" + all.labels[group] + "-" + all.labels[0],
                                    own.mean - first.mean,
                                    std::hypot(own.standard_error, first.standard_error),
                                    0,
                                    0,
                                    0};
  result.z = result.difference / result.se;
  result.p_asymptotic = stats::normal_two_sided(result.z);
  const Followed both = part_of(all, 0, group);
  const std::vector<double> indicator(both.group.begin(), both.group.end());
  result.p = stats::permutation_score_p(indicator, 1, {}, 0,
                                        stats::restricted_mean_residuals(both.time, both.event, curves.tau), {},
                                        permutations, random);
  return result;
}

}  // namespace

SurvivalCurves survival_curves(const io::Table& table, const SurvivalCurvesOptions& options, std::uint64_t seed) {
  const Followed all = followed(table, options);
  const auto interval = options.interval == "log"       ? stats::SurvivalInterval::kLog
                        : options.interval == "log-log" ? stats::SurvivalInterval::kLogLog
                                                        : stats::SurvivalInterval::kPlain;
  SurvivalCurves curves;
  curves.tau = std::numeric_limits<double>::infinity();
  for (std::uint32_t g = 0; g < all.labels.size(); ++g) {
    const Followed own = part_of(all, g, g);
    curves.tau = std::min(curves.tau, std::ranges::max(own.time));
    SurvivalCurves::Group group{all.labels[g], own.time.size(), 0, {}, {}, {}};
    group.events = static_cast<std::size_t>(std::ranges::count(own.event, 1));
    group.curve = stats::kaplan_meier(own.time, own.event, interval);
    group.median = stats::median_survival(group.curve);
    curves.groups.push_back(std::move(group));
  }
  curves.tau = options.tau.value_or(curves.tau);
  for (auto& group : curves.groups) group.mean = stats::restricted_mean(group.curve, curves.tau);
  if (all.labels.size() < 2) return curves;
  curves.tests = {rank_test(all, "log_rank", 0, options.permutations, core::Random(seed, 0)),
                  rank_test(all, "peto_peto", 1, options.permutations, core::Random(seed, 0))};
  for (std::uint32_t g = 1; g < all.labels.size(); ++g)
    curves.comparisons.push_back(compare_means(all, curves, g, options.permutations, core::Random(seed, g)));
  return curves;
}

namespace {

void cells(std::string& out, std::initializer_list<double> values) {
  for (const double value : values) {
    out += '\t';
    core::append_double(out, value);
  }
  out += '\n';
}

}  // namespace

std::string format_survival_curves(const SurvivalCurves& curves) {
  std::string out = "group\ttime\tat_risk\tevents\tcensored\tsurvival\tse_cumulative_hazard\tlower\tupper\n";
  for (const SurvivalCurves::Group& group : curves.groups) {
    for (const stats::SurvivalPoint& point : group.curve) {
      out += group.name + '\t';
      core::append_double(out, point.time);
      out += fmt::format("\t{}\t{}\t{}", point.at_risk, point.events, point.censored);
      cells(out, {point.survival, point.standard_error, point.lower, point.upper});
    }
  }
  return out;
}

std::string format_survival_summary(const SurvivalCurves& curves) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::string out =
      "group\tpatients\tevents\tmedian\tmedian_lower\tmedian_upper\trestricted_mean\trestricted_mean_se\ttau\n";
  for (const SurvivalCurves::Group& group : curves.groups) {
    out += fmt::format("{}\t{}\t{}", group.name, group.patients, group.events);
    const stats::MedianSurvival& median = group.median;
    cells(out, {median.median.value_or(kNan), median.lower.value_or(kNan), median.upper.value_or(kNan), group.mean.mean,
                group.mean.standard_error, curves.tau});
  }
  if (curves.tests.empty()) return out;
  out += "\ntest\tstatistic\tdf\tp_asymptotic\tp\n";
  for (const SurvivalCurves::Test& test : curves.tests) {
    out += test.name;
    cells(out, {test.test.statistic, test.test.df, test.test.p, test.p});
  }
  out += "\ncomparison\tdifference\tse\tz\tp_asymptotic\tp\n";
  for (const SurvivalCurves::Comparison& one : curves.comparisons) {
    out += one.name;
    cells(out, {one.difference, one.se, one.z, one.p_asymptotic, one.p});
  }
  return out;
}

}  // namespace immucan::biomarker
