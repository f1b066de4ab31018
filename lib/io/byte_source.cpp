#include "io/byte_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "io/bgzf_source.h"
#include "io/gzip_source.h"
#include "io/raw_input.h"
#include "io/zstd_source.h"

namespace immucan::io {

namespace {

using namespace std::string_view_literals;

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<RawInput> raw) : raw_(std::move(raw)) {}
  std::size_t read(std::span<char> buffer) override {
    const std::size_t count = raw_->read(buffer);
    position_ += count;
    return count;
  }
  [[nodiscard]] Compression compression() const override { return Compression::kPlain; }
  [[nodiscard]] const std::string& name() const override { return raw_->name(); }
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  std::unique_ptr<RawInput> raw_;
  std::uint64_t position_ = 0;
};

bool is_zstd(std::string_view bytes) {
  // A frame, or a skippable frame (pzstd writes one first).
  return bytes.starts_with("\x28\xb5\x2f\xfd"sv) ||
         (bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xf0) == 0x50 &&
          bytes.substr(1, 3) == "\x2a\x4d\x18"sv);
}

void refuse_other_compressions(const RawInput& raw) {
  const std::string_view bytes = raw.available();
  std::string_view kind;
  if (bytes.starts_with("BZh"sv) && bytes.size() >= 10 && bytes.substr(4, 6) == "\x31\x41\x59\x26\x53\x59"sv)
    kind = "bzip2";
  if (bytes.starts_with("\xfd"
                        "7zXZ\0"sv)) {
    kind = "xz";
  }
  if (bytes.starts_with("PK\x03\x04"sv)) kind = "zip";
  if (kind.empty()) return;
  core::raise(core::ParseError{raw.name(), core::Place::none(),
                               fmt::format("the file is {}-compressed, which is not read", kind),
                               "Decompress it, or compress it with gzip, bgzip or zstd"});
}

std::unique_ptr<ByteSource> detect(std::unique_ptr<RawInput> raw) {
  // A BGZF header is 18 bytes long unless other subfields precede BC; ask for more only when an extra field says so.
  raw->require(18);
  const std::string_view head = raw->available();
  if (head.size() >= 12 && head.starts_with("\x1f\x8b\x08\x04"sv)) {
    raw->require(12 +
                 (static_cast<unsigned char>(head[10]) | (std::size_t{static_cast<unsigned char>(head[11])} << 8)));
  }
  const std::string_view bytes = raw->available();
  if (is_bgzf(bytes)) return std::make_unique<BgzfSource>(std::move(raw));
  if (bytes.starts_with("\x1f\x8b"sv)) return std::make_unique<GzipSource>(std::move(raw));
  if (is_zstd(bytes)) return std::make_unique<ZstdSource>(std::move(raw));
  refuse_other_compressions(*raw);
  return std::make_unique<PlainSource>(std::move(raw));
}

}  // namespace

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, core::RunContext& context) {
  return detect(std::make_unique<RawInput>(path, context));
}

std::unique_ptr<ByteSource> open_memory(std::string_view bytes, std::string name) {
  return detect(std::make_unique<RawInput>(bytes, std::move(name)));
}

std::string read_all(ByteSource& source, std::uint64_t limit) {
  std::string text;
  // A small file costs a small buffer, a large one few turns.
  constexpr std::size_t kFirstStep = std::size_t{1} << 14, kStep = std::size_t{1} << 20;
  for (std::size_t step = kFirstStep;; step = std::max(kStep, text.size() / 2)) {
    const std::size_t before = text.size();
    text.resize(before + step);
    const std::size_t count = source.read(std::span(text).subspan(before));
    text.resize(before + count);
    if (text.size() > limit) {
      core::raise(core::ParseError{source.name(), core::Place::none(),
                                   fmt::format("holds more than {} bytes of decompressed data", limit),
                                   "Check that this is the right file"});
    }
    if (count < step) return text;
  }
}

}  // namespace immucan::io
