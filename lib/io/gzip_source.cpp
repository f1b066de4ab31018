#include "io/gzip_source.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace immucan::io {

namespace {

constexpr const char* kTruncatedRemedy = "The file is incomplete: copy or download it again";
constexpr const char* kCorruptRemedy = "The file is damaged: copy or download it again";

[[noreturn]] void fail(const RawInput& raw, std::string what, const char* remedy) {
  core::raise(core::ParseError{raw.name(), core::Place::byte(raw.offset()), std::move(what), remedy});
}

const char* describe(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK:
      return "invalid deflate block in the gzip stream";
    case ISAL_INVALID_SYMBOL:
      return "invalid deflate symbol in the gzip stream";
    case ISAL_INVALID_LOOKBACK:
      return "deflate distance before the beginning of the gzip stream";
    case ISAL_INVALID_WRAPPER:
      return "invalid gzip member header";
    case ISAL_UNSUPPORTED_METHOD:
      return "gzip member with an unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "checksum of a gzip member does not match its content";
    default:
      return "gzip stream cannot be decoded";
  }
}

}  // namespace

bool only_zero_padding(RawInput& raw) {
  while (raw.require(1)) {
    const std::string_view bytes = raw.available();
    const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
    raw.consume(static_cast<std::ptrdiff_t>(zeros));
    if (zeros < bytes.size()) return false;
  }
  return true;
}

struct GzipSource::State {
  std::unique_ptr<RawInput> raw;
  inflate_state inflate;
  bool finished = false;
};

GzipSource::GzipSource(std::unique_ptr<RawInput> raw) : state_(std::make_unique<State>()) {
  state_->raw = std::move(raw);
  isal_inflate_init(&state_->inflate);
  begin_member();
}

GzipSource::~GzipSource() = default;

const std::string& GzipSource::name() const {
  return state_->raw->name();
}

void GzipSource::begin_member() {
  isal_inflate_reset(&state_->inflate);
  state_->inflate.crc_flag = ISAL_GZIP;
}

bool GzipSource::next_member() {
  RawInput& raw = *state_->raw;
  if (raw.require(2) && raw.available().starts_with("\x1f\x8b")) {
    begin_member();
    return true;
  }
  if (!only_zero_padding(raw)) {
    fail(raw, "bytes that are not gzip follow the last gzip member", "Remove what follows the compressed data");
  }
  return false;
}

std::size_t GzipSource::read(std::span<char> buffer) {
  State& s = *state_;
  RawInput& raw = *s.raw;
  std::size_t filled = 0;
  while (filled < buffer.size() && !s.finished) {
    raw.require(1);
    const std::string_view input = raw.available();
    const std::size_t room = std::min<std::size_t>(buffer.size() - filled, std::size_t{1} << 30);
    const std::size_t offered = std::min<std::size_t>(input.size(), std::size_t{1} << 30);
    // ISA-L does not write through next_in; its field lacks the const.
    auto* const next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
    s.inflate.next_in = next_in;
    s.inflate.avail_in = static_cast<std::uint32_t>(offered);
    s.inflate.next_out = reinterpret_cast<std::uint8_t*>(buffer.data() + filled);
    s.inflate.avail_out = static_cast<std::uint32_t>(room);
    const int code = isal_inflate(&s.inflate);
    // At the end of a member it hands back what its bit buffer held, possibly from before this window.
    const std::ptrdiff_t consumed = s.inflate.next_in - next_in;
    raw.consume(consumed);
    const std::size_t produced = room - s.inflate.avail_out;
    filled += produced;
    raw.check_expansion(position_ + filled);
    if (code != ISAL_DECOMP_OK) fail(raw, describe(code), kCorruptRemedy);
    if (s.inflate.block_state == ISAL_BLOCK_FINISH) {
      s.finished = !next_member();
    } else if (input.empty() && produced == 0) {
      fail(raw, "gzip stream ends in the middle of a member", kTruncatedRemedy);
    }
  }
  position_ += filled;
  return filled;
}

}  // namespace immucan::io
