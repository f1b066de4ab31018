#include "scrna/feature_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::scrna {

namespace {

constexpr std::array<std::string_view, 6> kColumns = {"id", "name", "read", "pattern", "sequence", "feature_type"};
constexpr std::size_t kLongestSequence = 31;
constexpr std::size_t kLongestText = 1000;

/// Fields of a CSV line; quotes may hold commas and doubled quotes. nullopt when a quote is not closed.
std::optional<std::vector<std::string>> split_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back().push_back('"');
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  if (quoted) return std::nullopt;
  for (std::string& field : fields) field = std::string(core::trim(field));
  return fields;
}

bool only(std::string_view text, std::string_view letters) {
  return text.find_first_not_of(letters) == std::string_view::npos;
}

std::optional<FeaturePattern> try_pattern(std::string_view text) {
  FeaturePattern pattern;
  for (const std::string_view mark : {"5P", "^"}) {
    if (!pattern.at_begin && text.starts_with(mark)) {
      pattern.at_begin = true;
      text.remove_prefix(mark.size());
    }
  }
  for (const std::string_view mark : {"3P", "$"}) {
    if (!pattern.at_end && text.ends_with(mark)) {
      pattern.at_end = true;
      text.remove_suffix(mark.size());
    }
  }
  const std::size_t at = text.find("(BC)");
  if (at == std::string_view::npos) return std::nullopt;
  pattern.before = text.substr(0, at);
  pattern.after = text.substr(at + 4);
  if (!only(pattern.before, "ACGTN") || !only(pattern.after, "ACGTN")) return std::nullopt;
  return pattern;
}

class ReferenceReader {
 public:
  explicit ReferenceReader(std::unique_ptr<io::ByteSource> source) : lines_(std::move(source)) {}

  std::vector<FeatureBarcode> read() {
    read_header();
    std::vector<FeatureBarcode> features;
    std::string_view line;
    while (lines_.next(line)) {
      if (core::trim(line).empty()) continue;
      features.push_back(feature(fields_of(line)));
    }
    if (features.empty()) fail("holds no feature", "Give a line per feature below the header");
    return features;
  }

 private:
  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({lines_.name(), core::Place::line(lines_.line_number()), std::move(what), std::move(remedy)});
  }

  [[nodiscard]] std::vector<std::string> fields_of(std::string_view line) const {
    auto fields = split_csv(line);
    if (!fields) fail("a quote is not closed", "Write fields with commas in quotes");
    return std::move(*fields);
  }

  void read_header() {
    std::string_view line;
    if (!lines_.next(line)) fail("is empty", "Give a feature reference CSV");
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    const auto header = fields_of(line);
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
      const auto found = std::ranges::find(header, kColumns[i]);
      if (found == header.end()) {
        fail(fmt::format("no column \"{}\"", kColumns[i]),
             "A feature reference has the columns id,name,read,pattern,sequence,feature_type");
      }
      columns_[i] = static_cast<std::size_t>(found - header.begin());
    }
    width_ = header.size();
  }

  FeatureBarcode feature(const std::vector<std::string>& fields) {
    if (fields.size() != width_)
      fail(fmt::format("{} fields where the header has {}", fields.size(), width_), "Give every row the same fields");
    const auto field = [&](std::size_t i) -> const std::string& { return fields[columns_[i]]; };
    FeatureBarcode out{field(0), field(1), 1, field(3), field(4), field(5)};
    for (const std::string* text : {&out.id, &out.name, &out.pattern, &out.type}) {
      if (text->empty() || text->size() > kLongestText || text->find_first_of("\t\n\r") != std::string::npos)
        fail(fmt::format("\"{}\" is empty, too long or holds a tab", core::printable(*text)),
             "Give id, name, pattern and type as short texts");
    }
    if (!ids_.insert(out.id).second)
      fail(fmt::format("feature id {} appears twice", core::printable(out.id)), "Give each feature an id of its own");
    if (field(2) != "R1" && field(2) != "R2")
      fail(fmt::format("\"{}\" is no read", core::printable(field(2))), "Write R1 or R2");
    out.read = field(2) == "R1" ? 0 : 1;
    if (!try_pattern(out.pattern)) {
      fail(fmt::format("\"{}\" is no pattern", core::printable(out.pattern)),
           "Write (BC) with bases A, C, G, T, N around it, 5P before or 3P behind them");
    }
    if (out.sequence.empty() || out.sequence.size() > kLongestSequence || !only(out.sequence, "ACGT")) {
      fail(fmt::format("\"{}\" is no sequence", core::printable(out.sequence)), "Write 1 to 31 bases A, C, G, T");
    }
    if (out.type == "Gene Expression")
      fail("the feature type \"Gene Expression\" belongs to genes", "Write Antibody Capture, CRISPR Guide Capture …");
    const auto [twin, fresh] = sequences_.try_emplace({out.read, out.pattern, out.sequence}, out.id);
    if (!fresh) {
      fail(fmt::format("{} and {} have the same read, pattern and sequence", core::printable(twin->second),
                       core::printable(out.id)),
           "Give each feature a sequence of its own");
    }
    return out;
  }

  io::LineReader lines_;
  std::array<std::size_t, kColumns.size()> columns_{};
  std::size_t width_ = 0;
  std::set<std::string> ids_;
  std::map<std::tuple<std::uint32_t, std::string, std::string>, std::string> sequences_;
};

}  // namespace

std::vector<FeatureBarcode> read_feature_reference(std::unique_ptr<io::ByteSource> source) {
  return ReferenceReader(std::move(source)).read();
}

FeaturePattern parse_pattern(std::string_view text) {
  return try_pattern(text).value();
}

std::string to_lines(const std::vector<FeatureBarcode>& features) {
  std::string out;
  for (const FeatureBarcode& feature : features) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", feature.id, feature.name, feature.read, feature.pattern,
                       feature.sequence, feature.type);
  }
  return out;
}

std::vector<FeatureBarcode> from_lines(std::string_view lines, const std::string& file) {
  std::vector<FeatureBarcode> features;
  std::vector<std::string_view> fields;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    core::split(lines.substr(0, end), '\t', fields);
    if (fields.size() != 6 || (fields[2] != "0" && fields[2] != "1") || !try_pattern(fields[3]) || fields[4].empty() ||
        fields[4].size() > kLongestSequence || !only(fields[4], "ACGT")) {
      core::raise({file, core::Place::none(), "the features of the index are damaged", "Build the index again"});
    }
    features.push_back({std::string(fields[0]), std::string(fields[1]), fields[2] == "1" ? 1U : 0U,
                        std::string(fields[3]), std::string(fields[4]), std::string(fields[5])});
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return features;
}

}  // namespace immucan::scrna
