#include "io/tsv.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "core/text.h"

namespace immucan::io {
namespace {

using core::ParseError;
using core::Place;

std::string joined_names(const std::vector<std::string>& names) {
  std::string text = core::join(names, ", ");
  return core::printable(text, 300);
}

[[noreturn]] void raise_missing_column(const std::string& file, std::string_view column,
                                       const std::vector<std::string>& header) {
  core::raise({file, Place::line(1), fmt::format("column '{}' is missing", column),
               fmt::format("The columns are: {}", joined_names(header))});
}

std::optional<std::size_t> find_column(const std::vector<std::string>& header, std::string_view column) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == column) return i;
  }
  return std::nullopt;
}

}  // namespace

TsvReader::TsvReader(std::unique_ptr<ByteSource> source, char separator)
    : lines_(std::move(source)), separator_(separator) {
  std::string_view line;
  do {
    if (!lines_.next(line)) {
      core::raise({lines_.name(), Place::line(1), "the table is empty", "It needs a header line with column names"});
    }
    if (lines_.line_number() == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  } while (line.starts_with('#'));
  std::set<std::string_view> seen;
  for (const std::string_view name : core::split(line, separator_)) {
    if (name.empty()) {
      core::raise({lines_.name(), Place::line(lines_.line_number(), header_.size() + 1), "a column has no name",
                   "Name every column in the header line"});
    }
    if (!seen.insert(name).second) {
      core::raise({lines_.name(), Place::line(lines_.line_number(), header_.size() + 1),
                   fmt::format("column '{}' appears twice", core::printable(name)), "Give every column its own name"});
    }
    header_.emplace_back(name);
  }
}

std::optional<std::size_t> TsvReader::find(std::string_view column) const {
  return find_column(header_, column);
}

std::size_t TsvReader::require(std::string_view column) const {
  if (const auto index = find(column)) return *index;
  raise_missing_column(name(), column, header_);
}

bool TsvReader::next() {
  std::string_view line;
  do {
    if (!lines_.next(line)) return false;
  } while (line.empty() && header_.size() > 1);
  core::split(line, separator_, fields_);
  if (fields_.size() != header_.size()) {
    core::raise({name(), Place::line(this->line()),
                 fmt::format("{} fields where the header has {}", fields_.size(), header_.size()),
                 "Every row needs one field per column; write NA for a missing value"});
  }
  return true;
}

std::optional<double> TsvReader::number(std::size_t column, bool finite) const {
  const std::string_view text = fields_[column];
  if (core::is_missing(text)) return std::nullopt;
  const auto value = core::parse_double(text);
  if (!value || (finite && !std::isfinite(*value))) {
    fail(column, fmt::format("'{}' is not a {}number", core::printable(text), finite ? "finite " : ""),
         "Write a number with a decimal point, or NA");
  }
  return value;
}

std::optional<std::int64_t> TsvReader::integer(std::size_t column) const {
  const std::string_view text = fields_[column];
  if (core::is_missing(text)) return std::nullopt;
  const auto value = core::parse_int(text);
  if (!value) {
    fail(column, fmt::format("'{}' is not a whole number", core::printable(text)), "Write a whole number, or NA");
  }
  return value;
}

void TsvReader::fail(std::size_t column, std::string what, std::string remedy) const {
  const std::string where = column < header_.size() ? fmt::format("column '{}': ", header_[column]) : "";
  core::raise({name(), Place::line(line(), column + 1), where + what, std::move(remedy)});
}

std::optional<std::size_t> Table::find(std::string_view column) const {
  return find_column(header, column);
}

std::size_t Table::require(std::string_view column) const {
  if (const auto index = find(column)) return *index;
  raise_missing_column(name, column, header);
}

void Table::fail(std::size_t row, std::size_t column, std::string what, std::string remedy) const {
  core::raise({name, Place::line(lines[row], column + 1), fmt::format("column '{}': {}", header[column], what),
               std::move(remedy)});
}

std::optional<double> Table::number(std::size_t row, std::size_t column) const {
  const std::string& text = rows[row][column];
  if (core::is_missing(text)) return std::nullopt;
  const auto value = core::parse_double(text);
  if (!value || !std::isfinite(*value)) {
    fail(row, column, fmt::format("'{}' is not a finite number", core::printable(text)), "Write a number, or NA");
  }
  return value;
}

Table read_table(const std::filesystem::path& path, core::RunContext& context, char separator) {
  return read_table(open_source(path, context), separator);
}

Table read_table(std::unique_ptr<ByteSource> source, char separator) {
  TsvReader reader(std::move(source), separator);
  Table table{reader.name(), reader.header(), {}, {}};
  while (reader.next()) {
    table.rows.emplace_back(reader.fields().begin(), reader.fields().end());
    table.lines.push_back(reader.line());
  }
  return table;
}

}  // namespace immucan::io
