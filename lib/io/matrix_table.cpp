#include "io/matrix_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

using core::ParseError;
using core::Place;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kRowsPerInterruptCheck = 256;

[[noreturn]] void fail(const LineReader& lines, std::uint64_t column, std::string what, std::string remedy) {
  core::raise(ParseError{lines.name(), Place::line(lines.line_number(), column), std::move(what), std::move(remedy)});
}

constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Plain decimals of at most 2^53 with at most 22 places are one exact integer and one correctly rounded division
/// (Clinger 1990). Stops at the first byte that does not belong to such a number; false = use the general parser.
bool parse_plain_decimal(const char*& at, const char* end, double& value) {
  const char* p = at;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  std::uint64_t mantissa = 0;
  const char* const digits = p;
  while (p < end && static_cast<unsigned char>(*p - '0') < 10)
    mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
  std::ptrdiff_t count = p - digits, places = 0;
  if (p < end && *p == '.') {
    const char* const fraction = ++p;
    while (p < end && static_cast<unsigned char>(*p - '0') < 10) {
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
    }
    places = p - fraction;
    if (places == 0) return false;
  }
  // 19 digits cannot wrap 64 bits.
  if (count == 0 || count + places > 19 || mantissa > (std::uint64_t{1} << 53)) return false;
  if (p < end && *p != '\t') return false;
  const double magnitude = static_cast<double>(mantissa) / kPowersOfTen[static_cast<std::size_t>(places)];
  value = negative ? -magnitude : magnitude;
  at = p;
  return true;
}

/// Any other spelling; text, missing and infinite values are errors.
double parse_field(const LineReader& lines, std::string_view field, std::size_t column, const MatrixTable& table,
                   const MatrixTableOptions& options) {
  if (options.allow_missing && core::is_missing(field)) return std::numeric_limits<double>::quiet_NaN();
  const auto value = core::is_missing(field) ? std::nullopt : core::parse_double(field);
  if (value && std::isfinite(*value)) return *value;
  const std::string& sample = table.column_names[column];
  if (!value && !core::is_missing(field)) {
    fail(lines, column + 2, fmt::format("'{}' of {} is not a number", core::printable(field), core::printable(sample)),
         "Remove columns that are text");
  }
  fail(lines, column + 2,
       fmt::format("{} value ('{}') of {}", core::is_missing(field) ? "missing" : "not a finite",
                   core::printable(field), core::printable(sample)),
       "Impute the value or remove the row");
}

void parse_row(const LineReader& lines, std::string_view line, std::size_t leading, const MatrixTable& table,
               const MatrixTableOptions& options, std::span<double> values) {
  const char* at = line.data();
  const char* const end = at + line.size();
  const auto field_count = [&] { return static_cast<std::size_t>(std::ranges::count(line, '\t')) + 1; };
  const auto wrong_length = [&]() -> void {
    fail(lines, 0, fmt::format("{} fields where the header has {}", field_count(), values.size() + leading),
         "Give every row as many fields as the header; the header names the gene column too");
  };
  for (std::size_t i = 0; i < leading; ++i) {
    while (at < end && *at != '\t') ++at;
    if (at == end) wrong_length();
    ++at;
  }
  for (std::size_t column = 0; column < values.size(); ++column) {
    if (!parse_plain_decimal(at, end, values[column])) {
      const char* stop = at;
      while (stop < end && *stop != '\t') ++stop;
      // A short row is told as such, not as a missing value.
      if (stop == end && column + 1 < values.size()) wrong_length();
      values[column] = parse_field(lines, {at, static_cast<std::size_t>(stop - at)}, column, table, options);
      at = stop;
    }
    const bool last = column + 1 == values.size();
    if (last != (at == end)) wrong_length();
    ++at;
  }
}

/// What the second line of a GCT file promises.
struct GctSizes {
  std::size_t rows = 0, columns = 0;
};

GctSizes read_gct_sizes(LineReader& lines) {
  std::string_view line;
  if (!lines.next(line)) fail(lines, 0, "the GCT file ends after its version", "Give the whole file");
  const std::vector<std::string_view> fields = core::split(line, '\t');
  const auto rows = core::parse_int(core::trim(fields[0]));
  const auto columns = fields.size() > 1 ? core::parse_int(core::trim(fields[1])) : std::nullopt;
  if (!rows || !columns || *rows < 1 || *columns < 1) {
    fail(lines, 0, fmt::format("'{}' where a GCT file tells its rows and columns", core::printable(line)),
         "Write both numbers, separated by a tab");
  }
  return {static_cast<std::size_t>(*rows), static_cast<std::size_t>(*columns)};
}

