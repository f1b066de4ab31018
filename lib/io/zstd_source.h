#pragma once
// Zstandard (RFC 8878): any number of frames, skippable ones included; checksums verified where a frame has one.
#include <memory>

#include "io/byte_source.h"
#include "io/raw_input.h"

namespace immucan::io {

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<RawInput> raw);
  ~ZstdSource() override;
  std::size_t read(std::span<char> buffer) override;
  [[nodiscard]] Compression compression() const override { return Compression::kZstd; }
  [[nodiscard]] const std::string& name() const override;
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t position_ = 0;
};

}  // namespace immucan::io
