#include "biomarker/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostLevels = 12;  // more levels than this are an id, not a covariate

[[noreturn]] void fail_column(const io::Table& table, const std::string& column, std::string what, std::string remedy) {
  core::raise({table.name, core::Place::none(), fmt::format("column '{}': {}", column, what), std::move(remedy)});
}

/// `of`: what the rows of the outcome are. Rows that are not known count neither as such nor with their event.
void require_events(const Outcome& outcome, const io::Table& clinical, const std::string& column, std::string_view of,
                    std::string remedy) {
  std::size_t known = 0, events = 0;
  for (std::size_t i = 0; i < outcome.known.size(); ++i) {
    if (outcome.known[i] == 0) continue;
    ++known;
    events += outcome.event[i];
  }
  if (events == 0) fail_column(clinical, column, fmt::format("no event among the {} {}", known, of), std::move(remedy));
}

void read_response(const std::string& name, const io::Table& clinical, const std::vector<std::size_t>& rows,
                   Outcome& outcome) {
  const std::size_t column = clinical.require(name);
  std::size_t responders = 0, others = 0;
  for (const std::size_t row : rows) {
    const std::string& text = clinical.rows[row][column];
    const bool yes = text == "R" || text == "1", no = text == "NR" || text == "0";
    if (!yes && !no && !core::is_missing(text)) {
      clinical.fail(row, column, fmt::format("response '{}' is neither R nor NR", core::printable(text)),
                    "Write R, NR or NA (1, 0 or NA)");
    }
    outcome.known.push_back(yes || no ? 1 : 0);
    outcome.event.push_back(yes ? 1 : 0);
    responders += yes ? 1 : 0;
    others += no ? 1 : 0;
  }
  if (responders == 0 || others == 0) {
    fail_column(clinical, name,
                fmt::format("one class only among the {} patients with features ({} responders, {} non-responders, {} "
                            "missing)",
                            rows.size(), responders, others, rows.size() - responders - others),
                "An association needs responders and non-responders");
  }
}

void read_survival(const std::string& time_name, const std::string& event_name, const io::Table& clinical,
                   const std::vector<std::size_t>& rows, Outcome& outcome) {
  const std::size_t time_column = clinical.require(time_name), event_column = clinical.require(event_name);
  for (const std::size_t row : rows) {
    const auto time = clinical.number(row, time_column);
    const auto event = clinical.number(row, event_column);
    if (time && *time < 0) {
      clinical.fail(row, time_column, fmt::format("negative time ({})", core::format_double(*time)),
                    "Times count from the start of treatment");
    }
    if (event && *event != 0 && *event != 1) {
      clinical.fail(row, event_column, fmt::format("event {} is neither 0 nor 1", core::format_double(*event)),
                    "Write 1 where the event happened at that time, 0 where follow-up ended");
    }
    const bool complete = time && event;
    outcome.known.push_back(complete ? 1 : 0);
    outcome.time.push_back(complete ? *time : kNan);
    outcome.event.push_back(complete && *event == 1 ? 1 : 0);
  }
  require_events(outcome, clinical, event_name, "patients with features and follow-up",
                 "A survival analysis needs events");
}

/// Numeric when every value is a number; text when none is. A mixture is a mistake in the table.
void read_covariate(const std::string& name, const io::Table& clinical, const std::vector<std::size_t>& rows,
                    std::vector<std::vector<double>>& columns, Outcome& outcome) {
  const std::size_t column = clinical.require(name);
  std::size_t numbers = 0, texts = 0;
  std::optional<std::size_t> odd;
  std::set<std::string> levels;
  for (const std::size_t row : rows) {
    const std::string& text = clinical.rows[row][column];
    if (core::is_missing(text)) continue;
    levels.insert(text);
    if (core::parse_double(text)) {
      ++numbers;
    } else {
      ++texts;
      odd = row;
    }
  }
  if (levels.size() < 2) {
    fail_column(clinical, name, "the covariate does not vary among the patients with features", "Leave it out");
  }
  if (numbers > 0 && texts > 0) {
    clinical.fail(*odd, column,
                  fmt::format("'{}' is text in a column of numbers", core::printable(clinical.rows[*odd][column])),
                  "Correct the value, or write NA");
  }
  if (texts == 0) {
    outcome.covariate_names.push_back(name);
    auto& values = columns.emplace_back();
    for (const std::size_t row : rows) values.push_back(clinical.number(row, column).value_or(kNan));
    return;
  }
  if (levels.size() > kMostLevels) {
    fail_column(clinical, name, fmt::format("{} different texts cannot be a covariate", levels.size()),
                "Group them into a few levels");
  }
  for (auto level = std::next(levels.begin()); level != levels.end(); ++level) {
    outcome.covariate_names.push_back(name + "=" + *level);
    auto& values = columns.emplace_back();
    for (const std::size_t row : rows) {
      const std::string& text = clinical.rows[row][column];
      values.push_back(core::is_missing(text) ? kNan : text == *level ? 1.0 : 0.0);
    }
  }
}

