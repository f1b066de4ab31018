#pragma once
// Reference tables of real cohorts, which a bare clone does not have.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "core/run_context.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::test {

inline core::RunContext& context() {
  static core::RunContext shared("test", "0", "test");
  return shared;
}

/// The table, or nullopt after saying why the test is skipped.
inline std::optional<io::Table> reference(const std::string& relative) {
  const std::filesystem::path path = std::filesystem::path(IMMUCAN_SHARED_DATA) / "biomarker" / relative;
  if (!std::filesystem::exists(path)) {
    std::cout << "SKIPPED: " << relative << " is not on this machine\n";
    return std::nullopt;
  }
  return io::read_table(path, context());
}

inline double number(const io::Table& table, std::size_t row, const std::string& column) {
  // R writes NaN as well as NA.
  return core::parse_double(table.rows[row][table.require(column)]).value_or(std::nan(""));
}

}  // namespace immucan::test
