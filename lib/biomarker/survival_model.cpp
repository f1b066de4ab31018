#include "biomarker/survival_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/cox.h"
#include "stats/distributions.h"
#include "stats/kaplan_meier.h"

namespace immucan::biomarker {

namespace {

[[noreturn]] void fail_table(const io::Table& table, std::string what, std::string remedy) {
  core::raise({table.name, core::Place::none(), std::move(what), std::move(remedy)});
}

void cell(std::string& out, double value) {
  out += '\t';
  core::append_double(out, value);
}

/// Columns of the design that one variable gives: itself, or an indicator per level after the first.
struct Variable {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
};

/// Rows of the table that have everything asked.
class Rows {
 public:
  Rows(const io::Table& table, const std::vector<std::string>& columns) : table_(table) {
    std::vector<std::size_t> needed;
    for (const std::string& column : columns) needed.push_back(table.require(column));
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const bool complete =
          std::ranges::none_of(needed, [&](std::size_t column) { return core::is_missing(table.rows[row][column]); });
      if (complete) rows_.push_back(row);
    }
    if (rows_.empty()) fail_table(table, "no row has all of the columns asked", "Check the names and missing values");
  }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const {
    const std::size_t column = table_.require(name);
    std::vector<double> values;
    for (const std::size_t row : rows_) values.push_back(*table_.number(row, column));
    return values;
  }
  [[nodiscard]] std::vector<double> times(const std::string& name) const {
    std::vector<double> values = numbers(name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0) {
        table_.fail(rows_[i], table_.require(name), fmt::format("negative time ({})", core::format_double(values[i])),
                    "Times count from the start of treatment");
      }
    }
    return values;
  }
  [[nodiscard]] std::vector<std::uint8_t> events(const std::string& name) const {
    std::vector<std::uint8_t> events;
    const std::vector<double> values = numbers(name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0 && values[i] != 1) {
        table_.fail(rows_[i], table_.require(name),
                    fmt::format("event {} is neither 0 nor 1", core::format_double(values[i])),
                    "Write 1 where the event happened at that time, 0 where follow-up ended");
      }
      events.push_back(values[i] == 1);
    }
    if (std::ranges::none_of(events, [](std::uint8_t e) { return e != 0; })) {
      fail_table(table_, fmt::format("column '{}': no event in {} rows", name, rows_.size()),
                 "A survival analysis needs events");
    }
    return events;
  }
  /// Levels in sorted order (numbers by value), and the level of each row.
  [[nodiscard]] std::vector<std::uint32_t> levels(const std::vector<std::string>& names,
                                                  std::vector<std::string>& labels) const {
    const auto less = [](const std::string& a, const std::string& b) {
      const auto x = core::parse_double(a), y = core::parse_double(b);
      return x && y && *x != *y ? *x < *y : a < b;
    };
    std::vector<std::string> own(rows_.size());
    for (const std::string& name : names) {
      const std::size_t column = table_.require(name);
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        own[i] += (own[i].empty() ? "" : "/") + table_.rows[rows_[i]][column];
      }
    }
    labels = own;
    std::ranges::sort(labels, less);
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    std::vector<std::uint32_t> result;
    for (const std::string& label : own) {
      result.push_back(static_cast<std::uint32_t>(std::ranges::find(labels, label) - labels.begin()));
    }
    return result;
  }
  [[nodiscard]] Variable variable(const std::string& name, bool factor) const {
    const std::size_t column = table_.require(name);
    const bool text = std::ranges::any_of(
        rows_, [&](std::size_t row) { return !core::parse_double(table_.rows[row][column]).has_value(); });
    if (!factor && !text) return {{name}, {numbers(name)}};
    Variable variable;
    std::vector<std::string> labels;
    const std::vector<std::uint32_t> level = levels({name}, labels);
    if (labels.size() * 2 > rows_.size() || labels.size() < 2) {
      fail_table(table_, fmt::format("column '{}': {} levels in {} rows", name, labels.size(), rows_.size()),
                 "A term needs at least two levels of several rows each");
    }
    for (std::uint32_t l = 1; l < labels.size(); ++l) {
      variable.names.push_back(name + "=" + labels[l]);
      auto& values = variable.columns.emplace_back();
      for (const std::uint32_t own : level) values.push_back(own == l ? 1 : 0);
    }
    return variable;
  }

 private:
  const io::Table& table_;
  std::vector<std::size_t> rows_;
};

