#pragma once
// Rows of an import file against the rules of its table, without a registry: every bad value is found, not the first
// one.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cohort/schema.h"
#include "cohort/sqlite.h"

namespace immucan::cohort {

/// One bad value: FILE:LINE:COLUMN 'value' rule.
struct RowIssue {
  std::uint64_t line = 0;   ///< 1-based
  std::uint64_t field = 0;  ///< 1-based column of the table; 0 = the row as a whole
  std::string column;       ///< its heading
  std::string value;
  std::string rule;  ///< what the value should be
};
/// "samples.tsv:3:4: visit 'later': must be one of naive, on-treatment, progression, follow-up"
[[nodiscard]] std::string to_string(const RowIssue& issue, std::string_view file);

/// Upper-cased, without '-', '_', '.' and blanks: two ids with the same fold are one id in two spellings.
[[nodiscard]] std::string fold_id(std::string_view id);

/// A row that obeys the rules of its columns.
struct Row {
  std::uint64_t line = 0;
  std::vector<Value> values;                        ///< in the order of the table's rules
  std::vector<std::pair<std::string, Value>> more;  ///< further columns in the order of the file (clinical)
};

/// Splits `role=path;role=path`; nullopt and a rule in `rule` when it is not of that form.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_files(std::string_view text,
                                                                                          std::string& rule);

/// Reads the header, then row after row. Never throws for bad content: issues are appended.
class RowParser {
 public:
  explicit RowParser(const TableRule& table) : table_(&table) {}
  /// False when the header cannot be used (issues say why).
  bool header(std::string_view line, std::uint64_t number, std::vector<RowIssue>& issues);
  /// nullopt when the row has issues.
  [[nodiscard]] std::optional<Row> row(std::string_view line, std::uint64_t number, std::vector<RowIssue>& issues);
  /// 1-based field of a column in the file; 0 when the file does not have it.
  [[nodiscard]] std::uint64_t field_of(std::string_view column) const;

 private:
  const TableRule* table_;
  std::vector<std::string> header_;
  std::vector<std::optional<std::size_t>> rule_of_;  ///< per field: its rule; nullopt = a further column
  std::vector<std::string_view> fields_;
};

}  // namespace immucan::cohort
