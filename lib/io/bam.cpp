#include "io/bam.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::uint32_t kMaximalRecord = std::uint32_t{1} << 28;
constexpr std::size_t kFixedBytes = 32;
constexpr std::string_view kBases = "=ACMGRSVTWYHKDBN";
constexpr std::string_view kComplements = "=TGKCYSBAWRDMHVN";
constexpr std::uint8_t kNoQuality = 0xff;
constexpr const char* kRemedy = "Give the BAM of an aligner, complete; samtools quickcheck tells where it was cut";

template <class T>
T number_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

/// Bytes of the value of a tag of this type that begins at the front of `rest`; nullopt when it does not fit.
std::optional<std::size_t> tag_bytes(char type, std::string_view rest) {
  const auto fixed = [](char of) -> std::size_t {
    switch (of) {
      case 'A':
      case 'c':
      case 'C':
        return 1;
      case 's':
      case 'S':
        return 2;
      case 'i':
      case 'I':
      case 'f':
        return 4;
      default:
        return 0;
    }
  };
  std::size_t bytes = fixed(type);
  if (type == 'Z' || type == 'H') {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    bytes = end + 1;
  } else if (type == 'B') {
    if (rest.size() < 5 || rest[0] == 'A' || fixed(rest[0]) == 0) return std::nullopt;
    bytes = 5 + std::uint64_t{number_at<std::uint32_t>(rest.data() + 1)} * fixed(rest[0]);
  }
  if (bytes == 0 || bytes > rest.size()) return std::nullopt;
  return bytes;
}

}  // namespace

void BamRecord::append_sequence(std::string& out) const {
  const bool reverse = (flag_ & kReverse) != 0;
  const std::size_t at = out.size();
  out.resize(at + length_);
  for (std::size_t i = 0; i < length_; ++i) {
    const auto byte = static_cast<std::uint8_t>(packed_bases_[i / 2]);
    const unsigned code = i % 2 == 0 ? byte >> 4U : byte & 15U;
    out[at + (reverse ? length_ - 1 - i : i)] = (reverse ? kComplements : kBases)[code];
  }
}

void BamRecord::append_qualities(std::string& out) const {
  const bool reverse = (flag_ & kReverse) != 0;
  const std::size_t at = out.size();
  out.resize(at + length_, 'I');
  if (length_ == 0 || static_cast<std::uint8_t>(qualities_[0]) == kNoQuality) return;
  for (std::size_t i = 0; i < length_; ++i) {
    const int quality = std::min<int>(static_cast<std::uint8_t>(qualities_[i]), 93);
    out[at + (reverse ? length_ - 1 - i : i)] = static_cast<char>(quality + 33);
  }
}

std::optional<BamRecord::Tag> BamRecord::tag(const char (&name)[3]) const {
  std::string_view rest = tags_;
  while (rest.size() > 3) {
    const std::string_view value = rest.substr(3);
    const std::size_t bytes = tag_bytes(rest[2], value).value_or(value.size());
    if (rest[0] == name[0] && rest[1] == name[1]) return Tag{rest[2], value.substr(0, bytes)};
    rest = value.substr(bytes);
  }
  return std::nullopt;
}

std::optional<std::string_view> BamRecord::text_tag(const char (&name)[3]) const {
  const auto found = tag(name);
  if (!found || (found->type != 'Z' && found->type != 'A')) return std::nullopt;
  return found->type == 'Z' ? found->value.substr(0, found->value.size() - 1) : found->value;
}

std::optional<std::int64_t> BamRecord::number_tag(const char (&name)[3]) const {
  const auto found = tag(name);
  if (!found) return std::nullopt;
  const char* at = found->value.data();
  switch (found->type) {
    case 'c':
      return number_at<std::int8_t>(at);
    case 'C':
      return number_at<std::uint8_t>(at);
    case 's':
      return number_at<std::int16_t>(at);
    case 'S':
      return number_at<std::uint16_t>(at);
    case 'i':
      return number_at<std::int32_t>(at);
    case 'I':
      return number_at<std::uint32_t>(at);
    default:
      return std::nullopt;
  }
}

