#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cohort/rows.h"
#include "cohort/schema.h"
#include "cohort/store.h"
#include "core/run_context.h"

namespace immucan::cohort {

struct ImportResult {
  std::uint64_t rows = 0;            ///< read, header excluded
  std::uint64_t added = 0;           ///< new in the registry
  std::uint64_t unchanged = 0;       ///< already there with the same values
  std::uint64_t patients_added = 0;  ///< patients that a clinical row made known
  std::vector<RowIssue> issues;  ///< every bad value, in the order of the file; when there is one, nothing was imported
};

/// Loads a tab-separated file into a table inside one transaction: all rows or none. A row that is there already with
/// the same values is left alone, with other values it is an issue. `dry_run` does everything except keeping it.
[[nodiscard]] ImportResult import_table(Database& database, const TableRule& table, const std::filesystem::path& file,
                                        bool dry_run, const AuditStamp& stamp, core::RunContext& context);

}  // namespace immucan::cohort
