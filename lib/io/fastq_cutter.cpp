#include "io/fastq_cutter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

constexpr std::size_t kLongestRecord = std::size_t{1} << 30;
constexpr std::size_t kSmallestRead = std::size_t{64} << 10;
constexpr const char* kIncompleteRemedy = "The file is incomplete: copy or download it again";
constexpr const char* kRecordRemedy =
    "A FASTQ record is a title after '@', the sequence, a line with '+' and as many qualities as bases";

struct Line {
  std::size_t begin = 0, size = 0;  // without its end
  std::size_t next = 0;             // first byte after the end
};

/// The line at `begin`; nullopt when its end is not in the text yet. At the end of the file the last one may lack it.
std::optional<Line> line_at(std::string_view text, std::size_t begin, bool at_end) {
  if (begin >= text.size()) return std::nullopt;
  const std::size_t newline = text.find('\n', begin);
  if (newline == std::string_view::npos && !at_end) return std::nullopt;
  Line line{begin, std::min(newline, text.size()) - begin, std::min(newline, text.size() - 1) + 1};
  if (line.size > 0 && text[begin + line.size - 1] == '\r') --line.size;
  return line;
}

std::string quoted(std::string_view text) {
  return "'" + core::printable(text, 40) + "'";
}

}  // namespace

void FastqBlock::append(std::size_t start, std::size_t title_size, std::size_t sequence, std::size_t length,
                        std::size_t quality) {
  if (size_ == starts_.size()) {
    const std::size_t capacity = std::max<std::size_t>(1024, size_ * 2);
    for (auto* column : {&starts_, &title_sizes_, &sequences_, &lengths_, &qualities_}) column->resize(capacity);
  }
  starts_[size_] = static_cast<std::uint32_t>(start);
  title_sizes_[size_] = static_cast<std::uint32_t>(title_size);
  sequences_[size_] = static_cast<std::uint32_t>(sequence);
  lengths_[size_] = static_cast<std::uint32_t>(length);
  qualities_[size_] = static_cast<std::uint32_t>(quality);
  ++size_;
}

FastqCutter::FastqCutter(std::unique_ptr<ByteSource> source, bool allow_fasta)
    : source_(std::move(source)), allow_fasta_(allow_fasta) {}

void FastqCutter::fail(std::uint64_t line, std::string what, std::string remedy) const {
  core::raise(core::ParseError{name(), core::Place::line(line), std::move(what), std::move(remedy)});
}

void FastqCutter::read_more(FastqBlock& block, std::size_t wanted) {
  const std::size_t room = block.text_.size() - block.text_size_;
  if (room < wanted) block.text_.resize(block.text_size_ + wanted);
  const std::size_t count = source_->read({block.text_.data() + block.text_size_, wanted});
  block.text_size_ += count;
  at_end_ = count < wanted;
}

void FastqCutter::detect(const FastqBlock& block) {
  detected_ = true;
  if (block.text_size_ == 0) {
    fail(1, "the file is empty", "Leave it out, or copy it again if it should hold reads");
  }
  const char first = block.text_[0];
  if (first != '>') return;
  if (!allow_fasta_) fail(1, "the file begins with '>': it is FASTA, without qualities", "Give FASTQ");
  fasta_ = true;
}

