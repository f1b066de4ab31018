#include "core/text.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace immucan::core;

TEST_CASE("numbers parse whole or not at all") {
  CHECK(parse_int("-12") == -12);
  CHECK(parse_double("1e-3") == 1e-3);
  CHECK(parse_unsigned("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  for (const char* bad : {"", " 1", "1 ", "+1", "0x10", "1,5", "1.0", "99999999999999999999"}) {
    CHECK_FALSE(parse_int(bad).has_value());
  }
  for (const char* bad : {"", " 1", "1 ", "+1", "0x10", "1,5", "1e", "1e999"}) {
    CHECK_FALSE(parse_double(bad).has_value());
  }
}

TEST_CASE("doubles are written short and read back the same") {
  CHECK(format_double(0.1) == "0.1");
  CHECK(format_double(1.0) == "1");
  CHECK(format_double(std::nan("")) == "NA");
  for (const double value : {1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.125}) {
    const auto back = parse_double(format_double(value));
    REQUIRE(back.has_value());
    CHECK(*back == value);
    CHECK(std::signbit(*back) == std::signbit(value));
  }
}

TEST_CASE("split keeps empty fields and join is its inverse") {
  CHECK(split("a\t\tb\t", '\t') == std::vector<std::string_view>{"a", "", "b", ""});
  CHECK(split("", '\t') == std::vector<std::string_view>{""});
  CHECK(join({"a", "", "b"}, ",") == "a,,b");
  CHECK(join({}, ",") == "");
  CHECK(trim(" \t x y \r\n") == "x y");
  CHECK(trim(" \n") == "");
}

TEST_CASE("what a terminal could take for a command is escaped") {
  CHECK(printable("a\x1b[31mb\n") == "a\\x1B[31mb\\x0A");
  CHECK(printable("naïve → 日本") == "naïve → 日本");
  CHECK(printable("\xff\xfe") == "\\xFF\\xFE");
  CHECK(printable("\xc2\x9b") == "\\xC2\\x9B");
  CHECK(printable("\xed\xa0\x80") == "\\xED\\xA0\\x80");
  CHECK(printable("\xc0\xaf") == "\\xC0\\xAF");
  CHECK(printable(std::string(100, 'x'), 10) == std::string(10, 'x') + "…");
}

TEST_CASE("entities and markup are escaped") {
  CHECK(feature_entity("CD8 T:PD-1+ 5%") == "CD8_T%3APD-1+_5%25");
  CHECK(escape_xml("<a b=\"c\">&'") == "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
}
