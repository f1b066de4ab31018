#include "core/error.h"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace immucan::core;

TEST_CASE("a parse error is one line of file, place, what and remedy") {
  CHECK(to_string({"a.tsv", Place::line(7, 3), "'x' is not a number", "Write a number"}) ==
        "a.tsv:7:3: 'x' is not a number. Write a number.");
  CHECK(to_string({"a.fcs", Place::byte(58), "wrong magic", ""}) == "a.fcs: byte 58: wrong magic.");
  CHECK(to_string({"a.fq", Place::record(2), "no quality.", "Repair it."}) == "a.fq: record 2: no quality. Repair it.");
  CHECK(to_string({"a", Place::none(), "empty", ""}) == "a: empty.");
}

TEST_CASE("errno of an input is 66 when it is missing, 71 at a limit, 74 when reading failed") {
  const auto status_of = [](int number) {
    try {
      raise_input_errno("f", "open", number);
    } catch (const Error& error) {
      return error.status();
    }
  };
  CHECK(status_of(ENOENT) == Status::kNoInput);
  CHECK(status_of(EACCES) == Status::kNoInput);
  CHECK(status_of(EISDIR) == Status::kNoInput);
  CHECK(status_of(EMFILE) == Status::kOsLimit);
  CHECK(status_of(EIO) == Status::kIoError);
}

TEST_CASE("errno of an output is 73 when it cannot be created and 74 when the disk is full") {
  const auto status_of = [](int number) {
    try {
      raise_create_errno("f", number);
    } catch (const Error& error) {
      return error.status();
    }
  };
  CHECK(status_of(EACCES) == Status::kCannotCreate);
  CHECK(status_of(ENOTDIR) == Status::kCannotCreate);
  CHECK(status_of(ENOSPC) == Status::kIoError);
}