Variable product(const Variable& a, const Variable& b) {
  Variable result;
  for (std::size_t i = 0; i < b.names.size(); ++i) {
    for (std::size_t j = 0; j < a.names.size(); ++j) {
      result.names.push_back(a.names[j] + ":" + b.names[i]);
      auto& values = result.columns.emplace_back();
      for (std::size_t k = 0; k < a.columns[j].size(); ++k) values.push_back(a.columns[j][k] * b.columns[i][k]);
    }
  }
  return result;
}

stats::Ties ties_of(const std::string& name) {
  return name == "exact" ? stats::Ties::kExact : name == "breslow" ? stats::Ties::kBreslow : stats::Ties::kEfron;
}

std::vector<std::string> parts_of(const std::string& term) {
  std::vector<std::string> parts;
  for (const std::string_view part : core::split(term, ':')) parts.emplace_back(part);
  if (parts.size() > 2)
    core::raise_usage("--terms: '" + core::printable(term) + "' is a product of more than two columns");
  return parts;
}

}  // namespace

std::string fit_survival_model(const SurvivalModelOptions& options, core::RunContext& context) {
  const io::Table table = io::read_table(options.table, context);
  std::vector<std::string> needed{options.time, options.event};
  for (const std::string& term : options.terms) {
    for (const std::string& part : parts_of(term)) needed.push_back(part);
  }
  needed.insert(needed.end(), options.strata.begin(), options.strata.end());
  if (options.cluster) needed.push_back(*options.cluster);
  if (options.start) needed.push_back(*options.start);
  const Rows rows(table, needed);
  stats::SurvivalRows survival;
  survival.time = rows.times(options.time);
  survival.event = rows.events(options.event);
  std::vector<std::string> labels;
  if (!options.strata.empty()) survival.stratum = rows.levels(options.strata, labels);
  if (options.cluster) survival.cluster = rows.levels({*options.cluster}, labels);
  if (options.start) {
    survival.start = rows.times(*options.start);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (survival.start[i] >= survival.time[i]) {
        fail_table(table,
                   fmt::format("a row starts at {} and ends at {}", core::format_double(survival.start[i]),
                               core::format_double(survival.time[i])),
                   "A row is at risk from its start to its end");
      }
    }
  }
  std::vector<std::string> names;
  std::vector<std::size_t> term_of;
  std::vector<std::vector<double>> columns;
  for (std::size_t t = 0; t < options.terms.size(); ++t) {
    const auto variable = [&](const std::string& name) {
      return rows.variable(name, std::ranges::find(options.factors, name) != options.factors.end());
    };
    const std::vector<std::string> parts = parts_of(options.terms[t]);
    const Variable own = parts.size() == 1 ? variable(parts[0]) : product(variable(parts[0]), variable(parts[1]));
    for (std::size_t j = 0; j < own.names.size(); ++j) {
      names.push_back(own.names[j]);
      columns.push_back(own.columns[j]);
      term_of.push_back(t);
    }
  }
  const std::size_t p = columns.size();
  std::vector<double> design;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& column : columns) design.push_back(column[i]);
  }
  const stats::CoxOptions cox{.ties = ties_of(options.ties)};
  if (options.cluster && cox.ties == stats::Ties::kExact) core::raise_usage("--cluster needs --ties efron or breslow");
  const stats::CoxModel model(survival);
  const stats::CoxFit fit = model.fit(design, p, cox);
  std::string out = "term\tcoef\thazard_ratio\tse\trobust_se\tz\tp_wald\tlower\tupper\n";
  for (std::size_t j = 0; j < p; ++j) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    const bool estimated = fit.covariance[j * p + j] > 0;
    const double coef = estimated ? fit.coefficients[j] : kNan;
    const double se = estimated ? std::sqrt(fit.covariance[j * p + j]) : kNan;
    const double robust = fit.robust_covariance.empty() ? kNan : std::sqrt(fit.robust_covariance[j * p + j]);
    const double used = std::isnan(robust) ? se : robust;
    out += names[j];
    for (const double value : {coef, std::exp(coef), se, robust, coef / used, stats::normal_two_sided(coef / used),
                               coef - stats::kZ95 * used, coef + stats::kZ95 * used}) {
      cell(out, value);
    }
    out += '\n';
  }
  out += "\ntest\tstatistic\tdf\tp\n";
  const auto line = [&](const std::string& name, double statistic, double df) {
    out += name;
    cell(out, statistic);
    cell(out, df);
    cell(out, stats::chi_squared_upper(statistic, df));
    out += '\n';
  };
  const auto rank = static_cast<double>(fit.rank);
  line("likelihood_ratio", fit.likelihood_ratio, rank);
  line("wald", fit.wald_statistic, rank);
  line("score", fit.score_statistic, rank);
  if (cox.ties != stats::Ties::kExact && fit.rank == p && !fit.infinite) {
    const auto tests = model.proportional_hazards_test(design, p, fit, term_of, cox);
    for (std::size_t t = 0; t < tests.size(); ++t) {
      line("proportional_hazards:" + (t < options.terms.size() ? options.terms[t] : "GLOBAL"), tests[t].statistic,
           tests[t].df);
    }
  }
  out += "\nquantity\tvalue\n";
  out += "rows\t" + std::to_string(fit.rows) + "\nevents\t" + std::to_string(fit.events);
  out += "\nlog_likelihood_null";
  cell(out, fit.log_likelihood_null);
  out += "\nlog_likelihood";
  cell(out, fit.log_likelihood);
  out += "\ninfinite\t" + std::to_string(fit.infinite ? 1 : 0) + "\n";
  return out;
}

