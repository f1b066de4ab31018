#include "io/fcs_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {
namespace {

constexpr std::uint64_t kHeaderBytes = 58;
constexpr std::uint64_t kLargestHeaderOffset = 99'999'999;

/// "$P12N" → {12, "N"}; also "P12DETECTOR" of vendors. number 0 = no parameter keyword.
struct ParameterKey {
  std::size_t number = 0;
  std::string_view suffix;
  bool standard = false;
};

ParameterKey parameter_key(std::string_view key) {
  ParameterKey result;
  if (key.starts_with('$')) {
    result.standard = true;
    key.remove_prefix(1);
  }
  if (key.size() < 3 || (key.front() != 'P' && key.front() != 'p')) return {};
  std::size_t digits = 1;
  while (digits < key.size() && key[digits] >= '0' && key[digits] <= '9') ++digits;
  const auto number = core::parse_unsigned(key.substr(1, digits - 1));
  if (!number || *number == 0 || digits == key.size()) return {};
  result.number = static_cast<std::size_t>(*number);
  result.suffix = key.substr(digits);
  return result;
}

bool is_layout_key(std::string_view key) {
  constexpr std::array<std::string_view, 12> kLayout{"$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT",
                                                     "$BEGINDATA",     "$ENDDATA",     "$NEXTDATA",   "$TOT",
                                                     "$PAR",           "$DATATYPE",    "$BYTEORD",    "$MODE"};
  return std::ranges::any_of(kLayout, [&](std::string_view k) { return fcs_key_equal(k, key); });
}

bool is_replaced_suffix(std::string_view suffix) {
  constexpr std::array<std::string_view, 6> kReplaced{"N", "S", "B", "R", "E", "DATATYPE"};
  return std::ranges::any_of(kReplaced, [&](std::string_view k) { return fcs_key_equal(k, suffix); });
}

/// Everything but the two data offsets.
FcsKeywords layout_keywords(const FcsKeywords& carried, const std::vector<FcsColumn>& columns, std::uint64_t events,
                            FcsType type) {
  FcsKeywords keywords;
  for (const std::string_view zero : {"$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT"}) {
    keywords.add(std::string(zero), "0");
  }
  keywords.add("$BYTEORD", "1,2,3,4");
  keywords.add("$DATATYPE", std::string(1, static_cast<char>(type)));
  keywords.add("$MODE", "L");
  keywords.add("$NEXTDATA", "0");
  keywords.add("$PAR", fmt::format("{}", columns.size()));
  keywords.add("$TOT", fmt::format("{}", events));
  std::vector<std::vector<std::size_t>> new_places;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const FcsColumn& column = columns[i];
    keywords.add(fmt::format("$P{}N", i + 1), column.name);
    if (!column.marker.empty()) keywords.add(fmt::format("$P{}S", i + 1), column.marker);
    keywords.add(fmt::format("$P{}B", i + 1), type == FcsType::kFloat ? "32" : "64");
    keywords.add(fmt::format("$P{}R", i + 1), fcs_range_text(column.range));
    keywords.add(fmt::format("$P{}E", i + 1), "0,0");
    if (!column.source) continue;
    if (new_places.size() <= *column.source) new_places.resize(*column.source + 1);
    new_places[*column.source].push_back(i + 1);
  }
  for (const auto& [key, value] : carried.items()) {
    if (is_layout_key(key)) continue;
    const ParameterKey parameter = parameter_key(key);
    const bool renumbered = parameter.number != 0 && (parameter.standard || parameter.number <= new_places.size());
    if (!renumbered) {
      keywords.add(key, value);
      continue;
    }
    if (parameter.standard && is_replaced_suffix(parameter.suffix)) continue;
    if (parameter.number > new_places.size()) continue;
    for (const std::size_t place : new_places[parameter.number - 1]) {
      keywords.add(fmt::format("{}P{}{}", parameter.standard ? "$" : "", place, parameter.suffix), value);
    }
  }
  return keywords;
}

/// TEXT whose $BEGINDATA and $ENDDATA are right although their digits take part in its length.
std::string settled_text(FcsKeywords& keywords, std::uint64_t data_bytes) {
  std::uint64_t begin = kHeaderBytes;
  while (true) {
    keywords.set("$BEGINDATA", fmt::format("{}", begin));
    keywords.set("$ENDDATA", fmt::format("{}", data_bytes == 0 ? begin : begin + data_bytes - 1));
    std::string text = format_fcs_text(keywords);
    if (kHeaderBytes + text.size() <= begin) {
      text.append(static_cast<std::size_t>(begin - kHeaderBytes - text.size()), ' ');
      return text;
    }
    begin = kHeaderBytes + text.size();
  }
}

std::string header_text(std::uint64_t text_end, std::uint64_t data_bytes) {
  const std::uint64_t begin = text_end + 1, end = data_bytes == 0 ? begin : begin + data_bytes - 1;
  const bool fits = end <= kLargestHeaderOffset;
  return fmt::format("FCS3.1    {:>8}{:>8}{:>8}{:>8}{:>8}{:>8}", kHeaderBytes, text_end, fits ? begin : 0,
                     fits ? end : 0, 0, 0);
}

}  // namespace

std::string fcs_range_text(double range) {
  if (!std::isfinite(range) || range < 1) return "1";
  const double whole = std::ceil(range);
  return whole < 9e18 ? fmt::format("{}", static_cast<std::uint64_t>(whole)) : std::string("9000000000000000000");
}

FcsWriter::FcsWriter(core::OutputFile& out, const FcsKeywords& carried, const std::vector<FcsColumn>& columns,
                     std::uint64_t events, const FcsWriteOptions& options)
    : out_(&out), type_(options.type), columns_(columns.size()), values_left_(events * columns.size()) {
  FcsKeywords keywords = layout_keywords(carried, columns, events, type_);
  const std::uint64_t data_bytes = values_left_ * (type_ == FcsType::kFloat ? 4 : 8);
  const std::string text = settled_text(keywords, data_bytes);
  if (kHeaderBytes + text.size() - 1 > kLargestHeaderOffset) {
    throw core::Error(core::Status::kBadInput, fmt::format("{}: keywords of {} bytes do not fit an FCS header.",
                                                           out.target().string(), text.size()));
  }
  out.write(header_text(kHeaderBytes + text.size() - 1, data_bytes));
  out.write(text);
}

void FcsWriter::write(std::span<const double> rows) {
  if (rows.size() > values_left_) throw core::Error(core::Status::kInternal, "more FCS events than announced.");
  values_left_ -= rows.size();
  if (type_ == FcsType::kDouble) {
    out_->write({reinterpret_cast<const char*>(rows.data()), rows.size_bytes()});
    return;
  }
  buffer_.resize(rows.size() * sizeof(float));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float value = static_cast<float>(rows[i]);
    std::memcpy(buffer_.data() + i * sizeof value, &value, sizeof value);
  }
  out_->write(buffer_);
}

void FcsWriter::finish() {
  if (values_left_ != 0) throw core::Error(core::Status::kInternal, "fewer FCS events than announced.");
  out_->write("00000000");  // CRC of FCS 3.0 and later: zeros mean that none was taken
}

}  // namespace immucan::io
