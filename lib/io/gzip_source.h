#pragma once
// Plain gzip (RFC 1952) through ISA-L: any number of members, CRC and length of each checked. Zero bytes after the last
// member are padding (tape blocks); anything else there is an error.
#include <memory>

#include "io/byte_source.h"
#include "io/raw_input.h"

namespace immucan::io {

class GzipSource final : public ByteSource {
 public:
  /// `raw` stands at the first byte of a member.
  explicit GzipSource(std::unique_ptr<RawInput> raw);
  ~GzipSource() override;
  std::size_t read(std::span<char> buffer) override;
  [[nodiscard]] Compression compression() const override { return Compression::kGzip; }
  [[nodiscard]] const std::string& name() const override;
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  struct State;
  void begin_member();
  bool next_member();
  std::unique_ptr<State> state_;
  std::uint64_t position_ = 0;
};

/// True when only zero bytes follow up to the end of the input; they are consumed.
[[nodiscard]] bool only_zero_padding(RawInput& raw);

}  // namespace immucan::io
