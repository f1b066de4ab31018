#pragma once
// Tab-separated tables with a header line. Empty and "NA" are missing. Lines that begin with '#' before the header are
// comments. Every row has as many fields as the header.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

/// Row by row. Errors of content are raised (65) with file, line, column, value and remedy.
class TsvReader {
 public:
  TsvReader(std::unique_ptr<ByteSource> source, char separator = '\t');
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  /// Index of a column, or nullopt.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const;
  /// Index of a column that must be there (65 names the columns that are).
  [[nodiscard]] std::size_t require(std::string_view column) const;
  /// Fields of the next row, valid until the next call.
  bool next();
  [[nodiscard]] const std::vector<std::string_view>& fields() const { return fields_; }
  [[nodiscard]] std::string_view field(std::size_t column) const { return fields_[column]; }
  /// Missing (empty, NA) → nullopt; text → error. `finite` refuses inf and nan.
  [[nodiscard]] std::optional<double> number(std::size_t column, bool finite = true) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::size_t column) const;
  [[nodiscard]] std::uint64_t line() const { return lines_.line_number(); }
  [[nodiscard]] const std::string& name() const { return lines_.name(); }
  /// ParseError at the current line and the given column (0-based index of the field).
  [[noreturn]] void fail(std::size_t column, std::string what, std::string remedy) const;

 private:
  LineReader lines_;
  char separator_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;
};

/// A small table in memory, columns by name (clinical.tsv, panels, gates).
struct Table {
  std::string name;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::uint64_t> lines;  ///< line of each row, for messages

  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const;
  [[nodiscard]] std::size_t require(std::string_view column) const;
  [[noreturn]] void fail(std::size_t row, std::size_t column, std::string what, std::string remedy) const;
  /// Missing → nullopt; not a finite number → error with the place.
  [[nodiscard]] std::optional<double> number(std::size_t row, std::size_t column) const;
};
[[nodiscard]] Table read_table(const std::filesystem::path& path, core::RunContext& context, char separator = '\t');
[[nodiscard]] Table read_table(std::unique_ptr<ByteSource> source, char separator = '\t');

}  // namespace immucan::io
