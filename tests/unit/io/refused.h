#pragma once
// The frame of a table of damaged files: each is refused with status 65, naming the file and the part that is broken.
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/run_context.h"
#include "io_helpers.h"

namespace immucan::test {

/// Parts: what a good file is made of (the default ones), for each row of the table to spoil.
template <class Parts>
class DamagedFiles {
 public:
  using Write = std::function<void(const std::filesystem::path&, const Parts&)>;
  using Read = std::function<void(const std::filesystem::path&, core::RunContext&)>;

  DamagedFiles(const std::string& name, Write write, Read read)
      : path_(folder_.path() / name), write_(std::move(write)), read_(std::move(read)) {
    write_(path_, {});
    good_ = read_file(path_);
    core::RunContext context("test", "0", "test");
    CHECK_NOTHROW(read_(path_, context));
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The bytes of the file of good parts.
  [[nodiscard]] const std::string& good() const { return good_; }

  void spoiled(const std::function<void(Parts&)>& spoil, const std::string& part) const {
    Parts parts;
    spoil(parts);
    write_(path_, parts);
    check_refused(part);
  }
  /// A file of these bytes.
  void replaced(std::string_view bytes, const std::string& part) const {
    folder_.write(path_.filename().string(), bytes);
    check_refused(part);
  }

 private:
  void check_refused(const std::string& part) const {
    core::RunContext context("test", "0", "test");
    INFO(part);
    try {
      read_(path_, context);
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::Contains(path_.filename().string()));
      CHECK_THAT(error.what(), Catch::Contains(part));
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
  Write write_;
  Read read_;
  std::string good_;
};

}  // namespace immucan::test