BamReader::BamReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
  need(4);
  if (end_ - begin_ < 4 || std::string_view(buffer_).substr(0, 4) != std::string_view("BAM\1", 4)) {
    core::raise({name(), core::Place::byte(0), "is no BAM", "SAM and CRAM are converted by samtools view -b"});
  }
  begin_ += 4;
  const std::uint32_t text = header_number();
  if (text > kMaximalRecord) fail(fmt::format("a header of {} bytes", text));
  need(text);
  if (end_ - begin_ < text) fail("cut off in the header");
  header_.assign(buffer_, begin_, text);
  header_.resize(std::min(header_.find('\0'), header_.size()));
  begin_ += text;
  const std::uint32_t references = header_number();
  for (std::uint32_t i = 0; i < references; ++i) {
    const std::uint32_t size = header_number();
    if (size > kMaximalRecord) fail(fmt::format("a reference name of {} bytes", size));
    need(size);
    if (end_ - begin_ < size) fail("cut off in the header");
    begin_ += size;
    header_number();
  }
}

void BamReader::fail(const std::string& what) const {
  const std::string where = records_ == 0 ? "" : fmt::format("record {}: ", records_);
  core::raise({name(), core::Place::byte(source_->position() - (end_ - begin_)), where + what, kRemedy});
}

/// Fills the buffer until it has that many bytes, or the input ends.
void BamReader::need(std::size_t bytes) {
  if (end_ - begin_ >= bytes) return;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < bytes) {
    // Grown as bytes arrive: a damaged length must not take memory.
    if (buffer_.size() - end_ < kBufferBytes / 2) buffer_.resize(end_ + kBufferBytes);
    const std::size_t got = source_->read({buffer_.data() + end_, buffer_.size() - end_});
    if (got == 0) return;
    end_ += got;
  }
}

std::uint32_t BamReader::header_number() {
  need(4);
  if (end_ - begin_ < 4) fail("cut off in the header");
  const auto value = number_at<std::uint32_t>(buffer_.data() + begin_);
  begin_ += 4;
  return value;
}

void BamReader::check_tags(std::string_view tags) const {
  while (!tags.empty()) {
    if (tags.size() < 4) fail("a cut-off tag");
    const auto bytes = tag_bytes(tags[2], tags.substr(3));
    if (!bytes) {
      fail(fmt::format("tag {} of type \"{}\" does not fit the record", core::printable(tags.substr(0, 2)),
                       core::printable(tags.substr(2, 1))));
    }
    tags.remove_prefix(3 + *bytes);
  }
}

bool BamReader::next(BamRecord& record) {
  need(4);
  if (begin_ == end_) return false;
  ++records_;
  if (end_ - begin_ < 4) fail("cut off");
  const auto size = number_at<std::uint32_t>(buffer_.data() + begin_);
  if (size < kFixedBytes || size > kMaximalRecord) fail(fmt::format("a record of {} bytes", size));
  need(std::size_t{4} + size);
  if (end_ - begin_ < std::size_t{4} + size) fail("cut off");
  const char* at = buffer_.data() + begin_ + 4;
  begin_ += std::size_t{4} + size;
  const std::size_t name_size = number_at<std::uint8_t>(at + 8);
  const std::size_t cigar = number_at<std::uint16_t>(at + 12);
  const std::size_t length = number_at<std::uint32_t>(at + 16);
  const std::size_t fixed = kFixedBytes + name_size + 4 * cigar + (length + 1) / 2 + length;
  if (name_size == 0 || fixed > size) fail("lengths that do not fit the record");
  record.flag_ = number_at<std::uint16_t>(at + 14);
  record.length_ = length;
  record.name_ = {at + kFixedBytes, name_size - 1};
  const char* bases = at + kFixedBytes + name_size + 4 * cigar;
  record.packed_bases_ = {bases, (length + 1) / 2};
  record.qualities_ = {bases + (length + 1) / 2, length};
  record.tags_ = {at + fixed, size - fixed};
  check_tags(record.tags_);
  return true;
}

}  // namespace immucan::io