void FastqCutter::cut(FastqBlock& block, std::size_t bytes, std::size_t records) {
  block.size_ = 0;
  block.wrapped_.clear();
  block.first_line_ = line_;
  if (block.file_ != name()) block.file_ = name();
  if (block.text_.size() < carry_.size()) block.text_.resize(std::max(carry_.size(), bytes));
  std::memcpy(block.text_.data(), carry_.data(), carry_.size());
  block.text_size_ = carry_.size();
  carry_.clear();
  cursor_ = 0;
  if (records != kAllRecords) {
    // As much as the records took last time and a little more, so that little is left to carry over.
    bytes = static_cast<std::size_t>(bytes_per_record_ * static_cast<double>(records) * 1.01) + 4096;
  }
  for (;;) {
    if (block.text_size_ < bytes && !at_end_) read_more(block, bytes - block.text_size_);
    if (!detected_) detect(block);
    block.fasta_ = fasta_;
    Found found = Found::kRecord;
    while (block.size_ < records && found == Found::kRecord) {
      if (!fasta_) cut_four_lines(block, records);
      if (block.size_ < records) found = cut_slowly(block);
    }
    if (block.size_ == records || found == Found::kEnd) break;
    if (records == kAllRecords && block.size_ > 0) break;
    if (block.text_size_ - cursor_ > kLongestRecord) {
      fail(line_, "the record is longer than 1 GiB", "Check that this is a FASTQ file");
    }
    bytes = block.text_size_ + std::max(kSmallestRead, block.size_ == 0 ? block.text_size_ : block.text_size_ / 16);
  }
  carry_.assign(block.text_, cursor_, block.text_size_ - cursor_);
  block.text_size_ = cursor_;
  if (block.size_ > 0) bytes_per_record_ = static_cast<double>(cursor_) / static_cast<double>(block.size_);
}

/// Records of exactly four lines; stops before the first that is not, or not wholly in the text.
void FastqCutter::cut_four_lines(FastqBlock& block, std::size_t records) {
  const char* const text = block.text_.data();
  const char* const end = text + block.text_size_;
  const char* at = text + cursor_;
  const std::size_t before = block.size_;
  const auto newline = [end](const char* from) {
    return static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
  };
  while (block.size_ < records && at < end && *at == '@') {
    const char* const title_end = newline(at);
    if (title_end == nullptr) break;
    const char* const sequence = title_end + 1;
    const char* const sequence_end = newline(sequence);
    if (sequence_end == nullptr || sequence_end + 1 == end || sequence_end[1] != '+') break;
    const char* const plus_end = newline(sequence_end + 1);
    if (plus_end == nullptr) break;
    const char* const quality = plus_end + 1;
    const std::ptrdiff_t line_size = sequence_end - sequence;
    if (end - quality <= line_size || quality[line_size] != '\n') break;
    const bool carriage_return = line_size > 0 && sequence_end[-1] == '\r';
    if (carriage_return && quality[line_size - 1] != '\r') break;
    block.append(static_cast<std::size_t>(at - text),
                 static_cast<std::size_t>(title_end - at - 1 - (title_end[-1] == '\r' ? 1 : 0)),
                 static_cast<std::size_t>(sequence - text),
                 static_cast<std::size_t>(line_size - (carriage_return ? 1 : 0)),
                 static_cast<std::size_t>(quality - text));
    at = quality + line_size + 1;
  }
  cursor_ = static_cast<std::size_t>(at - text);
  line_ += 4 * (block.size_ - before);
}

FastqCutter::Found FastqCutter::cut_slowly(FastqBlock& block) {
  const std::string_view text(block.text_.data(), block.text_size_);
  if (cursor_ == text.size()) return at_end_ ? Found::kEnd : Found::kIncomplete;
  if (text[cursor_] == '\n' || text[cursor_] == '\r') {
    // Blank lines are let pass where the file ends with them.
    const std::size_t other = text.find_first_not_of("\r\n", cursor_);
    if (other != std::string_view::npos) fail(line_, "blank line between records", "Remove it");
    if (!at_end_) return Found::kIncomplete;
    cursor_ = text.size();
    return Found::kEnd;
  }
  return fasta_ ? cut_fasta(block) : cut_wrapped_fastq(block);
}

