#include "io/fcs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "io/fcs_bytes.h"

namespace immucan::io {
namespace {

constexpr std::uint64_t kHeaderBytes = 58;
constexpr std::uint64_t kMaximumText = std::uint64_t{1} << 28;
constexpr std::size_t kMaximumDatasets = 1024;
constexpr std::string_view kExportAgain = "Export the file again from the acquisition software";
constexpr std::string_view kCopyAgain = "Copy the file again, it is not complete";

/// First and last byte as FCS gives them; both 0 = not given.
struct Segment {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] bool given() const { return begin != 0; }
  bool operator==(const Segment&) const = default;
};

struct Header {
  std::string version;
  Segment text, data;
};

/// Reads one data set whose HEADER begins at `base`.
class DatasetParser {
 public:
  DatasetParser(FcsBytes& bytes, std::uint64_t base, const FcsOptions& options)
      : bytes_(bytes), base_(base), options_(options) {}

  FcsDataset parse() {
    const Header header = read_header();
    set_.version = header.version;
    read_text(header);
    read_layout();
    read_parameters();
    locate_events(header.data);
    return std::move(set_);
  }

  [[nodiscard]] std::uint64_t next_dataset() const { return next_; }

 private:
  [[noreturn]] void fail(std::uint64_t offset, std::string what, std::string_view remedy = kExportAgain) const {
    core::raise({bytes_.name(), core::Place::byte(base_ + offset), std::move(what), std::string(remedy)});
  }
  [[noreturn]] void fail_key(std::string_view key, std::string_view problem) const {
    const auto value = set_.keywords.find(key);
    fail(text_begin_, value ? fmt::format("{} {} ('{}')", key, problem, core::printable(*value, 40))
                            : fmt::format("{} is missing", key));
  }
  [[nodiscard]] std::uint64_t available() const { return bytes_.size() - base_; }

  std::string read(std::uint64_t begin, std::uint64_t size) {
    std::string text(static_cast<std::size_t>(size), '\0');
    bytes_.read_at(base_ + begin, text);
    return text;
  }

  /// A HEADER field: eight characters, blank = 0.
  std::uint64_t offset_field(std::string_view header, std::size_t at, std::string_view what) const {
    const std::string_view field = core::trim(header.substr(at, 8));
    if (field.empty()) return 0;
    const auto value = core::parse_unsigned(field);
    if (!value) fail(at, fmt::format("the {} offset is not a number ('{}')", what, core::printable(field)));
    return *value;
  }

  Header read_header() {
    if (available() < kHeaderBytes) {
      fail(0, fmt::format("an FCS header has {} bytes, {} are left", kHeaderBytes, available()), kCopyAgain);
    }
    const std::string text = read(0, kHeaderBytes);
    Header header;
    header.version = text.substr(0, 6);
    constexpr std::array<std::string_view, 4> kVersions{"FCS2.0", "FCS3.0", "FCS3.1", "FCS3.2"};
    if (std::ranges::find(kVersions, header.version) == kVersions.end()) {
      fail(0,
           header.version.starts_with("FCS")
               ? fmt::format("version '{}' is not read", core::printable(header.version))
               : fmt::format("no FCS file: it begins with '{}'", core::printable(header.version)),
           "Give an FCS 2.0, 3.0, 3.1 or 3.2 file");
    }
    header.text = {offset_field(text, 10, "TEXT begin"), offset_field(text, 18, "TEXT end")};
    header.data = {offset_field(text, 26, "DATA begin"), offset_field(text, 34, "DATA end")};
    if (header.text.begin < kHeaderBytes || header.text.end < header.text.begin) {
      fail(10, fmt::format("TEXT cannot lie at bytes {} to {}", header.text.begin, header.text.end));
    }
    return header;
  }

  std::string read_segment(const Segment& segment, std::string_view what) {
    if (segment.end >= available()) {
      fail(segment.begin, fmt::format("{} ends at byte {}, the file has {}", what, segment.end, available()),
           kCopyAgain);
    }
    const std::uint64_t size = segment.end - segment.begin + 1;
    if (size > kMaximumText) fail(segment.begin, fmt::format("{} of {} bytes", what, size));
    return read(segment.begin, size);
  }

  FcsKeywords parse_text(std::string_view text, std::uint64_t offset) const {
    auto keywords = parse_fcs_text(text, bytes_.name(), base_ + offset);
    if (!keywords) core::raise(keywords.error());
    return *std::move(keywords);
  }

