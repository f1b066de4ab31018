#include <catch2/catch.hpp>

#include "report/html_page.h"

using namespace immucan::report;

TEST_CASE("a page holds its sections, escapes its words and needs no other file") {
  HtmlPage page("a < b");
  page.head("<h1>head</h1>");
  page.section("one", "First & last");
  HtmlTable table{"t", "cap", {{"name", "tip"}, {"n", ""}}, {}, 1, true};
  table.rows = {{text_cell("<x>"), number_cell(0.5)}, {text_cell("y"), number_cell(1e-9)}};
  page.table(table);
  const std::string html = page.finish();
  CHECK_THAT(html, Catch::Contains("<title>a &lt; b</title>") && Catch::Contains("First &amp; last") &&
                       Catch::Contains("&lt;x&gt;"));
  CHECK_THAT(html, Catch::Contains("<tr class=\"more\">") && Catch::Contains("show all 2") &&
                       Catch::Contains("data-k=\"1e-09\""));
  CHECK_THAT(html, !Catch::Contains("http") && !Catch::Contains(" src=") && !Catch::Contains("@import") &&
                       !Catch::Contains("<link"));
}
