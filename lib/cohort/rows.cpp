#include "cohort/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_set>

#include "core/text.h"

namespace immucan::cohort {
namespace {

bool is_upper_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_id_char(char c) {
  return is_upper_or_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

/// Length of the UTF-8 sequence at `text[i]`, 0 when broken (RFC 3629: no surrogates, no overlong forms).
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
  const auto tail = [&](std::size_t k, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(k) >= low && byte(k) <= high;
  };
  const unsigned first = byte(i);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(i + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = tail(i + 1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && tail(i + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = tail(i + 1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

/// What is wrong with the bytes of a field whatever its column; empty = nothing.
std::string text_problem(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) return "must be UTF-8; convert the file";
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return "must not hold control characters";
    i += length;
  }
  if (!text.empty() && (text.front() == ' ' || text.back() == ' ')) return "must not begin or end with a blank";
  return {};
}

std::optional<Value> parse_number(const ColumnRule& rule, std::string_view text, std::string& problem) {
  const bool whole = rule.kind == Kind::kInteger;
  const auto integer = whole ? core::parse_int(text) : std::nullopt;
  const auto real =
      whole ? (integer ? std::optional(static_cast<double>(*integer)) : std::nullopt) : core::parse_double(text);
  if (!real || !std::isfinite(*real)) {
    problem = whole ? "must be a whole number" : "must be a finite number";
    return std::nullopt;
  }
  if (*real < rule.minimum || *real > rule.maximum) {
    problem = std::isinf(rule.maximum) ? fmt::format("must be at least {}", core::format_double(rule.minimum))
                                       : fmt::format("must lie between {} and {}", core::format_double(rule.minimum),
                                                     core::format_double(rule.maximum));
    return std::nullopt;
  }
  if (whole) return Value{*integer};
  return Value{*real};
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto year = core::parse_unsigned(text.substr(0, 4));
  const auto month = core::parse_unsigned(text.substr(5, 2));
  const auto day = core::parse_unsigned(text.substr(8, 2));
  if (!year || !month || !day) return false;
  return std::chrono::year_month_day{std::chrono::year{static_cast<int>(*year)},
                                     std::chrono::month{static_cast<unsigned>(*month)},
                                     std::chrono::day{static_cast<unsigned>(*day)}}
      .ok();
}

/// The value of a present field, or the rule it breaks.
std::optional<Value> parse_value(const ColumnRule& rule, std::string_view text, std::string& problem) {
  const auto demand = [&](bool holds, std::string what) -> std::optional<Value> {
    if (holds) return Value{std::string(text)};
    problem = std::move(what);
    return std::nullopt;
  };
  switch (rule.kind) {
    case Kind::kPatientId:
      return demand(text.size() >= 4 && text.size() <= 40 &&
                        std::ranges::all_of(text, [](char c) { return is_upper_or_digit(c) || c == '-'; }),
                    "must be 4 to 40 capital letters, digits and '-'");
    case Kind::kId:
      return demand(text.size() <= 80 && std::ranges::all_of(text, is_id_char),
                    "must be 1 to 80 letters, digits, '.', '_' and '-'");
    case Kind::kInteger:
    case Kind::kReal:
      return parse_number(rule, text, problem);
    case Kind::kFlag:
      if (text == "0" || text == "1") return Value{std::int64_t{text == "1"}};
      problem = "must be 0 or 1";
      return std::nullopt;
    case Kind::kDate:
      return demand(is_date(text), "must be a date of the form 2026-01-31");
    case Kind::kSha256:
      return demand(
          text.size() == 64 &&
              std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }),
          "must be a SHA-256 of 64 digits 0-9 a-f");
    case Kind::kCountry:
      return demand(text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; }),
                    "must be a country code of two capital letters");
    case Kind::kChoice: {
      const auto choices = core::split(rule.choices, '|');
      if (std::ranges::find(choices, text) != choices.end()) return Value{std::string(text)};
      problem = fmt::format("must be one of {}", fmt::join(choices, ", "));
      return std::nullopt;
    }
    case Kind::kFiles:
      if (!parse_files(text, problem)) return std::nullopt;
      return Value{std::string(text)};
    case Kind::kText:
      break;
  }
  return Value{std::string(text)};
}

}  // namespace