  void read_text(const Header& header) {
    Segment segment = header.text;
    // Some writers give the end of TEXT as the first byte of DATA.
    if (header.data.begin > segment.begin && segment.end == header.data.begin) --segment.end;
    text_begin_ = segment.begin;
    const std::string text = read_segment(segment, "TEXT");
    set_.keywords = parse_text(text, segment.begin);
    read_supplement(segment, text.front());
    if (const auto next = set_.keywords.find("$NEXTDATA")) next_ = number("$NEXTDATA", *next);
  }

  void read_supplement(const Segment& primary, char delimiter) {
    const Segment segment{optional_offset("$BEGINSTEXT"), optional_offset("$ENDSTEXT")};
    if (!segment.given() || segment.end <= segment.begin || segment.begin == primary.begin) return;
    const std::string text = read_segment(segment, "the supplemental TEXT");
    if (text.front() != delimiter) {
      set_.warnings.push_back("the supplemental TEXT does not begin with the delimiter and is left out");
      return;
    }
    const FcsKeywords supplement = parse_text(text, segment.begin);
    for (const auto& [key, value] : supplement.items()) {
      if (!set_.keywords.find(key)) set_.keywords.add(key, value);
    }
  }

  std::uint64_t number(std::string_view key, std::string_view text) const {
    const auto value = core::parse_unsigned(core::trim(text));
    if (!value) fail_key(key, "is not a whole number");
    return *value;
  }
  std::uint64_t required_number(std::string_view key) const {
    const auto text = set_.keywords.find(key);
    if (!text) fail_key(key, "");
    return number(key, *text);
  }
  std::uint64_t optional_offset(std::string_view key) const {
    const auto text = set_.keywords.find(key);
    return !text || core::trim(*text).empty() ? 0 : number(key, *text);
  }
  char letter(std::string_view key, std::string_view allowed, std::optional<char> absent = std::nullopt) const {
    const auto text = set_.keywords.find(key);
    if (!text && absent) return *absent;
    if (!text) fail_key(key, "");
    const std::string_view value = core::trim(*text);
    if (value.size() != 1 || allowed.find(value.front()) == std::string_view::npos) {
      fail_key(key, fmt::format("is none of {}", allowed));
    }
    return value.front();
  }

  void read_layout() {
    letter("$MODE", "L", 'L');
    datatype_ = static_cast<FcsType>(letter("$DATATYPE", "IFDA"));
    const auto order = set_.keywords.find("$BYTEORD");
    if (!order) {
      if (datatype_ == FcsType::kAscii) return;
      fail_key("$BYTEORD", "");
    }
    const auto fields = core::split(core::trim(*order), ',');
    set_.byte_order_size = fields.size();
    if (fields.size() > set_.byte_order.size()) fail_key("$BYTEORD", "lists more than 8 bytes");
    std::uint32_t seen = 0;
    bool ascending = true, descending = true;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto digit = core::parse_unsigned(core::trim(fields[i]));
      if (!digit || *digit < 1 || *digit > fields.size()) fail_key("$BYTEORD", "is no order of bytes");
      const auto significance = static_cast<std::uint8_t>(*digit - 1);
      seen |= 1U << significance;
      set_.byte_order[i] = significance;
      ascending = ascending && significance == i;
      descending = descending && significance == fields.size() - 1 - i;
    }
    if (seen != (1U << fields.size()) - 1) fail_key("$BYTEORD", "is no order of bytes");
    set_.big_endian = descending && !ascending;
    set_.mixed_endian = !ascending && !descending;
  }

  void read_parameters() {
    const std::uint64_t count = required_number("$PAR");
    if (count == 0) fail_key("$PAR", "must be at least 1");
    for (std::uint64_t i = 1; i <= count; ++i) set_.parameters.push_back(read_parameter(i));
    const auto is_free = [](const FcsParameter& p) { return p.type == FcsType::kAscii && p.bytes == 0; };
    if (std::ranges::any_of(set_.parameters, is_free) && !std::ranges::all_of(set_.parameters, is_free)) {
      fail(text_begin_, "some $PnB are '*' and others are not");
    }
  }

