#include "biomarker/survival_model.h"

#include <algorithm>
#include <cmath>

#include "biomarker/survival_table.h"
#include "core/error.h"
#include "core/text.h"
#include "stats/distributions.h"
#include "stats/residual_score.h"
#include "stats/symmetric.h"

namespace immucan::biomarker {

namespace {

using Names = std::vector<std::string>;

stats::Ties ties_of(const std::string& name) {
  return name == "exact" ? stats::Ties::kExact : name == "breslow" ? stats::Ties::kBreslow : stats::Ties::kEfron;
}

Names parts_of(const std::string& term) {
  Names parts;
  for (const std::string_view part : core::split(term, ':')) parts.emplace_back(part);
  if (parts.size() > 2) {
    core::raise_usage("--terms: '" + core::printable(term) + "' is a product of more than two columns");
  }
  return parts;
}

Names columns_asked(const SurvivalModelOptions& options) {
  Names asked{options.time, options.event};
  for (const std::string& term : options.terms) {
    for (const std::string& part : parts_of(term)) asked.push_back(part);
  }
  asked.insert(asked.end(), options.strata.begin(), options.strata.end());
  if (options.cluster) asked.push_back(*options.cluster);
  if (options.start) asked.push_back(*options.start);
  return asked;
}

struct Design {
  Names names;
  std::vector<std::size_t> term;  ///< of each column
  std::vector<double> values;     ///< row-major
  [[nodiscard]] std::size_t columns() const { return names.size(); }
  /// The columns for which `wanted(column)` holds, row-major.
  [[nodiscard]] std::vector<double> part(const auto& wanted) const {
    std::vector<double> own;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (wanted(i % columns())) own.push_back(values[i]);
    }
    return own;
  }
};

Design design_of(const CompleteRows& rows, const SurvivalModelOptions& options) {
  Design design;
  std::vector<std::vector<double>> columns;
  const auto variable = [&](const std::string& name) {
    return rows.variable(name, std::ranges::find(options.factors, name) != options.factors.end());
  };
  for (std::size_t t = 0; t < options.terms.size(); ++t) {
    const Names parts = parts_of(options.terms[t]);
    const Variable own = parts.size() == 1 ? variable(parts[0]) : product(variable(parts[0]), variable(parts[1]));
    design.names.insert(design.names.end(), own.names.begin(), own.names.end());
    columns.insert(columns.end(), own.columns.begin(), own.columns.end());
    design.term.insert(design.term.end(), own.names.size(), t);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& column : columns) design.values.push_back(column[i]);
  }
  return design;
}

stats::SurvivalRows survival_rows(const CompleteRows& rows, const SurvivalModelOptions& options) {
  stats::SurvivalRows survival;
  Names labels;
  survival.time = rows.times(options.time);
  survival.event = rows.events(options.event);
  if (!options.strata.empty()) survival.stratum = rows.levels(options.strata, labels);
  if (options.cluster) survival.cluster = rows.levels({*options.cluster}, labels);
  if (options.start) survival.start = rows.starts(*options.start, survival.time);
  return survival;
}

/// Everything that the calibrated tests need.
struct Fitted {
  const stats::CoxModel& model;
  const stats::SurvivalRows& rows;
  const Design& design;
  const stats::CoxFit& fit;
  stats::CoxOptions options;
  std::int64_t permutations;
  std::uint64_t seed;
};

