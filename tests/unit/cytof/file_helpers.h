#pragma once
// Small FCS files made in a folder of the test's own.
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "cytof_helpers.h"
#include "io/fcs_writer.h"

namespace immucan::test {

/// `rows` row-major.
inline std::filesystem::path write_fcs(const std::filesystem::path& path, const std::vector<std::string>& names,
                                       const std::vector<double>& rows, const io::FcsKeywords& keywords = {},
                                       io::FcsType type = io::FcsType::kFloat) {
  std::vector<io::FcsColumn> columns;
  for (const std::string& name : names) columns.push_back({name, "", 1, std::nullopt});
  core::OutputFile out(path);
  io::FcsWriter writer(out, keywords, columns, rows.size() / names.size(), {.type = type});
  writer.write(rows);
  writer.finish();
  out.commit();
  return path;
}

}  // namespace immucan::test
