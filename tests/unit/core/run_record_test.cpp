#include "core/run_record.h"

#include <catch2/catch.hpp>

#include "core/error.h"

using namespace immucan::core;

namespace {

RunRecord example() {
  RunRecord record;
  record.tool = "scrna-count";
  record.version = "0.1.0";
  record.command = "count";
  record.parameters = {{"whitelist", std::string("w.txt")},
                       {"seed", std::int64_t{7}},
                       {"limit", 0.25},
                       {"em", true},
                       {"read1", std::vector<std::string>{"a.fq", "b.fq"}}};
  record.inputs = {{"a.fq", 12, std::string(64, 'a')}, {"x.idx", 99, "xxh3-128:00ff"}};
  record.outputs = {{"raw/matrix.mtx.gz", 5, std::string(64, 'b')}, {"y.idx", 6, std::string(64, 'c'), "xxh3-128:11"}};
  record.counts = {{"cells", std::int64_t{3}}, {"share", 0.1}};
  record.execution = {4, 1.5, 5.25, 1024};
  return record;
}

}  // namespace

TEST_CASE("a run record reads back as it was written", "[core]") {
  const RunRecord record = example();
  const RunRecord back = parse_run_record(to_json(record), "run.json");
  CHECK(to_json(back) == to_json(record));
  CHECK(back.outputs[1].digest == "xxh3-128:11");
  CHECK(run_digest(back) == run_digest(record));
}

TEST_CASE("the digest of a run leaves out how it was executed and nothing else", "[core]") {
  const std::string digest = run_digest(example());
  RunRecord slower = example();
  slower.execution.threads = 1;
  slower.execution.wall_seconds = 100;
  CHECK(run_digest(slower) == digest);
  RunRecord other = example();
  SECTION("parameter") {
    other.parameters[2].second = 0.5;
  }
  SECTION("input") {
    other.inputs[0].sha256[0] = 'f';
  }
  SECTION("output") {
    other.outputs[0].size = 6;
  }
  SECTION("count") {
    other.counts["cells"] = std::int64_t{4};
  }
  SECTION("version") {
    other.version = "0.1.1";
  }
  CHECK(run_digest(other) != digest);
}

TEST_CASE("what is no run record is refused with status 65 and its name", "[core]") {
  const auto text = GENERATE(as<std::string>{}, "", "{", "[]", "null", "{}", "{\"tool\": 1}",
                             "{\"tool\":\"t\",\"version\":\"1\",\"command\":\"c\",\"parameters\":{},\"counts\":{},"
                             "\"inputs\":[{\"name\":\"a\"}],\"outputs\":[]}",
                             "{\"tool\":\"t\",\"version\":\"1\",\"command\":\"c\",\"parameters\":{\"a\":{}},"
                             "\"counts\":{},\"inputs\":[],\"outputs\":[]}",
                             "{\"tool\":\"t\",\"version\":\"1\",\"command\":\"c\",\"parameters\":[],"
                             "\"counts\":3,\"inputs\":[],\"outputs\":[]}",
                             "{\"tool\":\"t\",\"version\":\"1\",\"command\":\"c\",\"parameters\":{},"
                             "\"counts\":{},\"inputs\":\"x\",\"outputs\":[]}");
  try {
    (void)parse_run_record(text, "some/run.json");
    FAIL("accepted: " << text);
  } catch (const Error& error) {
    CHECK(error.status() == Status::kBadInput);
    CHECK(std::string(error.what()).starts_with("some/run.json: this is not a run record"));
  }
}