/// Follow-up from the landmark on; late entries.
void delay_entry(const OutcomeOptions& options, const io::Table& clinical, const std::vector<std::size_t>& rows,
                 Outcome& outcome) {
  if (options.landmark) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (outcome.known[i] == 0) continue;
      outcome.time[i] -= *options.landmark;
      if (outcome.time[i] <= 0) outcome.known[i] = 0;
    }
  }
  if (options.start) {
    const std::size_t column = clinical.require(*options.start);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto start = clinical.number(rows[i], column);
      outcome.start.push_back(start.value_or(kNan));
      if (!start) outcome.known[i] = 0;
      if (outcome.known[i] == 0) continue;
      if (*start < 0 || *start >= outcome.time[i]) {
        clinical.fail(rows[i], column,
                      fmt::format("start {} is not between 0 and the end of follow-up ({})",
                                  core::format_double(*start), core::format_double(outcome.time[i])),
                      "A patient is at risk from the start to the end");
      }
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (outcome.known[i] == 0) outcome.event[i] = 0;
  }
  require_events(outcome, clinical, *options.event, "patients under observation after the landmark",
                 "A survival analysis needs events");
}

void read_strata(const std::vector<std::string>& names, const io::Table& clinical, const std::vector<std::size_t>& rows,
                 Outcome& outcome) {
  std::vector<std::string> own(rows.size());
  std::map<std::string, std::uint32_t> index;
  for (const std::string& name : names) {
    const std::size_t column = clinical.require(name);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string& text = clinical.rows[rows[i]][column];
      if (core::is_missing(text)) outcome.known[i] = 0;
      own[i] += (own[i].empty() ? "" : "/") + text;
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (outcome.known[i] != 0) index.emplace(own[i], 0);
  }
  std::size_t known = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) known += outcome.known[i];
  if (index.size() * 2 > known) {
    fail_column(clinical, names.front(), fmt::format("{} strata for {} patients", index.size(), known),
                "Strata need several patients each");
  }
  for (auto& [name, number] : index) {
    number = static_cast<std::uint32_t>(outcome.strata.size());
    outcome.strata.push_back(name);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) outcome.stratum.push_back(outcome.known[i] != 0 ? index.at(own[i]) : 0);
}

void read_cluster(const std::string& name, const io::Table& clinical, const std::vector<std::size_t>& rows,
                  Outcome& outcome) {
  const std::string column_name = name == "patient" ? "patient_id" : name;
  const std::size_t column = clinical.require(column_name);
  std::map<std::string, std::uint32_t> index;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& text = clinical.rows[rows[i]][column];
    if (core::is_missing(text)) outcome.known[i] = 0;
    const auto next = static_cast<std::uint32_t>(index.size());
    outcome.cluster.push_back(index.try_emplace(text, next).first->second);
  }
  constexpr std::size_t kLeast = 6;
  if (index.size() < kLeast) {
    fail_column(clinical, column_name, fmt::format("{} clusters", index.size()),
                "A variance between clusters needs at least 6 of them; few groups are --strata");
  }
}

