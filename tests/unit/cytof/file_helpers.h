#pragma once
// Small FCS files made in a folder of the test's own.
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "cytof_helpers.h"
#include "io/fcs_writer.h"

namespace immucan::test {

class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / (name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