SurvivalModel::Coefficient coefficient(const Fitted& fitted, std::size_t j) {
  const std::size_t p = fitted.design.columns();
  const stats::CoxFit& fit = fitted.fit;
  SurvivalModel::Coefficient result;
  result.name = fitted.design.names[j];
  if (fit.covariance[j * p + j] > 0) {
    result.coef = fit.coefficients[j];
    result.se = std::sqrt(fit.covariance[j * p + j]);
  }
  if (!fit.robust_covariance.empty()) result.robust_se = std::sqrt(fit.robust_covariance[j * p + j]);
  const double used = std::isnan(result.robust_se) ? result.se : result.robust_se;
  result.z = result.coef / used;
  result.p_wald = stats::normal_two_sided(result.z);
  result.lower = result.coef - stats::kZ95 * used;
  result.upper = result.coef + stats::kZ95 * used;
  const std::vector<double> others = fitted.design.part([j](std::size_t column) { return column != j; });
  const std::vector<double> own = fitted.design.part([j](std::size_t column) { return column == j; });
  std::vector<double> null;
  if (p > 1) null = fitted.model.fit(others, p - 1, fitted.options).coefficients;
  const auto residuals = fitted.model.martingale_residuals(others, p - 1, null, fitted.options);
  result.p = fitted.rows.cluster.empty()
                 ? stats::permutation_score_p(own, 1, others, p - 1, residuals, fitted.rows.stratum,
                                              fitted.permutations, core::Random(fitted.seed, j))
                 : stats::cluster_score_test(own, others, p - 1, residuals, fitted.rows.cluster, fitted.rows.stratum).p;
  return result;
}

/// Likelihood ratio and Wald wander off with skewed terms: the score alone has a p that holds its level.
void whole_model(const Fitted& fitted, std::vector<SurvivalModel::Test>& tests) {
  const stats::CoxFit& fit = fitted.fit;
  const auto df = static_cast<double>(fit.rank);
  const auto add = [&](const std::string& name, double statistic, double p) {
    tests.push_back({name, statistic, df, stats::chi_squared_upper(statistic, df), p});
  };
  if (!fitted.rows.cluster.empty()) {
    for (const auto& [name, statistic] : {std::pair{"likelihood_ratio", fit.likelihood_ratio},
                                          {"wald", fit.wald_statistic},
                                          {"score", fit.score_statistic}}) {
      add(name, statistic, SurvivalModel::kNan);
    }
    return;
  }
  const auto residuals = fitted.model.martingale_residuals({}, 0, {}, fitted.options);
  add("likelihood_ratio", fit.likelihood_ratio, SurvivalModel::kNan);
  add("wald", fit.wald_statistic, SurvivalModel::kNan);
  const std::size_t p = fitted.design.columns();
  add("score", fit.score_statistic,
      stats::permutation_score_p(fitted.design.values, p, {}, 0, residuals, fitted.rows.stratum, fitted.permutations,
                                 core::Random(fitted.seed, p)));
}

/// Permutes the columns of one term, or of all after the last, against the residuals times time of the model without
/// them; the score of the columns themselves is held at zero.
double proportional_hazards_p(const Fitted& fitted, std::size_t term) {
  const Design& design = fitted.design;
  const std::size_t p = design.columns(), rows = design.values.size() / p;
  const auto is_chosen = [&](std::size_t j) { return term > design.term.back() || design.term[j] == term; };
  std::vector<std::size_t> chosen;
  for (std::size_t j = 0; j < p; ++j) {
    if (is_chosen(j)) chosen.push_back(j);
  }
  const std::size_t kept = p - chosen.size();
  const std::vector<double> rest = design.part([&](std::size_t j) { return !is_chosen(j); });
  std::vector<double> null, coefficients(p, 0.0);
  if (kept > 0) null = fitted.model.fit(rest, kept, fitted.options).coefficients;
  for (std::size_t j = 0, k = 0; j < p; ++j) {
    if (!is_chosen(j)) coefficients[j] = null[k++];
  }
  const auto residuals = fitted.model.martingale_residuals(rest, kept, null, fitted.options);
  std::vector<double> others;
  for (std::size_t i = 0; i < rows; ++i) {
    others.push_back(residuals[i]);
    for (std::size_t j = 0; j < kept; ++j) others.push_back(rest[i * kept + j]);
  }
  const stats::TimedScore none = fitted.model.timed_score(design.values, p, chosen, coefficients, fitted.options),
                          score = fitted.model.timed_score(design.values, p, chosen, fitted.fit.coefficients,
                                                           fitted.options);
  const double chi_squared = stats::Cholesky(score.variance, chosen.size()).quadratic_form(score.score);
  std::vector<double> effect, covariance;
  for (const std::size_t j : chosen) {
    effect.push_back(fitted.fit.coefficients[j]);
    for (const std::size_t k : chosen) covariance.push_back(fitted.fit.covariance[j * p + k]);
  }
  // Few deaths: what was fitted to them is gone from the variance.
  const auto events = static_cast<double>(fitted.fit.events);
  const double spent = std::max(0.0, events - static_cast<double>(p)) / events;
  const double wald = stats::Cholesky(covariance, chosen.size()).quadratic_form(effect);
  return stats::permutation_score_p(
      design.part(is_chosen), chosen.size(), others, kept + 1,
      fitted.model.timed_residuals(rest, kept, null, fitted.options), fitted.rows.stratum, fitted.permutations,
      core::Random(fitted.seed, p + 1 + term),
      stats::ObservedScore{spent * chi_squared, none.variance, wald / static_cast<double>(chosen.size())});
}