  FcsParameter read_parameter(std::uint64_t i) const {
    const auto key = [i](char suffix) { return fmt::format("$P{}{}", i, suffix); };
    FcsParameter parameter;
    parameter.name = std::string(set_.keywords.find(key('N')).value_or(fmt::format("P{}", i)));
    parameter.marker = std::string(set_.keywords.find(key('S')).value_or(""));
    parameter.range = std::string(core::trim(set_.keywords.find(key('R')).value_or("")));
    parameter.type = static_cast<FcsType>(letter(fmt::format("$P{}DATATYPE", i), "IFDA", static_cast<char>(datatype_)));
    parameter.bytes = width(key('B'), parameter.type);
    if (set_.mixed_endian && parameter.type != FcsType::kAscii && parameter.bytes != set_.byte_order_size) {
      fail_key(key('B'), "does not fit the mixed $BYTEORD");
    }
    parameter.mask = integer_mask(parameter);
    return parameter;
  }

  std::uint32_t width(const std::string& key, FcsType type) const {
    const auto text = set_.keywords.find(key);
    if (!text) fail_key(key, "");
    if (type == FcsType::kAscii && core::trim(*text) == "*") return 0;
    const std::uint64_t bits = number(key, *text);
    if (type == FcsType::kAscii) {
      if (bits == 0 || bits > 64) fail_key(key, "is no number of characters from 1 to 64");
      return static_cast<std::uint32_t>(bits);
    }
    if (type == FcsType::kFloat && bits != 32) fail_key(key, "must be 32 for $DATATYPE F");
    if (type == FcsType::kDouble && bits != 64) fail_key(key, "must be 64 for $DATATYPE D");
    if (bits == 0 || bits > 64 || bits % 8 != 0) fail_key(key, "is none of 8, 16, 24, 32, 40, 48, 56, 64");
    return static_cast<std::uint32_t>(bits / 8);
  }

