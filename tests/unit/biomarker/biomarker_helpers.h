#pragma once
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
#include "unit/temporary_folder.h"

namespace immucan::test {

inline core::RunContext& context() {
  static core::RunContext shared("test", "0", "test");
  return shared;
}

using Folder = TemporaryFolder;

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
