#include "report/svg.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "svg_check.h"

using namespace immucan::report;

TEST_CASE("scales map ends and middle") {
  const Scale linear{0, 10, 100, 200};
  CHECK(linear(0) == 100);
  CHECK(linear(10) == 200);
  CHECK(linear(5) == 150);
  const Scale reversed{0, 1, 300, 100};
  CHECK(reversed(0.25) == 250);
  const Scale logarithmic{0.01, 100, 0, 400, true};
  CHECK(logarithmic(1) == Approx(200));
  CHECK(logarithmic(10) == Approx(300));
}

TEST_CASE("ticks are round, inside and in order") {
  CHECK(nice_ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(nice_ticks(0, 1197, 5) == std::vector<double>{0, 500, 1000});
  CHECK(nice_ticks(3, 3, 5) == std::vector<double>{3});
  CHECK(log_ticks(0.1, 10, 9) == std::vector<double>{0.1, 0.2, 0.5, 1, 2, 5, 10});
  CHECK(log_ticks(0.001, 1000, 7).size() == 7);
  for (const double low : {-1e-7, -3.0, 0.2, 1e5}) {
    for (const double width : {1e-6, 0.37, 12.0, 9e6}) {
      const auto ticks = nice_ticks(low, low + width, 5);
      CHECK(ticks.size() >= 2);
      CHECK(ticks.size() <= 12);
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        CHECK(ticks[i] >= low - width * 1e-6);
        CHECK(ticks[i] <= low + width * (1 + 1e-6));
        if (i > 0) CHECK(ticks[i] > ticks[i - 1]);
      }
    }
  }
}

TEST_CASE("numbers for people") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(0.5) == "0.5");
  CHECK(short_number(1234.5) == "1234");
  CHECK(short_number(0.00123456) == "0.00123");
  CHECK(short_number(-2) == "-2");
  CHECK(short_number(3.2e-9, 2) == "3e-09");
  CHECK(short_number(std::nan("")) == "NA");
  CHECK(short_number(std::numeric_limits<double>::infinity()) == "∞");
  CHECK(ratio_number(2.4191) == "2.42");
  CHECK(ratio_number(34.567) == "34.6");
  CHECK(ratio_number(439.2) == "439");
  CHECK(ratio_number(0.02051) == "0.021");
  CHECK(ratio_number(1e7) == "> 10000");
  CHECK(ratio_number(0) == "< 0.0001");
  CHECK(ratio_number(std::nan("")) == "NA");
}

TEST_CASE("texts are cut between characters") {
  CHECK(shorten("abc", 3) == "abc");
  CHECK(shorten("abcd", 3) == "ab…");
  CHECK(shorten("äöüß", 3) == "äö…");
  CHECK(text_width("WW", 10) > text_width("ii", 10));
}

TEST_CASE("viridis begins dark blue and ends yellow, and clips") {
  CHECK(colour::viridis(0) == "#440154");
  CHECK(colour::viridis(1) == "#fde725");
  CHECK(colour::viridis(-3) == colour::viridis(0));
  CHECK(colour::viridis(7) == colour::viridis(1));
  CHECK(colour::viridis(0.5) == "#21918c");
}

TEST_CASE("a picture is well-formed whatever its words, and coordinates are short") {
  Svg svg(100, 50, "a < b & \"c\"");
  svg.text(1.23456, 2, "<script>&", {.rotate = -90});
  svg.begin_group("5 > 3");
  svg.circle(1.0 / 3, std::nan(""), 2, "#000", "#fff", 0.5);
  svg.end_group();
  svg.rect(0, 0, -5, 3, "#000");
  const std::string text = svg.finish();
  const auto elements = immucan::test::elements_of(text);
  CHECK(elements.at("circle") == 1);
  CHECK_THAT(text, Catch::Contains("x=\"1.23\"") && Catch::Contains("cx=\"0.33\"") && Catch::Contains("cy=\"0\"") &&
                       Catch::Contains("width=\"0\""));
  CHECK_THAT(text, !Catch::Contains("<script>") && !Catch::Contains("nan"));
}