FastqCutter::Found FastqCutter::cut_wrapped_fastq(FastqBlock& block) {
  const std::string_view text(block.text_.data(), block.text_size_);
  if (text[cursor_] != '@') {
    const std::string_view rest = text.substr(cursor_, 40);
    fail(line_, "a record begins with " + quoted(rest.substr(0, rest.find('\n'))) + " instead of '@'", kRecordRemedy);
  }
  const auto cut_off = [&](const char* where) {
    if (at_end_) fail(line_, fmt::format("the file ends in the {} of this record", where), kIncompleteRemedy);
    return Found::kIncomplete;
  };
  const auto title = line_at(text, cursor_, at_end_);
  if (!title) return cut_off("title");
  std::uint64_t lines = 1;
  std::vector<Line> sequence, quality;
  std::size_t bases = 0, qualities = 0;
  auto line = line_at(text, title->next, at_end_);
  for (; line && (line->size == 0 || text[line->begin] != '+'); line = line_at(text, line->next, at_end_)) {
    if (line->size > 0 && text[line->begin] == '@') {
      fail(line_ + lines, "a title where the sequence or the '+' line of the record before is expected", kRecordRemedy);
    }
    sequence.push_back(*line);
    bases += line->size;
    ++lines;
  }
  if (!line) return cut_off("sequence");
  if (sequence.empty()) fail(line_ + lines, "the record has no sequence line", kRecordRemedy);
  const Line plus = *line;
  if (plus.next == text.size() && text.back() != '\n') return cut_off("'+' line");
  if (plus.size > 1 && text.substr(plus.begin + 1, plus.size - 1) != text.substr(title->begin + 1, title->size - 1)) {
    fail(line_ + lines,
         fmt::format("the name on the '+' line, {}, is not the title {}",
                     quoted(text.substr(plus.begin + 1, plus.size - 1)),
                     quoted(text.substr(title->begin + 1, title->size - 1))),
         kRecordRemedy);
  }
  ++lines;
  const std::uint64_t quality_line = line_ + lines;
  std::size_t next = plus.next;
  do {
    line = line_at(text, next, at_end_);
    if (!line) {
      if (bases == 0 && at_end_) break;  // an empty read whose empty quality line lacks its end
      return cut_off("quality");
    }
    quality.push_back(*line);
    qualities += line->size;
    next = line->next;
    ++lines;
  } while (qualities < bases);
  if (qualities != bases) {
    fail(quality_line, fmt::format("{} qualities or more for {} bases", qualities, bases), kRecordRemedy);
  }
  // Join in place: every part moves towards the front, so nothing that is still needed is overwritten.
  char* const base = block.text_.data();
  const auto join = [base](std::size_t to, const std::vector<Line>& parts) {
    for (const Line& part : parts) {
      std::memmove(base + to, base + part.begin, part.size);
      to += part.size;
    }
    return to;
  };
  const std::size_t sequence_begin = sequence.front().begin;
  std::size_t to = join(sequence_begin, sequence);
  std::memcpy(base + to, "\n+\n", 3);
  to += 3;
  join(to, quality);
  if (lines != 4) {
    block.wrapped_.push_back({static_cast<std::uint32_t>(block.size_), static_cast<std::int32_t>(lines) - 4});
  }
  block.append(cursor_, title->size - 1, sequence_begin, bases, to);
  cursor_ = next;
  line_ += lines;
  return Found::kRecord;
}

FastqCutter::Found FastqCutter::cut_fasta(FastqBlock& block) {
  const std::string_view text(block.text_.data(), block.text_size_);
  if (text[cursor_] != '>') {
    fail(line_, "a record begins with " + quoted(text.substr(cursor_, 1)) + " instead of '>'", "Give FASTA");
  }
  const auto title = line_at(text, cursor_, at_end_);
  if (!title) return Found::kIncomplete;
  std::vector<Line> parts;
  std::int32_t lines = 1;
  std::size_t next = title->next;
  while (next < text.size() && text[next] != '>') {
    const auto line = line_at(text, next, at_end_);
    if (!line) return Found::kIncomplete;
    parts.push_back(*line);
    next = line->next;
    ++lines;
  }
  if (next == text.size() && !at_end_) return Found::kIncomplete;  // the next line may belong to this record
  char* const base = block.text_.data();
  const std::size_t begin = parts.empty() ? title->next : parts.front().begin;
  std::size_t to = begin;
  for (const Line& part : parts) {
    std::memmove(base + to, base + part.begin, part.size);
    to += part.size;
  }
  if (lines != 4) block.wrapped_.push_back({static_cast<std::uint32_t>(block.size_), lines - 4});
  block.append(cursor_, title->size - 1, begin, to - begin, to);
  cursor_ = next;
  line_ += static_cast<std::uint64_t>(lines);
  return Found::kRecord;
}

}  // namespace immucan::io
