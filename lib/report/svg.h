#pragma once
// Scalable pictures as text: shapes, axes and colours. Coordinates have at most two decimals, so the bytes are the same
// everywhere.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace immucan::report {

/// Okabe and Ito's colours, told apart by people with any common form of colour blindness.
namespace colour {
inline constexpr std::string_view kOrange = "#E69F00", kSky = "#56B4E9", kGreen = "#009E73", kYellow = "#F0E442",
                                  kBlue = "#0072B2", kVermilion = "#D55E00", kPurple = "#CC79A7", kGrey = "#8C96A0";
/// Colours of the page: they follow its light or dark style and fall back to the light one in a picture that stands
/// alone.
inline constexpr std::string_view kInk = "var(--ink,#1b2127)", kMuted = "var(--muted,#5a6572)",
                                  kGrid = "var(--grid,#e6eaee)", kAxis = "var(--axis,#98a3ae)",
                                  kPaper = "var(--paper,#ffffff)", kFaint = "var(--faint,#f4f6f8)";
/// Categories in order: blue, orange, green, purple, sky, vermilion, yellow, grey; repeats after eight.
[[nodiscard]] std::string_view category(std::size_t index);
/// Viridis by linear interpolation of nine of its colours; `position` is clipped to [0, 1].
[[nodiscard]] std::string viridis(double position);
}  // namespace colour

/// Linear or logarithmic mapping of values to coordinates.
struct Scale {
  double low = 0, high = 1;  ///< values
  double from = 0, to = 1;   ///< coordinates
  bool logarithmic = false;  ///< values > 0
  [[nodiscard]] double operator()(double value) const;
};

/// Round numbers (1, 2, 5 × 10^k) within [low, high], about `count` of them.
[[nodiscard]] std::vector<double> nice_ticks(double low, double high, std::size_t count);
/// 1, 2, 5 or 1 or powers of ten within [low, high], thinned to at most `count`.
[[nodiscard]] std::vector<double> log_ticks(double low, double high, std::size_t count);
/// At most `digits` significant digits, no exponent between 1e-4 and 1e6: "0.5", "12", "3e-09".
[[nodiscard]] std::string short_number(double value, int digits = 3);
/// A ratio with its interval in mind: two decimals about 1, two significant digits when small, none when large,
/// and "< 0.0001" or "> 10000" where the number itself says nothing.
[[nodiscard]] std::string ratio_number(double value);
/// Width of a text in the page's font, for margins: an estimate from the kinds of characters.
[[nodiscard]] double text_width(std::string_view text, double size);
/// Cuts to `limit` characters with an ellipsis.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t limit);

struct TextStyle {
  double size = 12;
  std::string_view anchor = "start";  ///< start | middle | end
  std::string_view fill = colour::kInk;
  bool bold = false;
  double rotate = 0;  ///< degrees about the point
};

class Svg {
 public:
  /// `title` is what a screen reader says.
  Svg(double width, double height, std::string_view title);
  void line(double x1, double y1, double x2, double y2, std::string_view stroke, double width = 1,
            std::string_view dash = {});
  void rect(double x, double y, double width, double height, std::string_view fill, std::string_view stroke = {},
            double radius = 0, double opacity = 1);
  void circle(double x, double y, double radius, std::string_view fill, std::string_view stroke = {},
              double opacity = 1);
  /// Corner points as x, y pairs.
  void polyline(std::span<const double> points, std::string_view stroke, double width = 1.5,
                std::string_view dash = {});
  void polygon(std::span<const double> points, std::string_view fill, double opacity = 1, std::string_view stroke = {});
  void text(double x, double y, std::string_view words, const TextStyle& style = {});
  /// Text shown when the pointer rests on the shapes until end_group().
  void begin_group(std::string_view tooltip);
  void end_group();
  /// The whole picture; nothing may be added afterwards.
  [[nodiscard]] std::string finish();
  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double height() const { return height_; }

 private:
  double width_, height_;
  std::string body_;
};

/// Axis line, ticks, labels and title along the bottom of a plot area; grid lines up to `grid_to` where it differs from
/// `y`.
void bottom_axis(Svg& svg, const Scale& x, double y, double grid_to, std::span<const double> ticks,
                 std::string_view title);
/// The same at the left edge `x`, with grid lines to `grid_to`.
void left_axis(Svg& svg, const Scale& y, double x, double grid_to, std::span<const double> ticks,
               std::string_view title);

}  // namespace immucan::report
