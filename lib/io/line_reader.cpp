#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/byte_source.h"

namespace immucan::io {

namespace {
constexpr std::size_t kLongestLine = std::size_t{1} << 30;
/// A small file costs a small buffer: it begins with this much and is whole once that was filled.
constexpr std::size_t kFirstBuffer = std::size_t{1} << 14;
}  // namespace

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::size_t buffer_size)
    : source_(std::move(source)),
      whole_buffer_(std::max<std::size_t>(buffer_size, 1)),
      buffer_(std::min(whole_buffer_, kFirstBuffer), '\0') {}

bool LineReader::refill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (line_number_ > 0 && buffer_.size() < whole_buffer_) buffer_.resize(whole_buffer_);
  if (end_ == buffer_.size()) {
    if (buffer_.size() > kLongestLine) {
      core::raise(core::ParseError{source_->name(), core::Place::line(line_number_ + 1),
                                   "the line is longer than 1 GiB", "Check that this is a text file"});
    }
    buffer_.resize(buffer_.size() * 2);
  }
  const std::size_t room = buffer_.size() - end_;
  const std::size_t count = source_->read(std::span(buffer_).subspan(end_, room));
  end_ += count;
  at_end_ = count < room;
  return count > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = 0;  // bytes after begin_ known to hold no newline
  for (;;) {
    const char* const first = buffer_.data() + begin_;
    const std::size_t length = end_ - begin_;
    if (length > searched) {
      if (const void* found = std::memchr(first + searched, '\n', length - searched)) {
        std::size_t size = static_cast<std::size_t>(static_cast<const char*>(found) - first);
        begin_ += size + 1;
        if (size > 0 && first[size - 1] == '\r') --size;
        line = {first, size};
        ++line_number_;
        return true;
      }
    }
    searched = length;
    if (refill()) continue;
    if (length == 0) return false;
    // refill may have moved the bytes to the front even when nothing followed.
    line = {buffer_.data() + begin_, length};
    if (line.back() == '\r') line.remove_suffix(1);
    begin_ = end_;
    ++line_number_;
    return true;
  }
}

}  // namespace immucan::io
