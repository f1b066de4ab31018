#include "microbiome/cami_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/text.h"

namespace immucan::microbiome {

namespace {

std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out;
  for (const auto piece : core::split(text, '|')) out.emplace_back(core::trim(piece));
  return out;
}

class CamiParser {
 public:
  explicit CamiParser(std::unique_ptr<io::ByteSource> source) : lines_(std::move(source)) {}

  std::vector<CamiSample> run() {
    std::string_view line;
    while (lines_.next(line)) {
      if (lines_.line_number() == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
      if (core::trim(line).empty() || line.starts_with('#')) continue;
      if (line.starts_with("@@"))
        columns(line.substr(2));
      else if (line.starts_with('@'))
        metadata(line.substr(1));
      else
        row(line);
    }
    if (samples_.empty()) fail("there is no profile", "It begins with @SampleID");
    if (!in_rows_) fail("the line of columns is missing", "It begins with @@TAXID");
    return std::move(samples_);
  }

 private:
  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({lines_.name(), core::Place::line(std::max<std::uint64_t>(1, lines_.line_number())), std::move(what),
                 std::move(remedy)});
  }

  void metadata(std::string_view line) {
    if (samples_.empty() || in_rows_) {
      if (!samples_.empty() && !taxid_) fail("the line of columns is missing", "It begins with @@TAXID");
      samples_.emplace_back();
      in_rows_ = false;
      taxid_.reset();
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      fail(fmt::format("'@{}' is not '@key:value'", core::printable(line, 40)), "Write metadata as @key:value");
    std::string key(line.substr(0, colon));
    std::ranges::transform(key, key.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    const auto value = core::trim(line.substr(colon + 1));
    CamiSample& sample = samples_.back();
    if (key == "SAMPLEID") sample.sample_id = value;
    if (key == "VERSION") sample.version = value;
    if (key == "RANKS") sample.ranks = pieces(value);
  }

  void columns(std::string_view line) {
    if (samples_.empty() || in_rows_)
      fail("the line of columns has no metadata before it", "Begin each sample with @SampleID, @Version and @Ranks");
    const CamiSample& sample = samples_.back();
    const char* missing = sample.sample_id.empty() ? "@SampleID"
                          : sample.version.empty() ? "@Version"
                          : sample.ranks.empty()   ? "@Ranks"
                                                   : nullptr;
    if (missing != nullptr)
      fail(fmt::format("{} is missing", missing), "Begin each sample with @SampleID, @Version and @Ranks");
    const auto names = core::split(line, '\t');
    const auto find = [&](std::string_view name) -> std::optional<std::size_t> {
      const auto found = std::ranges::find(names, name);
      if (found == names.end()) return std::nullopt;
      return static_cast<std::size_t>(found - names.begin());
    };
    taxid_ = find("TAXID");
    rank_ = find("RANK");
    path_ = find("TAXPATH");
    names_ = find("TAXPATHSN");
    percentage_ = find("PERCENTAGE");
    if (!taxid_ || !rank_ || !path_ || !percentage_)
      fail("a column of TAXID, RANK, TAXPATH and PERCENTAGE is missing", "Write @@TAXID, RANK, TAXPATH, PERCENTAGE");
    in_rows_ = true;
  }

  void row(std::string_view line) {
    if (!in_rows_) fail("a line of data before the line of columns", "It begins with @@TAXID");
    core::split(line, '\t', fields_);
    const auto field = [&](std::size_t column) {
      if (column >= fields_.size())
        fail(fmt::format("{} fields where {} are needed", fields_.size(), column + 1), "Separate fields by tabs");
      return core::trim(fields_[column]);
    };
    CamiRow row;
    row.taxid = field(*taxid_);
    row.rank = field(*rank_);
    row.path = pieces(field(*path_));
    if (names_) row.names = pieces(field(*names_));
    if (row.taxid.empty()) fail("the TAXID is missing", "Give every row a taxid");
    const auto percentage = core::parse_double(field(*percentage_));
    constexpr double kMost = 100.5;
    if (!percentage || !(*percentage >= 0 && *percentage <= kMost))
      fail(fmt::format("the percentage '{}' is not a number from 0 to 100", core::printable(field(*percentage_))),
           "Give the abundance in per cent");
    row.percentage = *percentage;
    samples_.back().rows.push_back(std::move(row));
  }

  io::LineReader lines_;
  std::vector<CamiSample> samples_;
  bool in_rows_ = false;
  std::optional<std::size_t> taxid_, rank_, path_, names_, percentage_;
  std::vector<std::string_view> fields_;
};

}  // namespace

std::vector<CamiSample> read_cami_profiles(std::unique_ptr<io::ByteSource> source) {
  return CamiParser(std::move(source)).run();
}

}  // namespace immucan::microbiome
