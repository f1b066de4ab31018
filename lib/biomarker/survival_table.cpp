#include "biomarker/survival_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

void fail_table(const io::Table& table, std::string what, std::string remedy) {
  core::raise({table.name, core::Place::none(), std::move(what), std::move(remedy)});
}

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

CompleteRows::CompleteRows(const io::Table& table, const std::vector<std::string>& columns) : table_(table) {
  std::vector<std::size_t> needed;
  for (const std::string& column : columns) needed.push_back(table.require(column));
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const bool complete =
        std::ranges::none_of(needed, [&](std::size_t column) { return core::is_missing(table.rows[row][column]); });
    if (complete) rows_.push_back(row);
  }
  if (rows_.empty()) fail_table(table, "no row has all of the columns asked", "Check the names and missing values");
}

std::vector<double> CompleteRows::numbers(const std::string& name) const {
  const std::size_t column = table_.require(name);
  std::vector<double> values;
  for (const std::size_t row : rows_) values.push_back(*table_.number(row, column));
  return values;
}

std::vector<double> CompleteRows::times(const std::string& name) const {
  std::vector<double> values = numbers(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) {
      table_.fail(rows_[i], table_.require(name), fmt::format("negative time ({})", core::format_double(values[i])),
                  "Times count from the start of treatment");
    }
  }
  return values;
}

std::vector<std::uint8_t> CompleteRows::events(const std::string& name) const {
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

std::vector<std::uint32_t> CompleteRows::levels(const std::vector<std::string>& names,
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

Variable CompleteRows::variable(const std::string& name, bool factor) const {
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

std::vector<double> CompleteRows::starts(const std::string& name, const std::vector<double>& times) const {
  std::vector<double> values = this->times(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < times[i]) continue;
    table_.fail(
        rows_[i], table_.require(name),
        fmt::format("a row starts at {} and ends at {}", core::format_double(values[i]), core::format_double(times[i])),
        "A row is at risk from its start to its end");
  }
  return values;
}

}  // namespace immucan::biomarker
