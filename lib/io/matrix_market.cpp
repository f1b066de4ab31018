#include "io/matrix_market.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "io/bgzf_writer.h"
#include "io/hdf5_chunks.h"

namespace immucan::io {

namespace {

constexpr const char* kBanner = "%%MatrixMarket matrix coordinate integer general";
constexpr std::uint64_t kMaximalDimension = std::numeric_limits<std::int32_t>::max();

struct Entry {
  std::int32_t row, column;
  float value;
};

constexpr std::size_t kBlockEntries = std::size_t{1} << 20;

class Parser {
 public:
  Parser(std::unique_ptr<ByteSource> source, bool transposed) : lines_(std::move(source)), transposed_(transposed) {}

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

  /// Up to nine digits and the character after them; false on anything else.
  static bool digits(const char*& at, const char* end, std::uint32_t& value) {
    const char* const begin = at;
    value = 0;
    for (; at != end && at - begin < 9; ++at) {
      const auto digit = static_cast<std::uint32_t>(static_cast<unsigned char>(*at)) - '0';
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    return at != begin;
  }

  /// The form that nearly all entries have: digits and single blanks. False: look closer.
  bool plain_entry(std::string_view line, Entry& entry) const {
    const char* at = line.data();
    const char* const end = at + line.size();
    std::uint32_t row = 0, column = 0, whole = 0;
    if (!digits(at, end, row) || at == end || *at++ != ' ' || row - 1 >= rows_) return false;
    if (!digits(at, end, column) || column - 1 >= columns_) return false;
    entry = {static_cast<std::int32_t>(row - 1), static_cast<std::int32_t>(column - 1), 1};
    if (pattern_) return at == end;
    if (at == end || *at++ != ' ' || !digits(at, end, whole) || at != end) return false;
    entry.value = static_cast<float>(whole);
    return true;
  }

  /// Any other entry, or its error; false when the line holds none.
  bool any_entry(std::string_view line, std::vector<std::string_view>& words, Entry& entry) const {
    if (line.starts_with('%')) return false;
    words_of(line, words);
    if (words.empty()) return false;
    const std::size_t fields = pattern_ ? 2 : 3;
    if (words.size() != fields) {
      fail(fmt::format("{} fields instead of {}", words.size(), fields), "An entry is \"ROW COLUMN VALUE\"");
    }
    entry = {index(words[0], rows_, "row"), index(words[1], columns_, "column"), 1};
    if (!pattern_) entry.value = value(words[2]);
    return true;
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
    std::uint64_t seen = 0;
    std::vector<std::string_view> words;
    std::string_view line;
    while (lines_.next(line)) {
      Entry entry{};
      if (!plain_entry(line, entry) && !any_entry(line, words, entry)) continue;
      if (++seen > declared_)
        fail(fmt::format("more entries than the {} declared", declared_), "Correct the size line");
      if (transposed_) std::swap(entry.row, entry.column);
      add(entry);
      if (symmetric_ && entry.row != entry.column) add({entry.column, entry.row, entry.value});
    }
    if (seen != declared_) {
      fail(fmt::format("{} entries where {} are declared", seen, declared_), "The file seems truncated: copy it again");
    }
  }

  void add(const Entry& entry) {
    if (blocks_.empty() || blocks_.back().size() == kBlockEntries) {
      blocks_.emplace_back();
      const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(declared_, kBlockEntries));
      blocks_.back().reserve(left);
      detail::prefer_huge_pages(blocks_.back().data(), left * sizeof(Entry));
    }
    blocks_.back().push_back(entry);
    ++entries_;
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

  /// Counted into rows, which keeps the order within a row: files are mostly in order of rows or of columns, and either
  /// way no row is left to sort.
  CsrMatrix compress() {
    CsrMatrix out;
    out.rows = transposed_ ? columns_ : rows_;
    out.columns = transposed_ ? rows_ : columns_;
    out.row_start.assign(static_cast<std::size_t>(out.rows) + 1, 0);
    for (const auto& block : blocks_) {
      for (const Entry& entry : block) ++out.row_start[static_cast<std::size_t>(entry.row) + 1];
    }
    for (std::size_t i = 1; i < out.row_start.size(); ++i) out.row_start[i] += out.row_start[i - 1];
    out.column.reserve(entries_);
    out.value.reserve(entries_);
    detail::prefer_huge_pages(out.column.data(), entries_ * sizeof(std::int32_t));
    detail::prefer_huge_pages(out.value.data(), entries_ * sizeof(float));
    out.column.resize(entries_);
    out.value.resize(entries_);
    std::vector<std::int64_t> next(out.row_start.begin(), out.row_start.end() - 1);
    for (const auto& block : blocks_) {
      for (const Entry& entry : block) {
        const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(entry.row)]++);
        out.column[at] = entry.column;
        out.value[at] = entry.value;
      }
    }
    for (std::size_t row = 0; row < out.rows; ++row) sort_row(out, row);
    return out;
  }