void require_gct_size(const LineReader& lines, std::string_view what, std::size_t promised, std::size_t found) {
  if (promised == found) return;
  core::raise(ParseError{lines.name(), Place::none(),
                         fmt::format("{} {} where the second line of the GCT file promises {}", found, what, promised),
                         "Give the whole file, or correct its second line"});
}

/// Leaves `lines` before the first data row; returns how many leading columns hold no numbers, and the sizes of a GCT
/// file.
std::pair<std::size_t, std::optional<GctSizes>> read_header(LineReader& lines, MatrixTable& table) {
  std::string_view line;
  std::size_t leading = 1;
  std::optional<GctSizes> sizes;
  bool found = lines.next(line);
  if (found && line == "#1.2") {
    leading = 2;
    sizes = read_gct_sizes(lines);
    found = lines.next(line);
  } else if (found && line == "#1.3") {
    fail(lines, 0, "GCT of version 1.3", "Convert it to version 1.2, or to a table of genes and samples");
  } else {
    while (found && (line.empty() || line.front() == '#')) found = lines.next(line);
  }
  if (!found) {
    core::raise(ParseError{lines.name(), Place::none(), "the table is empty", "Give a table of genes × samples"});
  }
  const std::vector<std::string_view> fields = core::split(line, '\t');
  if (fields.size() <= leading) {
    fail(lines, 0,
         fmt::format("the header has {} column{} ('{}'), so there is no sample", fields.size(),
                     fields.size() == 1 ? "" : "s", core::printable(line)),
         "Separate the columns by tabs: gene, then one column per sample");
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = leading; i < fields.size(); ++i) {
    if (core::is_missing(fields[i])) {
      fail(lines, i + 1, "the name of a sample is missing", "Name every column; NA is not an id");
    }
    if (!seen.emplace(fields[i], i).second) {
      fail(lines, i + 1, fmt::format("the sample '{}' occurs twice", core::printable(fields[i])),
           "Rename or remove one of them");
    }
    table.column_names.emplace_back(fields[i]);
  }
  if (sizes) require_gct_size(lines, "samples", sizes->columns, table.columns());
  return {leading, sizes};
}

}  // namespace

std::span<double> MatrixTable::add_row(std::string row_name) {
  if (rows_per_block_ == 0) rows_per_block_ = std::max<std::size_t>(1, kBlockBytes / sizeof(double) / columns());
  if (rows() % rows_per_block_ == 0) {
    blocks_.push_back(std::make_unique_for_overwrite<double[]>(rows_per_block_ * columns()));
  }
  row_names.push_back(std::move(row_name));
  return row(rows() - 1);
}

MatrixTable read_matrix_table(std::unique_ptr<ByteSource> source, const MatrixTableOptions& options,
                              core::RunContext* context) {
  LineReader lines(std::move(source));
  MatrixTable table;
  table.name = lines.name();
  const auto [leading, sizes] = read_header(lines, table);
  std::unordered_map<std::string, std::uint64_t> seen;
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) continue;
    const std::string_view gene = line.substr(0, line.find('\t'));
    if (core::is_missing(gene)) fail(lines, 1, "the name of a row is missing", "Name every gene; NA is not an id");
    if (!options.allow_duplicate_rows) {
      const auto [entry, inserted] = seen.try_emplace(std::string(gene), lines.line_number());
      if (!inserted) {
        fail(lines, 1,
             fmt::format("the row '{}' occurs twice (first in line {})", core::printable(gene), entry->second),
             "Merge duplicate rows, or say how with --duplicates mean|median|maxvar");
      }
    }
    parse_row(lines, line, leading, table, options, table.add_row(std::string(gene)));
    if (context != nullptr && table.rows() % kRowsPerInterruptCheck == 0) context->interrupt.check();
  }
  if (table.rows() == 0) {
    core::raise(ParseError{lines.name(), Place::none(), "the table has a header but no rows", "Give one row per gene"});
  }
  if (sizes) require_gct_size(lines, "genes", sizes->rows, table.rows());
  return table;
}

MatrixTable read_matrix_table(const std::filesystem::path& path, core::RunContext& context,
                              const MatrixTableOptions& options) {
  return read_matrix_table(open_source(path, context), options, &context);
}

}  // namespace immucan::io
