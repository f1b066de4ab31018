#include "biomarker/cohort_meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/distributions.h"
#include "stats/meta_analysis.h"
#include "stats/multiple_testing.h"

namespace immucan::biomarker {

namespace {

/// Signed normal deviate of a two-sided p.
double signed_z(double p, double effect) {
  constexpr double kLeast = 1e-300;
  return std::copysign(-stats::normal_quantile(std::max(p, kLeast) / 2), effect);
}

struct CohortTable {
  std::string name;
  io::Table table;
  bool survival = false;
};

CohortTable read_cohort(const std::filesystem::path& given, core::RunContext& context) {
  const std::string argument = given.string();
  const std::size_t split = argument.find('=');
  const std::filesystem::path path = split == std::string::npos ? argument : argument.substr(split + 1);
  CohortTable cohort;
  cohort.name = split == std::string::npos ? path.filename().stem().string() : argument.substr(0, split);
  if (cohort.name.empty() || cohort.name.find_first_of(":;") != std::string::npos) {
    core::raise_usage("'" + core::printable(argument) + "': the name of a cohort is not empty and holds no ':' or ';'");
  }
  cohort.table = io::read_table(path, context);
  for (const char* column : {"feature", "n", "effect", "se", "p"}) {
    if (cohort.table.find(column)) continue;
    core::raise({path.string(), core::Place::line(1),
                 fmt::format("no column '{}', so this is no table of biomarker-score associate", column),
                 "Give the outputs of associate"});
  }
  cohort.survival = cohort.table.find("hazard_ratio").has_value();
  return cohort;
}

std::vector<CohortTable> read_cohorts(const CohortMetaOptions& options, core::RunContext& context) {
  if (options.tables.size() < 2) core::raise_usage("a meta-analysis needs the tables of at least two cohorts");
  std::vector<CohortTable> cohorts;
  std::set<std::string> names;
  for (const std::filesystem::path& argument : options.tables) {
    cohorts.push_back(read_cohort(argument, context));
    if (!names.insert(cohorts.back().name).second) {
      core::raise_usage("two cohorts are named '" + core::printable(cohorts.back().name) + "': give NAME=PATH");
    }
    if (cohorts.back().survival == cohorts.front().survival) continue;
    core::raise({cohorts.back().table.name, core::Place::none(),
                 fmt::format("hazard ratios of one outcome and odds ratios of another ({}) cannot be pooled",
                             cohorts.front().table.name),
                 "Analyse the same outcome in every cohort"});
  }
  return cohorts;
}

using Estimates = std::map<std::string, std::vector<CohortEstimate>>;

void add_estimates(const CohortTable& cohort, Estimates& estimates) {
  const io::Table& table = cohort.table;
  const std::size_t feature = table.require("feature"), n = table.require("n"), effect = table.require("effect"),
                    se = table.require("se"), p = table.require("p");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    std::vector<CohortEstimate>& own = estimates[table.rows[row][feature]];
    if (!own.empty() && own.back().cohort == cohort.name) {
      table.fail(row, feature, "a feature stands twice", "Give the outputs of associate");
    }
    const auto number = [&](std::size_t column) { return table.number(row, column).value_or(PooledAssociation::kNan); };
    const double error = number(se), probability = number(p);
    if (error <= 0 || probability < 0 || probability > 1) {
      table.fail(row, error <= 0 ? se : p, "no standard error or no p-value", "Give the outputs of associate");
    }
    own.push_back(
        {cohort.name, static_cast<std::size_t>(table.number(row, n).value_or(0)), number(effect), error, probability});
  }
}

}  // namespace

