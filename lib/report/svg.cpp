#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.h"

namespace immucan::report {
namespace colour {

std::string_view category(std::size_t index) {
  constexpr std::array<std::string_view, 8> kOrder{kBlue, kOrange, kGreen, kPurple, kSky, kVermilion, kYellow, kGrey};
  return kOrder[index % kOrder.size()];
}

std::string viridis(double position) {
  // matplotlib's viridis at 0, 1/8, …, 1.
  constexpr std::array<std::array<int, 3>, 9> kStops{{{68, 1, 84},
                                                      {71, 45, 123},
                                                      {59, 82, 139},
                                                      {44, 114, 142},
                                                      {33, 145, 140},
                                                      {40, 174, 128},
                                                      {94, 201, 98},
                                                      {173, 220, 48},
                                                      {253, 231, 37}}};
  const double scaled = std::clamp(position, 0.0, 1.0) * (kStops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(scaled), kStops.size() - 2);
  const double part = scaled - static_cast<double>(below);
  std::array<int, 3> rgb{};
  for (std::size_t i = 0; i < 3; ++i) {
    rgb[i] = static_cast<int>(std::lround(kStops[below][i] * (1 - part) + kStops[below + 1][i] * part));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
}

}  // namespace colour

namespace {

/// Two decimals without trailing zeros; a value that is not finite would make the picture unreadable and becomes 0.
std::string coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string points_text(std::span<const double> points) {
  std::string text;
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    if (!text.empty()) text += ' ';
    text += coordinate(points[i]) + ',' + coordinate(points[i + 1]);
  }
  return text;
}

}  // namespace

double Scale::operator()(double value) const {
  const double part =
      logarithmic ? (std::log(value) - std::log(low)) / (std::log(high) - std::log(low)) : (value - low) / (high - low);
  return from + part * (to - from);
}

std::vector<double> nice_ticks(double low, double high, std::size_t count) {
  if (!(high > low) || !std::isfinite(low) || !std::isfinite(high)) return {low};
  const double raw = (high - low) / static_cast<double>(std::max<std::size_t>(count, 1));
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= raw * 0.999999) break;
  }
  std::vector<double> ticks;
  const double tolerance = step * 1e-9;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + tolerance && ticks.size() < 100; ++i) {
    ticks.push_back(i == 0 ? 0.0 : i * step);
  }
  return ticks;
}

std::vector<double> log_ticks(double low, double high, std::size_t count) {
  const int first = static_cast<int>(std::floor(std::log10(low))), last = static_cast<int>(std::ceil(std::log10(high)));
  const auto collect = [&](std::span<const double> factors, int stride) {
    std::vector<double> ticks;
    for (int power = first; power <= last; ++power) {
      if (power % stride != 0) continue;
      for (const double factor : factors) {
        const double tick = factor * std::pow(10.0, power);
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
      }
    }
    return ticks;
  };
  constexpr std::array<double, 3> kFine{1, 2, 5};
  constexpr std::array<double, 1> kCoarse{1};
  if (auto ticks = collect(kFine, 1); ticks.size() <= count) return ticks;
  for (int stride = 1; stride < 100; ++stride) {
    if (auto ticks = collect(kCoarse, stride); ticks.size() <= count) return ticks;
  }
  return {};
}

std::string short_number(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NA" : value > 0 ? "∞" : "−∞";
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 1e-4 && size < 1e6) {
    const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
    std::string text = fmt::format("{:.{}f}", value, std::max(0, digits - before));
    if (text.find('.') != std::string::npos) {
      while (text.back() == '0') text.pop_back();
      if (text.back() == '.') text.pop_back();
    }
    return text;
  }
  return fmt::format("{:.{}e}", value, std::max(0, digits - 2));
}

std::string ratio_number(double value) {
  const double size = std::abs(value);
  if (value >= 1e4) return "> 10000";
  if (value < 1e-4) return "< 0.0001";
  if (!std::isfinite(value) || size < 0.1) return short_number(value, 2);
  return fmt::format("{:.{}f}", value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

double text_width(std::string_view text, double size) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) continue;  // the rest of a character
    if (std::string_view("iljtfr.,:;|!'()[] ").find(c) != std::string_view::npos) {
      width += 0.32;
    } else if (std::string_view("mwMW@%").find(c) != std::string_view::npos) {
      width += 0.88;
    } else {
      width += c >= 'A' && c <= 'Z' ? 0.68 : 0.56;
    }
  }
  constexpr double kWideFonts = 1.08;  // fallback fonts run wider than the usual ones
  return width * size * kWideFonts;
}

std::string shorten(std::string_view text, std::size_t limit) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    if (++characters <= limit) continue;
    std::size_t cut = 0, seen = 0;
    for (; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0U) != 0x80U && ++seen == limit) break;
    }
    return std::string(text.substr(0, cut)) + "…";
  }
  return std::string(text);
}

