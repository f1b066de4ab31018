#include "io/matrix_market.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "io/bgzf_writer.h"

namespace immucan::io {

namespace {

constexpr const char* kBanner = "%%MatrixMarket matrix coordinate integer general";
constexpr std::uint64_t kMaximalDimension = std::numeric_limits<std::int32_t>::max();

struct Entry {
  std::int32_t row, column;
  float value;
};

class Parser {
 public:
  explicit Parser(std::unique_ptr<ByteSource> source) : lines_(std::move(source)) {}

  CsrMatrix parse() {
    read_banner();
    read_size();
    read_entries();
    return compress();
  }

 private:
  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({lines_.name(), core::Place::line(std::max<std::uint64_t>(1, lines_.line_number())), std::move(what),
                 std::move(remedy)});
  }

  void read_banner() {
    std::string_view line;
    if (!lines_.next(line)) fail("the file is empty", fmt::format("A Matrix Market file begins with \"{}\"", kBanner));
    std::vector<std::string_view> words;
    words_of(line, words);
    std::vector<std::string> lower;
    for (const std::string_view word : words) {
      lower.emplace_back(word);
      for (char& c : lower.back()) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    if (lower.size() != 5 || lower[0] != "%%matrixmarket" || lower[1] != "matrix") {
      fail(fmt::format("not a Matrix Market banner (\"{}\")", core::printable(line)),
           fmt::format("The first line is \"{}\"", kBanner));
    }
    if (lower[2] != "coordinate") {
      fail(fmt::format("format \"{}\" is not read", core::printable(words[2])), "Write the matrix in coordinate form");
    }
    if (lower[3] != "integer" && lower[3] != "real" && lower[3] != "pattern") {
      fail(fmt::format("field \"{}\" is not read", core::printable(words[3])), "Use integer, real or pattern values");
    }
    if (lower[4] != "general" && lower[4] != "symmetric") {
      fail(fmt::format("symmetry \"{}\" is not read", core::printable(words[4])), "Use general or symmetric");
    }
    integers_ = lower[3] == "integer";
    pattern_ = lower[3] == "pattern";
    symmetric_ = lower[4] == "symmetric";
  }

  static void words_of(std::string_view line, std::vector<std::string_view>& words) {
    words.clear();
    std::size_t at = 0;
    while (at < line.size()) {
      const std::size_t begin = line.find_first_not_of(" \t", at);
      if (begin == std::string_view::npos) return;
      at = std::min(line.find_first_of(" \t", begin), line.size());
      words.push_back(line.substr(begin, at - begin));
    }
  }

  /// Next line that is neither a comment nor blank.
  bool next(std::vector<std::string_view>& words) {
    std::string_view line;
    while (lines_.next(line)) {
      if (line.starts_with('%')) continue;
      words_of(line, words);
      if (!words.empty()) return true;
    }
    return false;
  }

  std::uint64_t dimension(std::string_view word, const char* what) const {
    const auto value = core::parse_unsigned(word);
    if (!value || *value > kMaximalDimension) {
      fail(fmt::format("number of {} is not an integer up to {} (\"{}\")", what, kMaximalDimension,
                       core::printable(word)),
           "The size line is \"ROWS COLUMNS ENTRIES\"");
    }
    return *value;
  }

  void read_size() {
    std::vector<std::string_view> words;
    if (!next(words)) fail("the size line is missing", "The file seems truncated: copy it again");
    if (words.size() != 3) {
      fail(fmt::format("the size line has {} fields instead of 3", words.size()), "It is \"ROWS COLUMNS ENTRIES\"");
    }
    rows_ = dimension(words[0], "rows");
    columns_ = dimension(words[1], "columns");
    const auto entries = core::parse_unsigned(words[2]);
    if (!entries)
      fail(fmt::format("number of entries is not an integer (\"{}\")", core::printable(words[2])),
           "The size line is \"ROWS COLUMNS ENTRIES\"");
    if (symmetric_ && rows_ != columns_) fail("a symmetric matrix must be square", "Write it as general");
    declared_ = *entries;
    if (declared_ != 0 &&
        (rows_ == 0 || declared_ / rows_ > columns_ || (declared_ / rows_ == columns_ && declared_ % rows_ != 0))) {
      fail(fmt::format("{} entries do not fit into {} x {}", declared_, rows_, columns_), "Correct the size line");
    }
  }

  std::int32_t index(std::string_view word, std::uint64_t bound, const char* what) const {
    const auto value = core::parse_unsigned(word);
    if (!value || *value == 0 || *value > bound) {
      fail(fmt::format("{} index is not in 1..{} (\"{}\")", what, bound, core::printable(word)),
           "Indices are 1-based and within the size line");
    }
    return static_cast<std::int32_t>(*value - 1);
  }

  void read_entries() {
    // Reserve no more than a damaged size line could claim for nothing.
    entries_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(declared_, std::uint64_t{1} << 22)));
    std::vector<std::string_view> words;
    const std::size_t fields = pattern_ ? 2 : 3;
    std::uint64_t seen = 0;
    while (next(words)) {
      if (words.size() != fields) {
        fail(fmt::format("{} fields instead of {}", words.size(), fields), "An entry is \"ROW COLUMN VALUE\"");
      }
      if (++seen > declared_)
        fail(fmt::format("more entries than the {} declared", declared_), "Correct the size line");
      Entry entry{index(words[0], rows_, "row"), index(words[1], columns_, "column"), 1.0F};
      if (!pattern_) entry.value = value(words[2]);
      entries_.push_back(entry);
      if (symmetric_ && entry.row != entry.column) entries_.push_back({entry.column, entry.row, entry.value});
    }
    if (seen != declared_) {
      fail(fmt::format("{} entries where {} are declared", seen, declared_), "The file seems truncated: copy it again");
    }
  }

