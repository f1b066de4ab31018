#pragma once
// A broken container must be refused with status 65, naming the file and the part that is broken.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/run_context.h"

namespace immucan::test {

/// `read(path, context)` is the reader under test.
template <class Read>
void check_refused(const std::filesystem::path& path, const std::string& part, Read&& read) {
  core::RunContext context("test", "0", "test");
  INFO(part);
  try {
    (void)read(path, context);
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains(path.filename().string()));
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace immucan::test
