#include "report/multiqc.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "core/run_context.h"

using namespace immucan;
using namespace immucan::report;

TEST_CASE("a fragment is read back as it was written, in its order") {
  const std::vector<QcMetric> metrics{{"reads", "Reads", "number of reads", 12345},
                                      {"beads", "Beads", "fraction", 0.25},
                                      {"alpha", "Alpha", "", -1e-9},
                                      {"gone", "Gone", "", std::nan("")}};
  const std::string json = multiqc_fragment("scrna_count", "Counting", "P01 \"x\"", metrics);
  CHECK(json == multiqc_fragment("scrna_count", "Counting", "P01 \"x\"", metrics));
  CHECK_THAT(json, Catch::Contains("\"reads\": 12345") && !Catch::Contains("12345.0") && !Catch::Contains("gone"));
  const auto fragments = parse_multiqc_fragment(json, "f");
  REQUIRE(fragments.size() == 1);
  CHECK(fragments[0].id == "scrna_count");
  CHECK(fragments[0].section_name == "Counting");
  CHECK(fragments[0].sample_id == "P01 \"x\"");
  REQUIRE(fragments[0].metrics.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(fragments[0].metrics[i].name == metrics[i].name);
    CHECK(fragments[0].metrics[i].title == metrics[i].title);
    CHECK(fragments[0].metrics[i].description == metrics[i].description);
    CHECK(fragments[0].metrics[i].value == metrics[i].value);
  }
}

TEST_CASE("broken fragments are refused with their name") {
  const std::string good = multiqc_fragment("a_b", "S", "P", {{"m", "M", "", 1}});
  const std::vector<std::string> broken{
      "",
      "{",
      "[]",
      "12",
      good.substr(0, good.size() / 2),
      "\xff\xfe" + good,
      R"({"section_name":"S","headers":{},"data":{}})",
      R"({"id":"","section_name":"S","headers":{},"data":{}})",
      R"({"id":7,"section_name":"S","headers":{},"data":{}})",
      R"({"id":"a","headers":{},"data":{}})",
      R"({"id":"a","section_name":"S","data":{}})",
      R"({"id":"a","section_name":"S","headers":{}})",
      R"({"id":"a","section_name":"S","headers":{},"data":[]})",
      R"({"id":"a","section_name":"S","headers":{},"data":{"P":3}})",
      R"({"id":"a","section_name":"S","headers":{},"data":{"":{"m":1}}})",
      R"({"id":"a","section_name":"S","headers":{},"data":{"P":{"m":"1"}}})",
      R"({"id":"a","section_name":"S","headers":{},"data":{"P":{"m":null}}})",
      R"({"id":"a","section_name":"S","headers":{},"data":{"P":{"m":1e999}}})",
  };
  for (const std::string& text : broken) {
    CAPTURE(text);
    try {
      (void)parse_multiqc_fragment(text, "some_mqc.json");
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(std::string(error.what()), Catch::StartsWith("some_mqc.json: "));
    }
  }
}

TEST_CASE("a folder gets a fragment per sample and the version once") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("immucan-qc-" + std::to_string(getpid()));
  {
    core::RunContext context("some-tool", "1.10.0", "some");
    core::OutputSet outputs = core::OutputSet::folder(context, folder);
    add_qc(outputs, {"some_command", "Section", "P01", {{"m", "M", "", 1}}});
    add_qc(outputs, {"some_command", "Section", "P02", {{"m", "M", "", 2}}});
    outputs.commit();
  }
  const auto text = [&](const char* name) {
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  CHECK(text("some-tool_mqc_versions.yml") == "some-tool: \"1.10.0\"\n");
  for (const char* const sample : {"P01", "P02"}) {
    const auto fragments = parse_multiqc_fragment(text((std::string(sample) + ".some_command_mqc.json").c_str()), "f");
    REQUIRE(fragments.size() == 1);
    CHECK(fragments[0].sample_id == sample);
  }
  const std::string record = text("run.json");
  CHECK(record.find("some-tool_mqc_versions.yml") == record.rfind("some-tool_mqc_versions.yml"));
  CHECK(record.find("some-tool_mqc_versions.yml") != std::string::npos);
  std::filesystem::remove_all(folder);
}
