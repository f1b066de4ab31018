#pragma once
// BGZF (SAM specification §4.1): gzip in blocks of at most 64 KB whose sizes stand in their headers, so that they can
// be found serially and inflated in parallel (libdeflate). The empty block at the end is required: without it the file
// has been truncated at a block boundary. A gzip member that is no BGZF block (concatenated files) is handed to
// GzipSource.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/byte_source.h"
#include "io/raw_input.h"

namespace immucan::io {

/// Consecutive blocks as stored, taken together.
struct BgzfGroup {
  struct Block {
    std::size_t payload_begin = 0, payload_size = 0;  ///< deflate stream within `stored`
    std::size_t text_begin = 0;                       ///< within the text of the group
    std::uint32_t text_size = 0, crc = 0;
    std::uint64_t offset = 0;  ///< of the block in the file
  };
  std::string stored;
  std::vector<Block> blocks;
  std::size_t text_size = 0;
};

/// True when `bytes` begin with the header of a BGZF block (18 bytes are looked at, more when other subfields precede).
[[nodiscard]] bool is_bgzf(std::string_view bytes);

class BgzfSource final : public ByteSource {
 public:
  explicit BgzfSource(std::unique_ptr<RawInput> raw);
  ~BgzfSource() override;
  std::size_t read(std::span<char> buffer) override;
  [[nodiscard]] Compression compression() const override { return Compression::kBgzf; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t position() const override { return position_; }

  // In two halves, for reading ahead with several threads (do not mix with read):
  /// Takes blocks of up to `text_limit` bytes of text together, at least one when any is left. False when no block is
  /// left; a plain gzip tail may remain (tail()). Serial.
  bool fetch(BgzfGroup& group, std::size_t text_limit);
  /// Inflates into `text` (group.text_size bytes), CRC checked. May run concurrently for different groups.
  void inflate(const BgzfGroup& group, char* text) const;
  /// The rest of a file whose later members are plain gzip, else nullptr. Valid after fetch returned false.
  [[nodiscard]] ByteSource* tail() const { return tail_.get(); }

 private:
  bool next_block(BgzfGroup& group, std::size_t text_limit);
  std::string name_;
  std::unique_ptr<RawInput> raw_;
  std::unique_ptr<ByteSource> tail_;
  bool finished_ = false;
  bool last_was_empty_ = false;
  std::uint64_t fetched_text_ = 0;
  std::uint64_t position_ = 0;
  BgzfGroup group_;
  std::string pending_;
  std::size_t pending_begin_ = 0;
};

}  // namespace immucan::io
