#include "io/bgzf_source.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "core/error.h"
#include "io/gzip_source.h"

namespace immucan::io {

namespace {

constexpr std::size_t kFixedHeader = 12;
constexpr std::size_t kTrailer = 8;
constexpr std::size_t kMaximumText = 65536;

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

/// Magic, deflate, and the extra field as the only optional part, as the specification prescribes.
bool has_fixed_header(std::string_view bytes) {
  return bytes.size() >= kFixedHeader && bytes.starts_with("\x1f\x8b\x08\x04");
}

/// Size of the whole block from the BC subfield, nullopt when the extra field has none.
std::optional<std::size_t> block_size(std::string_view header, std::size_t extra_size) {
  std::size_t at = kFixedHeader;
  const std::size_t end = kFixedHeader + extra_size;
  while (at + 4 <= end) {
    const std::size_t length = little_endian(header, at + 2, 2);
    if (at + 4 + length > end) return std::nullopt;
    if (header[at] == 'B' && header[at + 1] == 'C' && length == 2) {
      return std::size_t{little_endian(header, at + 4, 2)} + 1;
    }
    at += 4 + length;
  }
  return std::nullopt;
}

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

[[noreturn]] void fail(const std::string& name, std::uint64_t offset, std::string what, std::string remedy) {
  core::raise(core::ParseError{name, core::Place::byte(offset), std::move(what), std::move(remedy)});
}

}  // namespace

bool is_bgzf(std::string_view bytes) {
  if (!has_fixed_header(bytes)) return false;
  const std::size_t extra_size = little_endian(bytes, 10, 2);
  return bytes.size() >= kFixedHeader + extra_size && block_size(bytes, extra_size).has_value();
}

BgzfSource::BgzfSource(std::unique_ptr<RawInput> raw) : name_(raw->name()), raw_(std::move(raw)) {}
BgzfSource::~BgzfSource() = default;

bool BgzfSource::next_block(BgzfGroup& group, std::size_t text_limit) {
  RawInput& raw = *raw_;
  const std::uint64_t offset = raw.offset();
  if (!raw.require(2) || !raw.available().starts_with("\x1f\x8b")) {
    if (!only_zero_padding(raw)) {
      fail(name_, raw.offset(), "bytes that are not gzip follow the last BGZF block",
           "Remove what follows the compressed data");
    }
    if (!last_was_empty_) {
      fail(name_, raw.offset(), "the BGZF end-of-file block is missing",
           "The file has been truncated: copy or download it again");
    }
    finished_ = true;
    return false;
  }
  const auto truncated = [&] {
    fail(name_, offset, "BGZF block is cut off", "The file is incomplete: copy or download it again");
  };
  if (!raw.require(kFixedHeader)) truncated();
  std::optional<std::size_t> size;
  std::size_t extra_size = 0;
  if (has_fixed_header(raw.available())) {
    extra_size = little_endian(raw.available(), 10, 2);
    if (!raw.require(kFixedHeader + extra_size)) truncated();
    size = block_size(raw.available(), extra_size);
  }
  if (!size) {
    tail_ = std::make_unique<GzipSource>(std::move(raw_));
    finished_ = true;
    return false;
  }
  const std::size_t header_size = kFixedHeader + extra_size;
  if (*size < header_size + kTrailer) {
    fail(name_, offset, fmt::format("BGZF block size {} is smaller than its header", *size),
         "The file is damaged: copy or download it again");
  }
  if (!raw.require(*size)) truncated();
  const std::string_view block = raw.available().substr(0, *size);
  BgzfGroup::Block entry;
  entry.crc = little_endian(block, *size - 8, 4);
  entry.text_size = little_endian(block, *size - 4, 4);
  if (entry.text_size > kMaximumText) {
    fail(name_, offset, fmt::format("BGZF block claims {} bytes of text, more than 65536", entry.text_size),
         "The file is damaged: copy or download it again");
  }
  if (!group.blocks.empty() && group.text_size + entry.text_size > text_limit) return false;
  entry.offset = offset;
  entry.payload_begin = group.stored.size();
  entry.payload_size = *size - header_size - kTrailer;
  entry.text_begin = group.text_size;
  group.stored.append(block.substr(header_size, entry.payload_size));
  group.text_size += entry.text_size;
  group.blocks.push_back(entry);
  last_was_empty_ = entry.text_size == 0;
  raw.consume(static_cast<std::ptrdiff_t>(*size));
  fetched_text_ += entry.text_size;
  raw.check_expansion(fetched_text_);
  return true;
}

bool BgzfSource::fetch(BgzfGroup& group, std::size_t text_limit) {
  group.stored.clear();
  group.blocks.clear();
  group.text_size = 0;
  // Bounded in number as well: empty blocks must not gather without end.
  while (!finished_ && group.text_size < text_limit && group.blocks.size() < 1024 && next_block(group, text_limit)) {
  }
  return !group.blocks.empty();
}

void BgzfSource::inflate(const BgzfGroup& group, char* text) const {
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  for (const BgzfGroup::Block& block : group.blocks) {
    char* const out = text + block.text_begin;
    std::size_t consumed = 0, produced = 0;
    char nothing = 0;  // libdeflate wants a valid pointer even for an empty block
    const auto result = libdeflate_deflate_decompress_ex(decompressor.get(), group.stored.data() + block.payload_begin,
                                                         block.payload_size, block.text_size == 0 ? &nothing : out,
                                                         block.text_size, &consumed, &produced);
    if (result != LIBDEFLATE_SUCCESS || produced != block.text_size || consumed != block.payload_size) {
      fail(name_, block.offset, "BGZF block cannot be decoded", "The file is damaged: copy or download it again");
    }
    if (libdeflate_crc32(0, out, block.text_size) != block.crc) {
      fail(name_, block.offset, "checksum of a BGZF block does not match its content",
           "The file is damaged: copy or download it again");
    }
  }
}

std::size_t BgzfSource::read(std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const std::span<char> rest = buffer.subspan(filled);
    if (pending_begin_ < pending_.size()) {
      const std::size_t count = std::min(rest.size(), pending_.size() - pending_begin_);
      std::memcpy(rest.data(), pending_.data() + pending_begin_, count);
      pending_begin_ += count;
      filled += count;
    } else if (tail_) {
      const std::size_t count = tail_->read(rest);
      if (count == 0) break;
      filled += count;
    } else if (!fetch(group_, std::min(rest.size(), std::size_t{1} << 20))) {
      if (!tail_) break;
    } else if (group_.text_size <= rest.size()) {
      inflate(group_, rest.data());
      filled += group_.text_size;
    } else {
      pending_.resize(group_.text_size);
      pending_begin_ = 0;
      inflate(group_, pending_.data());
    }
  }
  position_ += filled;
  return filled;
}

}  // namespace immucan::io