void proportional_hazards(const Fitted& fitted, const Names& terms, std::vector<SurvivalModel::Test>& tests) {
  const std::size_t p = fitted.design.columns();
  const auto asymptotic =
      fitted.model.proportional_hazards_test(fitted.design.values, p, fitted.fit, fitted.design.term, fitted.options);
  for (std::size_t t = 0; t < asymptotic.size(); ++t) {
    tests.push_back({"proportional_hazards:" + (t < terms.size() ? terms[t] : std::string("GLOBAL")),
                     asymptotic[t].statistic, asymptotic[t].df, asymptotic[t].p, proportional_hazards_p(fitted, t)});
  }
}

}  // namespace

SurvivalModel fit_survival_model(const io::Table& table, const SurvivalModelOptions& options, std::uint64_t seed) {
  const stats::CoxOptions cox{.ties = ties_of(options.ties)};
  if (options.cluster && cox.ties == stats::Ties::kExact) core::raise_usage("--cluster needs --ties efron or breslow");
  const CompleteRows rows(table, columns_asked(options));
  const stats::SurvivalRows survival = survival_rows(rows, options);
  const Design design = design_of(rows, options);
  const stats::CoxModel model(survival);
  SurvivalModel result;
  result.fit = model.fit(design.values, design.columns(), cox);
  const Fitted fitted{model, survival, design, result.fit, cox, options.permutations, seed};
  for (std::size_t j = 0; j < design.columns(); ++j) result.coefficients.push_back(coefficient(fitted, j));
  whole_model(fitted, result.tests);
  if (cox.ties != stats::Ties::kExact && result.fit.rank == design.columns() && !result.fit.infinite) {
    proportional_hazards(fitted, options.terms, result.tests);
  }
  return result;
}

std::string format_survival_model(const SurvivalModel& model) {
  std::string out = "term\tcoef\thazard_ratio\tse\trobust_se\tz\tp_wald\tlower\tupper\tp\n";
  const auto line = [&](const std::string& name, std::initializer_list<double> values) {
    out += name;
    for (const double value : values) {
      out += '\t';
      core::append_double(out, value);
    }
    out += '\n';
  };
  for (const SurvivalModel::Coefficient& c : model.coefficients) {
    line(c.name, {c.coef, std::exp(c.coef), c.se, c.robust_se, c.z, c.p_wald, c.lower, c.upper, c.p});
  }
  out += "\ntest\tstatistic\tdf\tp_asymptotic\tp\n";
  for (const SurvivalModel::Test& t : model.tests) line(t.name, {t.statistic, t.df, t.p_asymptotic, t.p});
  out += "\nquantity\tvalue\n";
  out += "rows\t" + std::to_string(model.fit.rows) + "\nevents\t" + std::to_string(model.fit.events) + "\n";
  line("log_likelihood_null", {model.fit.log_likelihood_null});
  line("log_likelihood", {model.fit.log_likelihood});
  return out + "infinite\t" + std::to_string(model.fit.infinite ? 1 : 0) + "\n";
}

}  // namespace immucan::biomarker