std::string survival_curves(const SurvivalCurvesOptions& options, core::RunContext& context, std::string& summary) {
  const io::Table table = io::read_table(options.table, context);
  std::vector<std::string> needed{options.time, options.event};
  if (options.group) needed.push_back(*options.group);
  const Rows rows(table, needed);
  const std::vector<double> time = rows.times(options.time);
  const std::vector<std::uint8_t> event = rows.events(options.event);
  std::vector<std::string> labels{"all"};
  std::vector<std::uint32_t> group(rows.size(), 0);
  if (options.group) group = rows.levels({*options.group}, labels);
  if (labels.size() > 20)
    fail_table(table, fmt::format("{} groups", labels.size()), "Cut the column into a few groups");
  const auto interval = options.interval == "log"       ? stats::SurvivalInterval::kLog
                        : options.interval == "log-log" ? stats::SurvivalInterval::kLogLog
                                                        : stats::SurvivalInterval::kPlain;
  std::vector<std::vector<double>> times(labels.size());
  std::vector<std::vector<std::uint8_t>> events(labels.size());
  for (std::size_t i = 0; i < time.size(); ++i) {
    times[group[i]].push_back(time[i]);
    events[group[i]].push_back(event[i]);
  }
  double tau = std::numeric_limits<double>::infinity();
  for (const auto& own : times) tau = std::min(tau, std::ranges::max(own));
  tau = options.tau.value_or(tau);
  std::string out = "group\ttime\tat_risk\tevents\tcensored\tsurvival\tse_cumulative_hazard\tlower\tupper\n";
  summary = "group\tpatients\tevents\tmedian\tmedian_lower\tmedian_upper\trestricted_mean\trestricted_mean_se\ttau\n";
  std::vector<stats::RestrictedMean> means;
  for (std::size_t g = 0; g < labels.size(); ++g) {
    const auto curve = stats::kaplan_meier(times[g], events[g], interval);
    for (const stats::SurvivalPoint& point : curve) {
      out += labels[g];
      cell(out, point.time);
      out += fmt::format("\t{}\t{}\t{}", point.at_risk, point.events, point.censored);
      for (const double v : {point.survival, point.standard_error, point.lower, point.upper}) cell(out, v);
      out += '\n';
    }
    const stats::MedianSurvival median = stats::median_survival(curve);
    means.push_back(stats::restricted_mean(curve, tau));
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    summary += fmt::format("{}\t{}\t{}", labels[g], times[g].size(), std::ranges::count(events[g], 1));
    for (const double v : {median.median.value_or(kNan), median.lower.value_or(kNan), median.upper.value_or(kNan),
                           means.back().mean, means.back().standard_error, tau}) {
      cell(summary, v);
    }
    summary += '\n';
  }
  if (labels.size() < 2) return out;
  summary += "\ntest\tstatistic\tdf\tp\n";
  for (const double rho : {0.0, 1.0}) {
    const auto test = stats::log_rank_test(time, event, group, labels.size(), rho);
    summary += rho == 0 ? "log_rank" : "peto_peto";
    for (const double v : {test.statistic, test.df, test.p}) cell(summary, v);
    summary += '\n';
  }
  summary += "\ncomparison\tdifference\tse\tz\tp\n";
  for (std::size_t g = 1; g < labels.size(); ++g) {
    const double difference = means[g].mean - means[0].mean;
    const double se = std::hypot(means[g].standard_error, means[0].standard_error);
    summary += "restricted_mean:" + labels[g] + "-" + labels[0];
    for (const double v : {difference, se, difference / se, stats::normal_two_sided(difference / se)}) cell(summary, v);
    summary += '\n';
  }
  return out;
}

}  // namespace immucan::biomarker