  void sort_row(CsrMatrix& matrix, std::size_t row) {
    const auto begin = static_cast<std::size_t>(matrix.row_start[row]);
    const auto end = static_cast<std::size_t>(matrix.row_start[row + 1]);
    bool ascending = true;
    for (std::size_t i = begin + 1; i < end; ++i) ascending &= matrix.column[i - 1] < matrix.column[i];
    if (ascending) return;
    std::vector<std::pair<std::int32_t, float>> entries;
    for (std::size_t i = begin; i < end; ++i) entries.emplace_back(matrix.column[i], matrix.value[i]);
    std::ranges::sort(entries, {}, &std::pair<std::int32_t, float>::first);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i != 0 && entries[i].first == entries[i - 1].first) refuse_twice(row, entries[i].first);
      matrix.column[begin + i] = entries[i].first;
      matrix.value[begin + i] = entries[i].second;
    }
  }

  [[noreturn]] void refuse_twice(std::size_t row, std::int32_t column) const {
    auto a = static_cast<std::uint64_t>(row) + 1, b = static_cast<std::uint64_t>(column) + 1;
    if (transposed_) std::swap(a, b);
    fail(fmt::format("entry ({}, {}) appears twice", a, b), "Every entry may appear once");
  }

  LineReader lines_;
  bool transposed_;
  bool integers_ = false, pattern_ = false, symmetric_ = false;
  std::uint64_t rows_ = 0, columns_ = 0, declared_ = 0;
  std::vector<std::vector<Entry>> blocks_;  ///< so that growing moves nothing
  std::size_t entries_ = 0;
};

}  // namespace

CsrMatrix read_matrix_market(std::unique_ptr<ByteSource> source, bool transposed) {
  return Parser(std::move(source), transposed).parse();
}

namespace {

/// Of blocks that are better left to libdeflate: on digits, level 1 takes half the time of the default level and the
/// file is no larger.
constexpr int kCompressionLevel = 1;
constexpr std::size_t kPartBytes = std::size_t{1} << 16;
constexpr std::size_t kLongestLine = 80;
/// Up to this many columns their digits are prepared once (16 MB at most).
constexpr std::uint64_t kPreparedColumns = std::uint64_t{1} << 20;

/// A number and the blank after it, copied as a whole word.
struct Word {
  std::array<char, 16> text{};
  std::size_t size = 0;

  explicit Word(std::uint64_t number) {
    char* const end = std::to_chars(text.data(), text.data() + text.size() - 1, number).ptr;
    *end = ' ';
    size = static_cast<std::size_t>(end - text.data()) + 1;
  }
  char* put(char* at) const {
    std::memcpy(at, text.data(), text.size());
    return at + size;
  }
};

/// Whole numbers below this are written alike as integers and by shortest round trip.
constexpr float kPlainBelow = 100000;

char* put_value(char* at, float value, bool integers) {
  if (value > 0 && value < kPlainBelow) {
    const auto whole = static_cast<std::int32_t>(value);
    if (static_cast<float>(whole) == value) {
      if (whole >= 10) return std::to_chars(at, at + 40, whole).ptr;
      *at = static_cast<char>('0' + whole);
      return at + 1;
    }
  }
  if (!integers) return std::to_chars(at, at + 40, value).ptr;
  constexpr float kBeyond = 9.2e18F;
  if (!(std::abs(value) < kBeyond) || static_cast<float>(static_cast<std::int64_t>(value)) != value)
    throw core::Error(core::Status::kInternal, "a fraction in a matrix of integers");
  return std::to_chars(at, at + 40, static_cast<std::int64_t>(value)).ptr;
}

}  // namespace

void format_matrix_market(const CsrMatrix& matrix, const MatrixMarketOptions& options,
                          const std::function<void(std::string_view)>& sink) {
  const std::uint64_t first = options.transposed ? matrix.columns : matrix.rows;
  const std::uint64_t second = options.transposed ? matrix.rows : matrix.columns;
  sink(fmt::format("%%MatrixMarket matrix coordinate {} general\n{} {} {}\n", options.integers ? "integer" : "real",
                   first, second, matrix.stored()));
  std::vector<Word> prepared;
  if (matrix.columns <= kPreparedColumns && matrix.columns < matrix.stored()) {
    prepared.reserve(matrix.columns);
    for (std::uint64_t column = 0; column < matrix.columns; ++column) prepared.emplace_back(column + 1);
  }
  std::vector<char> part(kPartBytes + kLongestLine);
  char* at = part.data();
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const auto columns = matrix.row_columns(row);
    const auto values = matrix.row_values(row);
    const Word own(row + 1);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto column = static_cast<std::size_t>(columns[i]);
      if (!options.transposed) at = own.put(at);
      at = prepared.empty() ? Word(column + 1).put(at) : prepared[column].put(at);
      if (options.transposed) at = own.put(at);
      at = put_value(at, values[i], options.integers);
      *at++ = '\n';
      if (at < part.data() + kPartBytes) continue;
      sink({part.data(), static_cast<std::size_t>(at - part.data())});
      at = part.data();
    }
  }
  if (at != part.data()) sink({part.data(), static_cast<std::size_t>(at - part.data())});
}

void write_matrix_market_gz(core::OutputFile& out, const CsrMatrix& matrix, const MatrixMarketOptions& options) {
  BgzfWriter gz(out, options.threads, kCompressionLevel, BgzfText::kNumberLines);
  format_matrix_market(matrix, options, [&](std::string_view part) { gz.write(part); });
  gz.finish();
}

}  // namespace immucan::io
