#pragma once
// Rows of a table as times, events, groups and columns of a design: what `model` and `curves` read.
#include <cstdint>
#include <string>
#include <vector>

#include "io/tsv.h"

namespace immucan::biomarker {

/// Columns of the design that one variable gives: itself, or an indicator per level after the first.
struct Variable {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
};
[[nodiscard]] Variable product(const Variable& a, const Variable& b);

/// 65, with the name of the table.
[[noreturn]] void fail_table(const io::Table& table, std::string what, std::string remedy);

/// Rows of the table that have everything asked. 65 with place for text where a number is needed, negative times,
/// events other than 0 and 1, no event at all, too many or too few levels.
class CompleteRows {
 public:
  CompleteRows(const io::Table& table, const std::vector<std::string>& columns);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const;
  [[nodiscard]] std::vector<double> times(const std::string& name) const;
  [[nodiscard]] std::vector<std::uint8_t> events(const std::string& name) const;
  /// Starts of the intervals that end at `times`.
  [[nodiscard]] std::vector<double> starts(const std::string& name, const std::vector<double>& times) const;
  /// Levels in sorted order (numbers by value), and the level of each row.
  [[nodiscard]] std::vector<std::uint32_t> levels(const std::vector<std::string>& names,
                                                  std::vector<std::string>& labels) const;
  [[nodiscard]] Variable variable(const std::string& name, bool factor) const;

 private:
  const io::Table& table_;
  std::vector<std::size_t> rows_;
};

}  // namespace immucan::biomarker