std::string to_string(const RowIssue& issue, std::string_view file) {
  if (issue.field == 0) return fmt::format("{}:{}: {}", file, issue.line, issue.rule);
  return fmt::format("{}:{}:{}: {} '{}' {}", file, issue.line, issue.field, core::printable(issue.column),
                     core::printable(issue.value), issue.rule);
}

std::string fold_id(std::string_view id) {
  std::string folded;
  for (const char c : id) {
    if (c == '-' || c == '_' || c == '.' || c == ' ') continue;
    folded += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return folded;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_files(std::string_view text, std::string& rule) {
  std::vector<std::pair<std::string, std::string>> files;
  const auto roles = core::split(kFileRoles, '|');
  for (const std::string_view item : core::split(text, ';')) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals + 1 == item.size() ||
        std::ranges::find(roles, item.substr(0, equals)) == roles.end()) {
      rule = fmt::format("must be role=path joined by ';' with the roles {}", fmt::join(roles, ", "));
      return std::nullopt;
    }
    files.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return files;
}

bool RowParser::header(std::string_view line, std::uint64_t number, std::vector<RowIssue>& issues) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // a byte order mark says nothing in UTF-8
  const std::size_t before = issues.size();
  header_.clear();
  rule_of_.clear();
  std::unordered_set<std::string_view> seen;
  const auto fields = core::split(line, '\t');
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i];
    const auto complain = [&](std::string rule) {
      issues.push_back({number, i + 1, "heading", std::string(name), std::move(rule)});
    };
    const auto found = std::ranges::find(table_->columns, name, &ColumnRule::name);
    header_.emplace_back(name);
    if (found != table_->columns.end()) {
      rule_of_.emplace_back(static_cast<std::size_t>(found - table_->columns.begin()));
    } else {
      rule_of_.emplace_back(std::nullopt);
      if (name.empty() || name == "NA") {
        complain("must not be empty");
      } else if (const std::string problem = text_problem(name); !problem.empty()) {
        complain(problem);
      } else if (!table_->keeps_more_columns) {
        std::vector<std::string_view> known;
        for (const ColumnRule& rule : table_->columns) known.push_back(rule.name);
        complain(fmt::format("is not a column of {}, which has {}", table_->name, fmt::join(known, ", ")));
      }
    }
    if (!seen.insert(name).second) complain("appears twice");
  }
  for (const ColumnRule& rule : table_->columns) {
    if (rule.required && !seen.contains(rule.name)) {
      issues.push_back({number, 0, {}, {}, fmt::format("the column {} of {} is missing", rule.name, table_->name)});
    }
  }
  return issues.size() == before;
}

std::uint64_t RowParser::field_of(std::string_view column) const {
  const auto found = std::ranges::find(header_, column);
  return found == header_.end() ? 0 : static_cast<std::uint64_t>(found - header_.begin()) + 1;
}

std::optional<Row> RowParser::row(std::string_view line, std::uint64_t number, std::vector<RowIssue>& issues) {
  core::split(line, '\t', fields_);
  if (fields_.size() != header_.size()) {
    issues.push_back(
        {number, 0, {}, {}, fmt::format("has {} fields where the header has {}", fields_.size(), header_.size())});
    return std::nullopt;
  }
  const std::size_t before = issues.size();
  Row row{number, std::vector<Value>(table_->columns.size()), {}};
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::string_view text = fields_[i];
    const auto complain = [&](std::string rule) {
      issues.push_back({number, i + 1, header_[i], std::string(text), std::move(rule)});
    };
    const ColumnRule* rule = rule_of_[i] ? &table_->columns[*rule_of_[i]] : nullptr;
    if (std::string problem = text_problem(text); !problem.empty()) {
      complain(std::move(problem));
    } else if (core::is_missing(text)) {
      if (rule != nullptr && rule->required) complain("must not be missing");
      if (rule == nullptr) row.more.emplace_back(header_[i], Value{});
    } else if (rule == nullptr) {
      row.more.emplace_back(header_[i], Value{std::string(text)});
    } else if (auto value = parse_value(*rule, text, problem)) {
      row.values[*rule_of_[i]] = std::move(*value);
    } else {
      complain(std::move(problem));
    }
  }
  if (issues.size() != before) return std::nullopt;
  return row;
}

}  // namespace immucan::cohort
