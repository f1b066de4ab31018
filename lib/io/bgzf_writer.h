#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"

namespace immucan::io {

/// What the text is like: lines of numbers that resemble the line before are compressed faster than anything.
enum class BgzfText { kAny, kNumberLines };

/// gzip output as BGZF: blocks of up to 64 KiB, modification time 0, end marker. Blocks are cut at fixed positions and
/// compressed in parallel, so the bytes do not depend on the number of threads.
class BgzfWriter {
 public:
  explicit BgzfWriter(core::OutputFile& out, unsigned threads = 1, int level = 4, BgzfText text = BgzfText::kAny);
  ~BgzfWriter();
  BgzfWriter(BgzfWriter&&) noexcept;
  void write(std::string_view bytes);
  /// Compresses what is left and writes the end marker. Call once, after the last write.
  void finish();

 private:
  void flush(bool last);
  core::OutputFile& out_;
  unsigned threads_;
  int level_;
  BgzfText text_;
  std::string pending_;
  struct Slot;
  std::vector<std::unique_ptr<Slot>> slots_;  ///< a compressor for each run of blocks that is worked on at a time
};

}  // namespace immucan::io