PooledAssociation pool_estimates(const std::string& feature, const std::vector<CohortEstimate>& estimates,
                                 std::size_t min_cohorts) {
  PooledAssociation result;
  result.feature = feature;
  std::vector<double> effects, errors, probabilities;
  double score = 0, weights = 0;
  for (const CohortEstimate& own : estimates) {
    if (!result.effects.empty()) result.effects += ';';
    result.effects += own.cohort + ':' + std::to_string(own.patients) + ':' + core::format_double(own.effect) + ':' +
                      core::format_double(own.se);
    if (!std::isfinite(own.effect) || !std::isfinite(own.se) || std::isnan(own.p)) continue;
    result.patients += own.patients;
    result.positive += own.effect > 0 ? 1 : 0;
    effects.push_back(own.effect);
    errors.push_back(own.se);
    // The p of each cohort holds its level where effect / se would not. Weighed as the fixed effect is, the deviates
    // of two equal cohorts count alike.
    probabilities.push_back(own.p);
    score += signed_z(own.p, own.effect) / own.se;
    weights += 1 / (own.se * own.se);
  }
  result.cohorts = effects.size();
  if (result.cohorts == 0 || result.cohorts < min_cohorts) return result;
  const stats::MetaAnalysis meta = stats::meta_analysis(effects, errors);
  result.effect = meta.fixed;
  result.se = meta.fixed_se;
  result.lower = meta.fixed - stats::kZ95 * meta.fixed_se;
  result.upper = meta.fixed + stats::kZ95 * meta.fixed_se;
  result.statistic = score / std::sqrt(weights);
  result.p = stats::normal_two_sided(result.statistic);
  result.tau_squared = meta.tau_squared;
  result.i_squared = meta.i_squared;
  result.q = meta.q;
  // An error is widened where the test of its cohort trusts the effect less than effect / se would.
  for (std::size_t i = 0; i < effects.size(); ++i) {
    errors[i] = stats::widened_error(effects[i], errors[i], probabilities[i]);
  }
  const stats::MetaAnalysis widened = stats::meta_analysis(effects, errors);
  result.p_heterogeneity = widened.p_heterogeneity;
  result.random = meta.random;
  const double df = static_cast<double>(result.cohorts) - 1;
  if (!(df > 0)) return result;
  result.random_se = meta.random_t_se;
  const double half_width = stats::student_upper_quantile(0.025, df) * result.random_se;
  result.random_lower = meta.random - half_width;
  result.random_upper = meta.random + half_width;
  // Six small cohorts of few events may agree by chance or disagree by their errors: the less certain of the two
  // counts.
  result.p_random = std::max(stats::student_two_sided(meta.random / result.random_se, df),
                             stats::student_two_sided(widened.random / widened.random_t_se, df));
  return result;
}

std::vector<PooledAssociation> pool_cohorts(const CohortMetaOptions& options, core::RunContext& context) {
  const std::vector<CohortTable> cohorts = read_cohorts(options, context);
  Estimates estimates;
  for (const CohortTable& cohort : cohorts) add_estimates(cohort, estimates);
  std::vector<PooledAssociation> rows;
  bool any = false;
  for (const auto& [feature, own] : estimates) {
    rows.push_back(pool_estimates(feature, own, static_cast<std::size_t>(options.min_cohorts)));
    any = any || own.size() > 1;
  }
  if (!any) {
    core::raise({cohorts[1].table.name, core::Place::none(),
                 fmt::format("none of {} features is in another cohort as well", cohorts[1].table.rows.size()),
                 "The tables must name features alike"});
  }
  std::vector<double> p;
  for (const PooledAssociation& row : rows) p.push_back(row.p);
  const std::vector<double> fdr = stats::benjamini_hochberg(p);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].fdr = fdr[i];
  std::ranges::stable_sort(rows, [](const PooledAssociation& a, const PooledAssociation& b) {
    if (std::isnan(a.p) != std::isnan(b.p)) return std::isnan(b.p);
    return !std::isnan(a.p) && a.p < b.p;
  });
  return rows;
}

std::string format_pooled(const std::vector<PooledAssociation>& rows) {
  std::string out =
      "feature\tcohorts\tn\tpositive\teffect\tse\tlower\tupper\tstatistic\tp\tfdr\trandom_effect\trandom_se\t"
      "random_lower\trandom_upper\tp_random\ttau_squared\ti_squared\tq\tp_heterogeneity\tcohort_effects\n";
  for (const PooledAssociation& row : rows) {
    out += fmt::format("{}\t{}\t{}\t{}", row.feature, row.cohorts, row.patients, row.positive);
    for (const double value : {row.effect, row.se, row.lower, row.upper, row.statistic, row.p, row.fdr, row.random,
                               row.random_se, row.random_lower, row.random_upper, row.p_random, row.tau_squared,
                               row.i_squared, row.q, row.p_heterogeneity}) {
      out += '\t';
      core::append_double(out, value);
    }
    out += '\t' + row.effects + '\n';
  }
  return out;
}

}  // namespace immucan::biomarker