Svg::Svg(double width, double height, std::string_view title) : width_(width), height_(height) {
  body_ = fmt::format("<title>{}</title>\n", core::escape_xml(title));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view stroke, double width,
               std::string_view dash) {
  body_ += fmt::format(R"(<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"{}/>)", coordinate(x1),
                       coordinate(y1), coordinate(x2), coordinate(y2), stroke, coordinate(width),
                       dash.empty() ? std::string{} : fmt::format(R"( stroke-dasharray="{}")", dash));
  body_ += '\n';
}

void Svg::rect(double x, double y, double width, double height, std::string_view fill, std::string_view stroke,
               double radius, double opacity) {
  body_ += fmt::format(R"(<rect x="{}" y="{}" width="{}" height="{}" fill="{}")", coordinate(x), coordinate(y),
                       coordinate(std::max(0.0, width)), coordinate(std::max(0.0, height)), fill);
  if (!stroke.empty()) body_ += fmt::format(R"( stroke="{}")", stroke);
  if (radius > 0) body_ += fmt::format(R"( rx="{}")", coordinate(radius));
  if (opacity < 1) body_ += fmt::format(R"( opacity="{}")", coordinate(opacity));
  body_ += "/>\n";
}

void Svg::circle(double x, double y, double radius, std::string_view fill, std::string_view stroke, double opacity) {
  body_ += fmt::format(R"(<circle cx="{}" cy="{}" r="{}" fill="{}")", coordinate(x), coordinate(y), coordinate(radius),
                       fill);
  if (!stroke.empty()) body_ += fmt::format(R"( stroke="{}")", stroke);
  if (opacity < 1) body_ += fmt::format(R"( opacity="{}")", coordinate(opacity));
  body_ += "/>\n";
}

void Svg::polyline(std::span<const double> points, std::string_view stroke, double width, std::string_view dash) {
  body_ += fmt::format(R"(<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{}/>)",
                       points_text(points), stroke, coordinate(width),
                       dash.empty() ? std::string{} : fmt::format(R"( stroke-dasharray="{}")", dash));
  body_ += '\n';
}

void Svg::polygon(std::span<const double> points, std::string_view fill, double opacity, std::string_view stroke) {
  body_ += fmt::format(R"(<polygon points="{}" fill="{}")", points_text(points), fill);
  if (!stroke.empty()) body_ += fmt::format(R"( stroke="{}")", stroke);
  if (opacity < 1) body_ += fmt::format(R"( opacity="{}")", coordinate(opacity));
  body_ += "/>\n";
}

void Svg::text(double x, double y, std::string_view words, const TextStyle& style) {
  body_ += fmt::format(R"(<text x="{}" y="{}" font-size="{}" fill="{}")", coordinate(x), coordinate(y),
                       coordinate(style.size), style.fill);
  if (style.anchor != "start") body_ += fmt::format(R"( text-anchor="{}")", style.anchor);
  if (style.bold) body_ += R"( font-weight="600")";
  if (style.rotate != 0) {
    body_ += " transform=\"rotate(" + coordinate(style.rotate) + ' ' + coordinate(x) + ' ' + coordinate(y) + ")\"";
  }
  body_ += '>' + core::escape_xml(words) + "</text>\n";
}

void Svg::begin_group(std::string_view tooltip) {
  body_ += fmt::format("<g><title>{}</title>\n", core::escape_xml(tooltip));
}
void Svg::end_group() {
  body_ += "</g>\n";
}

std::string Svg::finish() {
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" )"
      R"(font-family="system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif">)"
      "\n{2}</svg>\n",
      coordinate(width_), coordinate(height_), body_);
}

void bottom_axis(Svg& svg, const Scale& x, double y, double grid_to, std::span<const double> ticks,
                 std::string_view title) {
  const auto [left, right] = std::minmax(x.from, x.to);
  for (const double tick : ticks) {
    const double at = x(tick);
    if (grid_to != y) svg.line(at, y, at, grid_to, colour::kGrid);
    svg.line(at, y, at, y + 4, colour::kAxis);
    svg.text(at, y + 16, short_number(tick), {.size = 11, .anchor = "middle", .fill = colour::kMuted});
  }
  svg.line(left, y, right, y, colour::kAxis);
  if (!title.empty())
    svg.text((left + right) / 2, y + 33, title, {.size = 11.5, .anchor = "middle", .fill = colour::kMuted});
}

void left_axis(Svg& svg, const Scale& y, double x, double grid_to, std::span<const double> ticks,
               std::string_view title) {
  const auto [top, bottom] = std::minmax(y.from, y.to);
  double widest = 0;
  for (const double tick : ticks) {
    const double at = y(tick);
    if (grid_to != x) svg.line(x, at, grid_to, at, colour::kGrid);
    svg.text(x - 6, at + 4, short_number(tick), {.size = 11, .anchor = "end", .fill = colour::kMuted});
    widest = std::max(widest, text_width(short_number(tick), 11));
  }
  svg.line(x, top, x, bottom, colour::kAxis);
  if (!title.empty()) {
    svg.text(x - widest - 14, (top + bottom) / 2, title,
             {.size = 11.5, .anchor = "middle", .fill = colour::kMuted, .rotate = -90});
  }
}

}  // namespace immucan::report
