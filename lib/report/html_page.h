#pragma once
// One HTML file that needs nothing else: styles, pictures and the small script that sorts tables are inside.
#include <string>
#include <string_view>
#include <vector>

namespace immucan::report {

/// A cell of a table. `html` is put in as it is (escape text with core::escape_xml); `sort_key` decides the order where
/// the shown text would not (numbers with units, intervals).
struct Cell {
  std::string html;
  std::string sort_key;
  bool number = false;
};
struct Column {
  std::string title;
  std::string tooltip;
};
/// Rows beyond `shown` are there and appear on request.
struct HtmlTable {
  std::string id, caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::size_t shown = 25;
  bool filter = false;  ///< a box to search in
};

[[nodiscard]] Cell text_cell(std::string_view text);
[[nodiscard]] Cell number_cell(double value, int digits = 3);

class HtmlPage {
 public:
  explicit HtmlPage(std::string title) : title_(std::move(title)) {}
  /// What stands above the sections; `html` as it is.
  void head(std::string html) { head_ += std::move(html); }
  void section(std::string id, std::string title);
  void paragraph(std::string html, std::string_view css_class = {});
  void raw(std::string html);
  /// A picture with its words below.
  void figure(const std::string& svg, std::string caption_html);
  /// Pictures side by side, wrapped where there is no room.
  void figures(const std::vector<std::string>& svgs, std::string caption_html);
  void table(const HtmlTable& table);
  [[nodiscard]] std::string finish();

 private:
  std::string title_, head_, body_, navigation_;
  bool open_ = false;
};

}  // namespace immucan::report