void read_treatment(const std::string& name, const io::Table& clinical, const std::vector<std::size_t>& rows,
                    Outcome& outcome) {
  const std::size_t column = clinical.require(name);
  const auto randomised_column = clinical.find("randomised");
  const auto randomised = [&](std::size_t row) {
    return randomised_column && clinical.rows[row][*randomised_column] == "1";
  };
  // Randomised patients answer the question; the others only where there are no two randomised arms.
  std::set<std::string> all, random;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& arm = clinical.rows[rows[i]][column];
    if (core::is_missing(arm) || outcome.known[i] == 0) continue;
    all.insert(arm);
    if (randomised(rows[i])) random.insert(arm);
  }
  outcome.randomised = random.size() == 2;
  const std::set<std::string>& arms = outcome.randomised ? random : all;
  if (arms.size() != 2) {
    fail_column(clinical, name,
                fmt::format("{} arms among the patients with features and outcome: {}", arms.size(),
                            core::printable(core::join({arms.begin(), arms.end()}, ", "), 200)),
                "An interaction compares two arms");
  }
  outcome.arms.assign(arms.begin(), arms.end());
  for (const std::size_t row : rows) {
    const std::string& arm = clinical.rows[row][column];
    const bool counts = !outcome.randomised || randomised(row);
    outcome.arm.push_back(!counts ? -1 : arm == outcome.arms[0] ? 0 : arm == outcome.arms[1] ? 1 : -1);
  }
}

}  // namespace

Outcome read_outcome(const OutcomeOptions& options, const io::Table& clinical, const std::vector<std::size_t>& rows) {
  Outcome outcome;
  outcome.survival = options.time.has_value();
  if (outcome.survival) {
    read_survival(*options.time, *options.event, clinical, rows, outcome);
  } else {
    read_response(*options.response, clinical, rows, outcome);
  }
  if (options.cluster) read_cluster(*options.cluster, clinical, rows, outcome);
  if (outcome.survival && (options.landmark || options.start)) delay_entry(options, clinical, rows, outcome);
  outcome.ties = options.ties == "exact"     ? stats::Ties::kExact
                 : options.ties == "breslow" ? stats::Ties::kBreslow
                                             : stats::Ties::kEfron;
  std::vector<std::vector<double>> columns;
  for (const std::string& name : options.covariates) read_covariate(name, clinical, rows, columns, outcome);
  if (!options.strata.empty()) {
    read_strata(options.strata, clinical, rows, outcome);
    if (!outcome.survival) {
      for (std::uint32_t level = 1; level < outcome.strata.size(); ++level) {
        outcome.covariate_names.push_back(outcome.strata[level]);
        auto& values = columns.emplace_back();
        for (const std::uint32_t own : outcome.stratum) values.push_back(own == level ? 1.0 : 0.0);
        ++outcome.stratum_columns;
      }
    }
  }
  outcome.covariates_known.assign(rows.size(), 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& column : columns) {
      outcome.covariates.push_back(column[i]);
      if (column[i] != column[i]) outcome.covariates_known[i] = 0;
    }
  }
  if (options.treatment) read_treatment(*options.treatment, clinical, rows, outcome);
  if (options.batch) {
    const std::size_t column = clinical.require(*options.batch);
    for (const std::size_t row : rows) {
      const std::string& text = clinical.rows[row][column];
      outcome.batch.push_back(core::is_missing(text) ? "" : text);
    }
  }
  return outcome;
}

void divide_follow_up(Outcome& outcome, const std::vector<std::size_t>& rows, std::span<const double> day,
                      const OutcomeOptions& options, const io::Table& clinical) {
  const auto begin_of = [&](std::size_t i) { return std::max(0.0, day[i] / options.days_per_unit); };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double begin = begin_of(i);
    outcome.start.push_back(begin);
    if (outcome.known[i] == 0) continue;
    const bool followed = i + 1 < rows.size() && rows[i + 1] == rows[i];
    if (followed && begin_of(i + 1) < outcome.time[i]) {
      outcome.time[i] = begin_of(i + 1);
      outcome.event[i] = 0;
    }
    if (!(outcome.time[i] > begin)) {
      outcome.known[i] = 0;
      outcome.event[i] = 0;
    }
  }
  require_events(outcome, clinical, *options.event, "intervals that begin before the end of follow-up",
                 "Check that days and --time have one unit (--days-per-unit)");
}

}  // namespace immucan::biomarker
