#include "io/indexed_file.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "core/error.h"
#include "io_helpers.h"

using namespace immucan;
using namespace immucan::test;

namespace {

constexpr const char* kRemedy = "Build it again with 'tool index'";

std::string make_file(const TemporaryFolder& folder, std::size_t items = 1000) {
  const auto path = folder.path() / "good.idx";
  core::OutputFile out(path);
  io::IndexedFileWriter writer(out, "test-index", 3, 7, "1.2.3");
  std::vector<std::uint64_t> numbers(items);
  std::iota(numbers.begin(), numbers.end(), 5);
  writer.section<std::uint64_t>("numbers", numbers);
  writer.begin_section("text");
  writer.write("some ");
  writer.write("text");
  writer.end_section();
  writer.section<std::uint32_t>("empty", {});
  writer.finish();
  (void)out.commit();
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string error_of(const std::filesystem::path& path, std::string_view kind = "test-index", std::uint32_t major = 3,
                     io::IndexedFile::Options options = {}) {
  core::RunContext context("test", "0", "test");
  try {
    const io::IndexedFile file(path, kind, major, kRemedy, options, context);
    (void)file.section<std::uint64_t>("numbers");
    (void)file.bytes("text");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::StartsWith(path.string()));
    CHECK_THAT(error.what(), Catch::Contains(kRemedy));
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("what is written is read, loaded or mapped") {
  const TemporaryFolder folder;
  (void)make_file(folder, 20000);
  std::string digest;
  for (const bool map : {false, true}) {
    for (const unsigned threads : {1u, 4u}) {
      core::RunContext context("test", "0", "test");
      io::IndexedFile opened(folder.path() / "good.idx", "test-index", 3, kRemedy, {.map = map, .threads = threads},
                             context);
      const io::IndexedFile file = std::move(opened);
      const auto numbers = file.section<std::uint64_t>("numbers");
      REQUIRE(numbers.size() == 20000);
      CHECK((numbers.front() == 5 && numbers.back() == 20004));
      CHECK(reinterpret_cast<std::uintptr_t>(numbers.data()) % 64 == 0);
      CHECK(file.bytes("text") == "some text");
      CHECK(file.section<std::uint32_t>("empty").empty());
      CHECK((file.has("empty") && !file.has("absent")));
      CHECK((file.format_minor() == 7 && file.tool_version() == "1.2.3" && file.digest().size() == 32));
      if (digest.empty()) digest = file.digest();
      CHECK(file.digest() == digest);
      const auto inputs = context.inputs.sorted();
      REQUIRE(inputs.size() == 1);
      CHECK(inputs[0].sha256 == "xxh3-128:" + digest);
      CHECK_THROWS_AS(file.bytes("absent"), core::Error);
      CHECK_THROWS_AS(file.section<std::uint32_t>("text"), core::Error);
    }
  }
}

TEST_CASE("a file without sections") {
  const TemporaryFolder folder;
  core::OutputFile out(folder.path() / "none.idx");
  io::IndexedFileWriter writer(out, "test-index", 3, 7, "1");
  writer.finish();
  (void)out.commit();
  CHECK_THAT(error_of(folder.path() / "none.idx"), Catch::Contains("section 'numbers' is missing"));
}

TEST_CASE("another kind, another version, no index at all") {
  const TemporaryFolder folder;
  const std::string good = make_file(folder);
  CHECK(error_of(folder.path() / "good.idx") == "accepted");
  CHECK_THAT(error_of(folder.path() / "good.idx", "other"), Catch::Contains("'test-index', not 'other'"));
  CHECK_THAT(error_of(folder.path() / "good.idx", "test-index", 4),
             Catch::Contains("format version 3.7") && Catch::Contains("1.2.3"));
  CHECK_THAT(error_of(folder.write("x", "")), Catch::Contains("no index"));
  CHECK_THAT(error_of(folder.write("x", "IMMU")), Catch::Contains("no index"));
  CHECK_THAT(error_of(folder.write("x", gzip(good))), Catch::Contains("no index"));
  core::RunContext context("test", "0", "test");
  for (const auto& path : {folder.path() / "absent", folder.path()}) {
    try {
      const io::IndexedFile file(path, "test-index", 3, kRemedy, {}, context);
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kNoInput);
    }
  }
}

TEST_CASE("every truncation and every flipped byte is refused") {
  const TemporaryFolder folder;
  const std::string good = make_file(folder, 10);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK(error_of(folder.write("x", good.substr(0, size))) != "accepted");
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    CHECK(error_of(folder.write("x", bad), "test-index", 3, {.map = at % 2 == 0}) != "accepted");
  }
  CHECK(error_of(folder.write("x", good + std::string(64, '\0'))) != "accepted");
  CHECK(error_of(folder.write("x", good + good)) != "accepted");
}
