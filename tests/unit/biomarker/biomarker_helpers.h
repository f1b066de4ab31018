#pragma once
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/run_context.h"

namespace immucan::test {

inline core::RunContext& context() {
  static core::RunContext shared("test", "0", "test");
  return shared;
}

/// A folder that goes away with its files.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "immucan-biomarker-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Path below the shared biomarker data, or nullopt after saying why the test is skipped.
inline std::optional<std::filesystem::path> shared_file(const std::string& relative) {
  const std::filesystem::path path = std::filesystem::path(IMMUCAN_SHARED_DATA) / "biomarker" / relative;
  if (std::filesystem::exists(path)) return path;
  std::cout << "SKIPPED: " << relative << " is not on this machine\n";
  return std::nullopt;
}

/// The error that `action` raises: its status, and that its message holds every fragment.
template <class Action>
void expect_error(Action&& action, core::Status status, std::initializer_list<std::string_view> fragments) {
  try {
    action();
  } catch (const core::Error& error) {
    CHECK(error.status() == status);
    const std::string message = error.what();
    for (const std::string_view fragment : fragments) {
      INFO(message);
      CHECK(message.find(fragment) != std::string::npos);
    }
    return;
  }
  FAIL("nothing was raised");
}

}  // namespace immucan::test
