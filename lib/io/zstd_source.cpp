#include "io/zstd_source.h"

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <new>

#include "core/error.h"

namespace immucan::io {

namespace {
struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};
}  // namespace

struct ZstdSource::State {
  std::unique_ptr<RawInput> raw;
  std::unique_ptr<ZSTD_DStream, FreeStream> stream;
  bool in_frame = false;
  bool finished = false;
};

ZstdSource::ZstdSource(std::unique_ptr<RawInput> raw) : state_(std::make_unique<State>()) {
  state_->raw = std::move(raw);
  state_->stream.reset(ZSTD_createDStream());
  if (!state_->stream) throw std::bad_alloc();
}

ZstdSource::~ZstdSource() = default;

const std::string& ZstdSource::name() const {
  return state_->raw->name();
}

std::size_t ZstdSource::read(std::span<char> buffer) {
  State& s = *state_;
  RawInput& raw = *s.raw;
  ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
  while (output.pos < output.size && !s.finished) {
    const bool has_input = raw.require(1);
    if (!has_input && !s.in_frame) {
      s.finished = true;
      break;
    }
    const std::string_view bytes = raw.available();
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    const std::size_t before = output.pos;
    const std::size_t code = ZSTD_decompressStream(s.stream.get(), &output, &input);
    raw.consume(static_cast<std::ptrdiff_t>(input.pos));
    if (ZSTD_isError(code)) {
      const auto error = ZSTD_getErrorCode(code);
      if (error == ZSTD_error_memory_allocation) throw std::bad_alloc();
      std::string remedy = "The file is damaged or has foreign bytes after the last frame: copy or download it again";
      if (error == ZSTD_error_frameParameter_windowTooLarge)
        remedy = "Compress the file again without --long or --ultra";
      core::raise(core::ParseError{raw.name(), core::Place::byte(raw.offset()),
                                   fmt::format("zstd stream cannot be decoded ({})", ZSTD_getErrorName(code)),
                                   std::move(remedy)});
    }
    raw.check_expansion(position_ + output.pos);
    s.in_frame = code != 0;
    if (!has_input && s.in_frame && output.pos == before) {
      core::raise(core::ParseError{raw.name(), core::Place::byte(raw.offset()),
                                   "zstd stream ends in the middle of a frame",
                                   "The file is incomplete: copy or download it again"});
    }
  }
  position_ += output.pos;
  return output.pos;
}

}  // namespace immucan::io
