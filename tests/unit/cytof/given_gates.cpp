#include "cytof/given_gates.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"

namespace {

using namespace immucan;
using cytof::GivenGates;

const cytof::Panel kPanel(
    {{.name = "Time"}, {.name = "Ce140Di", .marker = "140Ce"}, {.name = "Eu151Di"}, {.name = "Ir191Di"}});

TEST_CASE("gates are found by channel name, marker and mass, and their bounds are exclusive") {
  const auto gates = GivenGates::parse(
      R"({"*": {"140Ce": {"x": [0, 1], "y": [0, 1]}, "(Eu151)Di": {"x": [2, 3], "y": [-1, 1]}},
          "b.fcs": {"Ce140Di": {"x": [4, 5], "y": [0, 1]}, "Eu151Di": {"x": [2, 3], "y": [0, 1]}}})",
      "g.json");
  const auto any = gates.for_file("a.fcs", kPanel, {151, 140});
  REQUIRE(any.size() == 2);
  CHECK(any[0].x_low == 2);
  CHECK(any[0].dna_low == -1);
  CHECK(any[1].x_high == 1);
  CHECK(gates.for_file("b.fcs", kPanel, {140})[0].x_low == 4);

  const auto raw = [](double x) { return 5 * std::sinh(x); };
  CHECK(cytof::inside(any, std::vector<double>{raw(2.5), raw(0.5)}, raw(0.5)));
  CHECK_FALSE(cytof::inside(any, std::vector<double>{raw(2.5), 0}, raw(0.5)));  // the bound itself
  CHECK_FALSE(cytof::inside(any, std::vector<double>{raw(3.1), raw(0.5)}, raw(0.5)));
  CHECK_FALSE(cytof::inside(any, std::vector<double>{raw(2.5), raw(0.5)}, raw(-0.5)));
  CHECK_FALSE(cytof::inside(any, std::vector<double>{NAN, raw(0.5)}, raw(0.5)));
}

TEST_CASE("broken gates are named with their file and place") {
  const auto message = [](std::string_view text) -> std::string {
    try {
      (void)GivenGates::parse(text, "g.json").for_file("a.fcs", kPanel, {140});
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::StartsWith("g.json: "));
      return error.what();
    }
    return "no error";
  };
  CHECK(message(R"({"a.fcs": {"140": {"x": [0, 1], "y": [0, 1]}, "Ce140Di": {"x": [0, 1], "y": [0, 1]}}})") ==
        "no error");
  for (const char* text : {"", "x", "[]", "{}", "1", R"({"a.fcs": )", "\xff\xfe{}"}) {
    CHECK_THAT(message(text), Catch::Contains("no JSON object of files"));
  }
  for (const char* text : {R"({"a.fcs": {}})", R"({"a.fcs": []})", R"({"a.fcs": null})"}) {
    CHECK_THAT(message(text), Catch::Contains("'a.fcs' holds no gates"));
  }
  const std::string begin = R"({"a.fcs": {"Ce140Di": )";
  for (const char* gate :
       {"1", "[]", R"({"y": [0, 1]})", R"({"x": [0], "y": [0, 1]})", R"({"x": ["0", 1], "y": [0, 1]})",
        R"({"x": [0, 1, 2], "y": [0, 1]})", R"({"x": [null, 1], "y": [0, 1]})"}) {
    CHECK_THAT(message(begin + gate + "}}"), Catch::Contains("channel 'Ce140Di': 'x' is not a list of two numbers"));
  }
  CHECK_THAT(message(begin + R"({"x": [0, 1]}}})"), Catch::Contains("'y' is not a list"));
  CHECK_THAT(message(begin + R"({"x": [1, 1], "y": [0, 1]}}})"), Catch::Contains("'x' is from 1 to 1, which is empty"));
  CHECK_THAT(message(begin + R"({"x": [0, 1], "y": [2, 1]}}})"), Catch::Contains("'y' is from 2 to 1, which is empty"));
  CHECK_THAT(message(R"({"b.fcs": {"Ce140Di": {"x": [0, 1], "y": [0, 1]}}})"),
             Catch::Contains("no gates for the file 'a.fcs'"));
  CHECK_THAT(message(R"({"a.fcs": {"Eu151Di": {"x": [0, 1], "y": [0, 1]}}})"),
             Catch::Contains("no gate of the bead mass 140"));
}

}  // namespace
