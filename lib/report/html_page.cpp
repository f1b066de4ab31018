#include "report/html_page.h"

#include <fmt/format.h>

#include "core/text.h"
#include "report/html_style.h"
#include "report/svg.h"

namespace immucan::report {

Cell text_cell(std::string_view text) {
  return {core::escape_xml(text), {}, false};
}
Cell number_cell(double value, int digits) {
  return {short_number(value, digits), core::format_double(value), true};
}

void HtmlPage::section(std::string id, std::string title) {
  if (open_) body_ += "</section>\n";
  open_ = true;
  body_ += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", id, core::escape_xml(title));
  navigation_ += fmt::format("<a href=\"#{}\">{}</a>\n", id, core::escape_xml(title));
}

void HtmlPage::paragraph(std::string html, std::string_view css_class) {
  body_ +=
      css_class.empty() ? fmt::format("<p>{}</p>\n", html) : fmt::format("<p class=\"{}\">{}</p>\n", css_class, html);
}

void HtmlPage::raw(std::string html) {
  body_ += std::move(html);
}

void HtmlPage::figure(const std::string& svg, std::string caption_html) {
  figures({svg}, std::move(caption_html));
}

void HtmlPage::figures(const std::vector<std::string>& svgs, std::string caption_html) {
  body_ += "<figure>\n<div class=\"row\">\n";
  for (const std::string& svg : svgs) body_ += svg;
  body_ += "</div>\n";
  if (!caption_html.empty()) body_ += fmt::format("<figcaption>{}</figcaption>\n", caption_html);
  body_ += "</figure>\n";
}

void HtmlPage::table(const HtmlTable& table) {
  const bool longer = table.rows.size() > table.shown;
  if (table.filter || longer) {
    body_ += "<div class=\"tools\">";
    if (table.filter)
      body_ += fmt::format(
          "<input type=\"search\" data-filter=\"{0}\" aria-label=\"search the table\" placeholder=\"search the "
          "table\">",
          table.id);
    if (longer) {
      const std::string words = fmt::format("show all {}", table.rows.size());
      body_ +=
          fmt::format("<button type=\"button\" data-more=\"{}\" data-words=\"{}\">{}</button>", table.id, words, words);
    }
    body_ += "</div>\n";
  }
  body_ += fmt::format("<div class=\"scroll\"><table class=\"sortable\" id=\"{}\" data-shown=\"{}\">\n", table.id,
                       table.shown);
  if (!table.caption.empty()) body_ += fmt::format("<caption>{}</caption>\n", core::escape_xml(table.caption));
  body_ += "<thead><tr>";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool number = !table.rows.empty() && table.rows.front()[i].number;
    body_ += fmt::format("<th{}{}><button type=\"button\">{}</button></th>", number ? " class=\"n\"" : "",
                         table.columns[i].tooltip.empty()
                             ? std::string{}
                             : fmt::format(" title=\"{}\"", core::escape_xml(table.columns[i].tooltip)),
                         core::escape_xml(table.columns[i].title));
  }
  body_ += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    body_ += r < table.shown ? "<tr>" : "<tr class=\"more\">";
    for (const Cell& cell : table.rows[r]) {
      body_ += fmt::format(
          "<td{}{}>{}</td>", cell.number ? " class=\"n\"" : "",
          cell.sort_key.empty() ? std::string{} : fmt::format(" data-k=\"{}\"", core::escape_xml(cell.sort_key)),
          cell.html);
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

std::string HtmlPage::finish() {
  if (open_) body_ += "</section>\n";
  open_ = false;
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<header class=\"top\"><div "
      "class=\"wrap\">\n{}</div></header>\n"
      "<nav aria-label=\"sections\"><div class=\"wrap\">\n{}</div></nav>\n<main><div "
      "class=\"wrap\">\n{}</div></main>\n<script>{}</script>\n</body>\n</html>\n",
      core::escape_xml(title_), page_style(), head_, navigation_, body_, page_script());
}

}  // namespace immucan::report