  float value(std::string_view word) const {
    std::optional<double> number;
    if (integers_) {
      if (const auto integer = core::parse_int(word)) number = static_cast<double>(*integer);
    } else {
      number = core::parse_double(word);
    }
    if (!number || !std::isfinite(*number) || std::abs(*number) > std::numeric_limits<float>::max()) {
      fail(fmt::format("value is not a finite {} (\"{}\")", integers_ ? "integer" : "number", core::printable(word)),
           "Remove or correct the entry");
    }
    return static_cast<float>(*number);
  }

  CsrMatrix compress() {
    CsrMatrix out;
    out.rows = rows_;
    out.columns = columns_;
    const auto before = [](const Entry& a, const Entry& b) {
      return std::pair(a.row, a.column) < std::pair(b.row, b.column);
    };
    if (!std::ranges::is_sorted(entries_, before)) std::ranges::sort(entries_, before);
    out.row_start.assign(static_cast<std::size_t>(rows_) + 1, 0);
    out.column.reserve(entries_.size());
    out.value.reserve(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (i != 0 && !before(entries_[i - 1], entry)) {
        fail(fmt::format("entry ({}, {}) appears twice", entry.row + 1, entry.column + 1),
             "Every entry may appear once");
      }
      ++out.row_start[static_cast<std::size_t>(entry.row) + 1];
      out.column.push_back(entry.column);
      out.value.push_back(entry.value);
    }
    for (std::size_t i = 1; i < out.row_start.size(); ++i) out.row_start[i] += out.row_start[i - 1];
    return out;
  }

  LineReader lines_;
  bool integers_ = false, pattern_ = false, symmetric_ = false;
  std::uint64_t rows_ = 0, columns_ = 0, declared_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace

CsrMatrix read_matrix_market(std::unique_ptr<ByteSource> source) {
  return Parser(std::move(source)).parse();
}

namespace {

template <class Number>
char* put_number(char* at, char* end, Number number) {
  return std::to_chars(at, end, number).ptr;
}

}  // namespace

void write_matrix_market_gz(core::OutputFile& out, const CsrMatrix& matrix, const MatrixMarketOptions& options) {
  BgzfWriter gz(out, options.threads);
  const std::uint64_t first = options.transposed ? matrix.columns : matrix.rows;
  const std::uint64_t second = options.transposed ? matrix.rows : matrix.columns;
  gz.write(fmt::format("%%MatrixMarket matrix coordinate {} general\n{} {} {}\n", options.integers ? "integer" : "real",
                       first, second, matrix.stored()));
  std::array<char, 128> line;
  char* const end = line.data() + line.size();
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const auto columns = matrix.row_columns(row);
    const auto values = matrix.row_values(row);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto a = static_cast<std::uint64_t>(row) + 1;
      const auto b = static_cast<std::uint64_t>(columns[i]) + 1;
      char* at = put_number(line.data(), end, options.transposed ? b : a);
      *at++ = ' ';
      at = put_number(at, end, options.transposed ? a : b);
      *at++ = ' ';
      if (options.integers) {
        const auto whole = static_cast<std::int64_t>(values[i]);
        if (static_cast<float>(whole) != values[i])
          throw core::Error(core::Status::kInternal, "a fraction in a matrix of integers");
        at = put_number(at, end, whole);
      } else {
        at = put_number(at, end, values[i]);
      }
      *at++ = '\n';
      gz.write({line.data(), static_cast<std::size_t>(at - line.data())});
    }
  }
  gz.finish();
}

}  // namespace immucan::io
