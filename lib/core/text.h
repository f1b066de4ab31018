#pragma once
// Text without locale: numbers by from_chars and shortest round trip, splitting, escaping.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace immucan::core {

/// Whole-string parses; leading '+', blanks, hex and trailing characters are refused. `parse_double` accepts inf and
/// nan.
[[nodiscard]] std::optional<std::int64_t> parse_int(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text);
[[nodiscard]] std::optional<double> parse_double(std::string_view text);
/// "1000", "64K", "800M", "4G", "1T": powers of 1024.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// Shortest text that reads back as the same double; "NA" for NaN.
[[nodiscard]] std::string format_double(double value);
void append_double(std::string& out, double value);
void append_integer(std::string& out, std::int64_t value);

/// Views into `line` between the separators; empty fields are kept. The vector is reused.
void split(std::string_view line, char separator, std::vector<std::string_view>& fields);
[[nodiscard]] std::vector<std::string_view> split(std::string_view line, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Empty and "NA" mean missing in every table of ours.
[[nodiscard]] inline bool is_missing(std::string_view field) {
  return field.empty() || field == "NA";
}

/// Control characters and broken UTF-8 become \xNN, for messages on a terminal; text over `limit` bytes is cut with
/// "…".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 80);
/// Entity part of a feature name: ':', '%' and control characters percent-encoded, blanks to '_' (DESIGN:
/// features.tsv).
[[nodiscard]] std::string feature_entity(std::string_view text);
/// Text and attribute content of XML and HTML.
[[nodiscard]] std::string escape_xml(std::string_view text);

}  // namespace immucan::core
