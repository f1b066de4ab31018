// The first byte picks the table, the rest is its import file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cohort/rows.h"
#include "core/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  if (size == 0) return 0;
  const auto tables = cohort::import_tables();
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto lines = core::split(text, '\n');
  cohort::RowParser parser(tables[data[0] % tables.size()]);
  std::vector<cohort::RowIssue> issues;
  if (parser.header(lines[0], 1, issues)) {
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::size_t before = issues.size();
      // A row is either good or explained.
      if (!parser.row(lines[i], i + 1, issues) && issues.size() == before) __builtin_trap();
    }
  } else if (issues.empty()) {
    __builtin_trap();
  }
  for (const cohort::RowIssue& issue : issues) (void)cohort::to_string(issue, "f");
  return 0;
}
