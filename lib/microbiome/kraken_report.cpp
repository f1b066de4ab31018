#include "microbiome/kraken_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::microbiome {

namespace {

constexpr std::string_view kRanks = "RDKPCOFGSU";

/// Reads one report; keeps what is needed to name the place of an error.
class ReportParser {
 public:
  explicit ReportParser(std::unique_ptr<io::ByteSource> source) : lines_(std::move(source)) {}

  KrakenReport run() {
    std::string_view line;
    while (lines_.next(line)) {
      if (!line.empty()) add(line);
    }
    if (report_.rows.empty() && !unclassified_)
      fail("the report is empty", "Give the file that Kraken wrote with --report");
    close(0);
    return std::move(report_);
  }

 private:
  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({lines_.name(), core::Place::line(std::max<std::uint64_t>(1, lines_.line_number())), std::move(what),
                 std::move(remedy)});
  }

  std::uint64_t number(std::string_view field, std::string_view what) const {
    const auto value = core::parse_unsigned(core::trim(field));
    // Sums of clades must not overflow.
    if (!value || *value > (std::uint64_t{1} << 62))
      fail(fmt::format("the {} '{}' is not a whole number", what, core::printable(field)),
           "Give a report of Kraken with six or eight columns");
    return *value;
  }

  void add(std::string_view line) {
    core::split(line, '\t', fields_);
    if (fields_.size() != 6 && fields_.size() != 8)
      fail(fmt::format("{} columns where six or eight are expected", fields_.size()),
           "Give the report that Kraken writes with --report, not its output per read");
    const bool kmer_columns = fields_.size() == 8;
    if (seen_.empty()) report_.kmer_columns = kmer_columns;
    if (kmer_columns != report_.kmer_columns) fail("lines of six and of eight columns are mixed", "Give one report");
    ReportRow row;
    row.clade = number(fields_[1], "number of reads of the clade");
    row.direct = number(fields_[2], "number of reads of the taxon");
    if (kmer_columns) {
      row.kmers = number(fields_[3], "number of minimizers");
      row.distinct_kmers = number(fields_[4], "number of distinct minimizers");
    }
    const std::size_t rest = kmer_columns ? 5 : 3;
    row.code = core::trim(fields_[rest]);
    row.taxid = number(fields_[rest + 1], "taxid");
    const std::string_view name = fields_[rest + 2];
    const std::size_t blanks = std::min(name.find_first_not_of(' '), name.size());
    row.name = name.substr(blanks);
    row.depth = static_cast<unsigned>(blanks / 2);
    if (!seen_.insert(row.taxid).second)
      fail(fmt::format("taxid {} appears a second time", row.taxid), "Give the report of one sample");
    if (row.code == "U" || row.taxid == 0) {
      set_unclassified(row);
    } else {
      if (blanks % 2 != 0) fail("the name is indented by an odd number of blanks", "Indent two blanks per level");
      set_code(row);
      place(std::move(row));
    }
  }

  void set_unclassified(const ReportRow& row) {
    if (unclassified_) fail("there is a second unclassified line", "Give the report of one sample");
    if (row.clade != row.direct)
      fail(fmt::format("{} reads are unclassified in one column and {} in the next", row.clade, row.direct),
           "Write the report again");
    unclassified_ = true;
    report_.unclassified = row.clade;
  }

  /// The code as given, or made from the row above.
  void set_code(ReportRow& row) const {
    const std::string& code = row.code;
    if (code.empty() || code == "-") {
      row.code = "-";
      return;
    }
    const bool digits = std::ranges::all_of(code.substr(1), [](char c) { return c >= '0' && c <= '9'; });
    if (kRanks.find(code[0]) == std::string_view::npos || !digits || code.size() > 4)
      fail(fmt::format("the rank code '{}' is not a letter of {} and a number", core::printable(code), kRanks),
           "Give the report that Kraken writes");
  }

  void place(ReportRow row) {
    if (row.depth == 0 && !report_.rows.empty())
      fail("there is a second root", "Give the report of one sample, names indented two blanks per level");
    if (row.depth > path_.size())
      fail(fmt::format("the name is {} levels below the line above", row.depth - path_.size() + 1),
           "Indent two blanks per level");
    close(row.depth);
    const std::size_t parent = path_.empty() ? 0 : path_.back();
    if (row.code == "-") {
      if (path_.empty()) {
        row.code = "R";
      } else {
        const std::string& above = report_.rows[parent].code;
        const auto distance = core::parse_int(std::string_view(above).substr(1)).value_or(0);
        row.code = above[0] + std::to_string(distance + 1);
      }
    }
    path_.push_back(report_.rows.size());
    below_.push_back(0);
    lines_of_path_.push_back(lines_.line_number());
    report_.rows.push_back(std::move(row));
    report_.parents.push_back(parent);
  }

  /// Ends clades until `depth` are open.
  void close(std::size_t depth) {
    while (path_.size() > depth) {
      const ReportRow& row = report_.rows[path_.back()];
      if (row.direct > row.clade || row.clade - row.direct != below_.back())
        core::raise({lines_.name(), core::Place::line(lines_of_path_.back()),
                     fmt::format("{} reads of '{}' are not its own {} plus {} below it", row.clade,
                                 core::printable(row.name), row.direct, below_.back()),
                     "The report is cut off or was edited; write it again"});
      path_.pop_back();
      below_.pop_back();
      lines_of_path_.pop_back();
      if (!below_.empty()) below_.back() += row.clade;
    }
  }

  io::LineReader lines_;
  KrakenReport report_;
  bool unclassified_ = false;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<std::string_view> fields_;
  std::vector<std::size_t> path_;     ///< open rows, from the root
  std::vector<std::uint64_t> below_;  ///< reads of the children so far
  std::vector<std::uint64_t> lines_of_path_;
};

}  // namespace

KrakenReport read_kraken_report(std::unique_ptr<io::ByteSource> source) {
  return ReportParser(std::move(source)).run();
}

std::string write_kraken_report(const std::vector<ReportRow>& rows, std::uint64_t total, bool kmer_columns) {
  std::string out;
  for (const ReportRow& row : rows) {
    const double percent = total == 0 ? 0 : 100.0 * static_cast<double>(row.clade) / static_cast<double>(total);
    out += fmt::format("{:6.2f}\t{}\t{}\t", percent, row.clade, row.direct);
    if (kmer_columns) out += fmt::format("{}\t{}\t", row.kmers, row.distinct_kmers);
    out += fmt::format("{}\t{}\t{:{}}{}\n", row.code, row.taxid, "", 2 * row.depth, row.name);
  }
  return out;
}

}  // namespace immucan::microbiome