  static std::uint64_t integer_mask(const FcsParameter& parameter) {
    constexpr std::uint64_t kAll = ~std::uint64_t{0};
    const auto range = core::parse_unsigned(parameter.range);
    if (parameter.type != FcsType::kInteger || !range || *range == 0) return kAll;
    std::uint64_t mask = *range - 1;  // smallest 2^k - 1 that holds range - 1
    for (unsigned shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    return mask == 0 ? kAll : mask;
  }

  [[nodiscard]] bool free_format() const { return set_.parameters.front().bytes == 0; }

  /// Length in bytes that $TOT and $PnB ask for; nullopt when $TOT is absent or the format is free.
  std::optional<std::uint64_t> expected_length(std::uint64_t event_bytes, std::optional<std::uint64_t> total) const {
    if (!total || free_format()) return std::nullopt;
    std::uint64_t length = 0;
    if (__builtin_mul_overflow(*total, event_bytes, &length)) fail_key("$TOT", "is too large");
    return length;
  }

  void locate_events(const Segment& in_header) {
    std::uint64_t event_bytes = 0;
    for (const FcsParameter& parameter : set_.parameters) event_bytes += parameter.bytes;
    std::optional<std::uint64_t> total;
    if (set_.keywords.find("$TOT")) total = required_number("$TOT");
    if (free_format() && !total) fail_key("$TOT", "");
    if (total == 0U) return;
    const auto expected = expected_length(event_bytes, total);
    const Segment data = choose(in_header, {optional_offset("$BEGINDATA"), optional_offset("$ENDDATA")}, expected);
    if (data.end < data.begin) {
      fail(text_begin_, fmt::format("DATA cannot lie at bytes {} to {}", data.begin, data.end));
    }
    const std::uint64_t length = data.end - data.begin + 1;
    set_.data_begin = base_ + data.begin;
    if (!expected) {
      check_inside(data.begin, length);
      set_.data_end = set_.data_begin + length;
      set_.events = total ? *total : length / event_bytes;
      // A value and its separator take two characters, the last value one.
      if (free_format() && *total > (length + 1) / 2) fail_key("$TOT", "is more than DATA can hold");
      return;
    }
    set_.events = *total;
    if (length + 1 < *expected) {
      fail(data.begin, fmt::format("$TOT asks for {} events ({} bytes), DATA has {} bytes", *total, *expected, length),
           kCopyAgain);
    }
    if (length != *expected) {
      set_.warnings.push_back(fmt::format("DATA has {} bytes, {} events take {}", length, *total, *expected));
    }
    check_inside(data.begin, *expected);
    set_.data_end = set_.data_begin + *expected;
  }

  void check_inside(std::uint64_t begin, std::uint64_t length) const {
    if (begin > available() || length > available() - begin) {
      fail(begin,
           fmt::format("DATA takes {} bytes, the file has {} more", length,
                       begin > available() ? 0 : available() - begin),
           kCopyAgain);
    }
  }

  Segment choose(Segment header, const Segment& text, const std::optional<std::uint64_t>& expected) {
    if (header.begin == 99999999 || header.end == 99999999)
      header = {};  // "too large for eight digits" of some writers
    if (!header.given() && !text.given()) fail(26, "neither HEADER nor TEXT says where DATA is");
    if (!header.given()) return text;
    if (!text.given() || header == text) return header;
    if (options_.offsets == FcsOffsets::kHeader) return header;
    if (options_.offsets == FcsOffsets::kText) return text;
    const auto fits = [&](const Segment& s) {
      if (!expected || s.end < s.begin) return false;
      const std::uint64_t length = s.end - s.begin + 1;
      return length + 1 >= *expected && length <= *expected + 1 && s.begin <= available() &&
             *expected <= available() - s.begin;
    };
    const bool header_fits = fits(header), text_fits = fits(text);
    if (header_fits && text_fits && header.begin == text.begin) return header;
    if (header_fits == text_fits) {
      fail(26,
           fmt::format("HEADER says that DATA is at bytes {} to {}, TEXT says {} to {}", header.begin, header.end,
                       text.begin, text.end),
           "Choose one with --offsets header or --offsets text");
    }
    set_.warnings.push_back(fmt::format("HEADER ({} to {}) and TEXT ({} to {}) disagree on DATA; {} agrees with $TOT",
                                        header.begin, header.end, text.begin, text.end,
                                        header_fits ? "HEADER" : "TEXT"));
    return header_fits ? header : text;
  }

  FcsBytes& bytes_;
  std::uint64_t base_;
  FcsOptions options_;
  FcsDataset set_;
  FcsType datatype_ = FcsType::kFloat;
  std::uint64_t text_begin_ = 0;
  std::uint64_t next_ = 0;
};

std::vector<FcsDataset> parse_datasets(FcsBytes& bytes, const FcsOptions& options) {
  std::vector<FcsDataset> sets;
  std::uint64_t base = 0;
  while (true) {
    DatasetParser parser(bytes, base, options);
    sets.push_back(parser.parse());
    sets.back().index = sets.size() - 1;
    const std::uint64_t next = parser.next_dataset();
    if (next == 0) return sets;
    if (next >= bytes.size() - base) {
      core::raise({bytes.name(), core::Place::byte(base),
                   fmt::format("$NEXTDATA ({}) lies behind the end of the file", next), std::string(kCopyAgain)});
    }
    if (sets.size() == kMaximumDatasets) {
      core::raise({bytes.name(), core::Place::byte(base), fmt::format("more than {} data sets", kMaximumDatasets),
                   "Split the file"});
    }
    base += next;
  }
}

}  // namespace

std::optional<FcsOffsets> parse_fcs_offsets(std::string_view text) {
  if (text == "auto") return FcsOffsets::kAuto;
  if (text == "header") return FcsOffsets::kHeader;
  if (text == "text") return FcsOffsets::kText;
  return std::nullopt;
}

FcsFile::FcsFile(const std::filesystem::path& path, const FcsOptions& options, core::RunContext& context)
    : bytes_(open_fcs_file(path, context)), datasets_(parse_datasets(*bytes_, options)) {}
FcsFile::FcsFile(std::string_view bytes, std::string name, const FcsOptions& options)
    : bytes_(open_fcs_memory(bytes, std::move(name))), datasets_(parse_datasets(*bytes_, options)) {}
FcsFile::~FcsFile() = default;
FcsFile::FcsFile(FcsFile&&) noexcept = default;
FcsFile& FcsFile::operator=(FcsFile&&) noexcept = default;

const std::string& FcsFile::name() const {
  return bytes_->name();
}

const FcsDataset& FcsFile::single() const {
  if (datasets_.size() != 1) {
    core::raise({name(), core::Place::none(),
                 fmt::format("the file holds {} data sets, one is expected", datasets_.size()), "Split it first"});
  }
  return datasets_.front();
}

void FcsFile::finish() {
  bytes_->finish();
}

}  // namespace immucan::io
