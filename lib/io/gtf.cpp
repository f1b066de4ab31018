#include "io/gtf.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

constexpr std::size_t kColumns = 9;
constexpr std::uint64_t kLargestCoordinate = std::uint64_t{1} << 40;
constexpr const char* kRowRemedy = "Rows of GTF and GFF3 have nine columns separated by tabs";

std::string quoted(std::string_view text) {
  return "'" + core::printable(text, 40) + "'";
}

/// GFF3 writes key=value, GTF key "value": whichever of '=' and blank or quote comes first decides.
AnnotationFormat guess(std::string_view attributes) {
  const std::size_t at = attributes.find_first_of("= \"");
  return at != std::string_view::npos && attributes[at] == '=' ? AnnotationFormat::kGff3 : AnnotationFormat::kGtf;
}

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<std::string_view> GtfRow::attribute(std::string_view key) const {
  const auto found = std::ranges::find(attributes, key, &Attribute::key);
  return found == attributes.end() ? std::nullopt : std::optional(found->value);
}

GtfReader::GtfReader(std::unique_ptr<ByteSource> source) : lines_(std::move(source)) {}

void GtfReader::fail(std::string what, std::string remedy) const {
  core::raise(core::ParseError{file(), core::Place::line(lines_.line_number()), std::move(what), std::move(remedy)});
}

void GtfReader::fail_at(const char* at, std::string what, std::string remedy) const {
  const auto column = static_cast<std::uint64_t>(at - line_.data()) + 1;
  core::raise(
      core::ParseError{file(), core::Place::line(lines_.line_number(), column), std::move(what), std::move(remedy)});
}

bool GtfReader::next(GtfRow& row) {
  while (!finished_ && lines_.next(line_)) {
    if (line_.starts_with("##FASTA")) {
      finished_ = true;
      break;
    }
    if (line_.starts_with('#') || core::trim(line_).empty()) continue;
    parse_row(row);
    return true;
  }
  finished_ = true;
  if (!decided_) {
    core::raise(core::ParseError{file(), core::Place::none(), "the file holds no annotation row", kRowRemedy});
  }
  return false;
}

std::uint64_t GtfReader::coordinate(std::string_view field) const {
  const auto value = core::parse_unsigned(field);
  if (!value || *value == 0 || *value > kLargestCoordinate) {
    fail_at(field.data(), fmt::format("{} is no coordinate", quoted(field)), "Coordinates are whole numbers from 1");
  }
  return *value;
}

void GtfReader::parse_row(GtfRow& row) {
  core::split(line_, '\t', fields_);
  if (fields_.size() != kColumns) fail(fmt::format("the row has {} columns", fields_.size()), kRowRemedy);
  row.line = lines_.line_number();
  row.sequence = fields_[0];
  row.source = fields_[1];
  row.feature = fields_[2];
  if (row.sequence.empty()) fail_at(fields_[0].data(), "the name of the sequence is empty", kRowRemedy);
  if (row.feature.empty()) fail_at(fields_[2].data(), "the feature type is empty", kRowRemedy);
  row.start = coordinate(fields_[3]);
  row.end = coordinate(fields_[4]);
  if (row.end < row.start) {
    fail_at(fields_[4].data(), fmt::format("the end {} lies before the start {}", row.end, row.start),
            "Coordinates are written smaller first, on either strand");
  }
  row.score.reset();
  if (fields_[5] != ".") {
    row.score = core::parse_double(fields_[5]);
    if (!row.score)
      fail_at(fields_[5].data(), fmt::format("{} is no score", quoted(fields_[5])), "Write a number or '.'");
  }
  const std::string_view strand = fields_[6];
  if (strand.size() != 1 || std::string_view("+-.?").find(strand[0]) == std::string_view::npos) {
    fail_at(strand.data(), fmt::format("{} is no strand", quoted(strand)), "Write '+', '-', '.' or '?'");
  }
  row.strand = strand[0];
  row.phase.reset();
  if (fields_[7] != ".") {
    if (fields_[7].size() != 1 || fields_[7][0] < '0' || fields_[7][0] > '2') {
      fail_at(fields_[7].data(), fmt::format("{} is no phase", quoted(fields_[7])), "Write 0, 1, 2 or '.'");
    }
    row.phase = fields_[7][0] - '0';
  }
  row.attributes.clear();
  const std::string_view attributes = fields_[8];
  if (!decided_) {
    decided_ = true;
    format_ = guess(attributes);
  }
  if (attributes == ".") return;
  if (format_ == AnnotationFormat::kGtf) {
    parse_gtf_attributes(attributes, row.attributes);
  } else {
    parse_gff3_attributes(attributes, row.attributes);
  }
}

/// key "value"; key value; … — a quoted value may hold ';'.
void GtfReader::parse_gtf_attributes(std::string_view text, std::vector<Attribute>& attributes) const {
  constexpr const char* kRemedy = "Attributes of GTF are written key \"value\";";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" ;"), text.size()));
    if (text.empty()) return;
    const std::size_t key_end = text.find_first_of(" ;\"");
    if (key_end == std::string_view::npos || key_end == 0 || text[key_end] != ' ') {
      fail_at(text.data(), fmt::format("the attribute {} has no value", quoted(text.substr(0, text.find(';')))),
              kRemedy);
    }
    Attribute attribute;
    attribute.key = text.substr(0, key_end);
    text.remove_prefix(std::min(text.find_first_not_of(' ', key_end), text.size()));
    if (text.starts_with('"')) {
      const std::size_t quote = text.find('"', 1);
      if (quote == std::string_view::npos) fail_at(text.data(), "the quote of an attribute is not closed", kRemedy);
      attribute.value = text.substr(1, quote - 1);
      text.remove_prefix(quote + 1);
    } else {
      const std::size_t end = std::min(text.find(';'), text.size());
      attribute.value = core::trim(text.substr(0, end));
      if (attribute.value.empty()) {
        fail_at(text.data(), fmt::format("the attribute {} has no value", quoted(attribute.key)), kRemedy);
      }
      text.remove_prefix(end);
    }
    attributes.push_back(attribute);
  }
}

/// key=value;key=value, percent-encoded.
void GtfReader::parse_gff3_attributes(std::string_view text, std::vector<Attribute>& attributes) {
  decoded_.clear();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = core::trim(text.substr(0, end));
    if (!part.empty()) {
      const std::size_t equals = part.find('=');
      if (equals == std::string_view::npos || equals == 0) {
        fail_at(part.data(), fmt::format("the attribute {} is not of the form key=value", quoted(part)),
                "Attributes of GFF3 are written key=value, separated by ';'");
      }
      attributes.push_back({decoded(part.substr(0, equals)), decoded(part.substr(equals + 1))});
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view GtfReader::decoded(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return text;
  std::string& out = decoded_.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hexadecimal(text[i + 1]) : -1;
    const int low = high >= 0 ? hexadecimal(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);  // a lone '%' stands for itself
    }
  }
  return out;
}

}  // namespace immucan::io
