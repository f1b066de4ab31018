#pragma once
// Bytes of an input, decompressed. The format is detected from the bytes, never from the name: gzip (ISA-L, any number
// of members), BGZF (libdeflate, EOF marker required), zstd (any number of frames), plain; "-" is stdin.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/run_context.h"

namespace immucan::io {

enum class Compression { kPlain, kGzip, kBgzf, kZstd };

/// A forward stream of decompressed bytes. Not thread-safe; one thread at a time may call read().
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills up to buffer.size() bytes and returns how many; less than asked only at the end, 0 = end. A truncated or
  /// corrupt stream throws (65, with the compressed byte offset); a failing read(2) throws (74). At the end the input's
  /// name, size and SHA-256 have been entered in the context's ledger.
  virtual std::size_t read(std::span<char> buffer) = 0;
  [[nodiscard]] virtual Compression compression() const = 0;
  /// As given by the user ("-" becomes "<stdin>"), for messages.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Offset of the next decompressed byte.
  [[nodiscard]] virtual std::uint64_t position() const = 0;
};

/// Opens a file or "-". 66 when missing or unreadable, or a folder.
[[nodiscard]] std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, core::RunContext& context);
/// Plain or compressed bytes in memory (tests, fuzzing); `bytes` must outlive the source. Nothing enters the ledger.
[[nodiscard]] std::unique_ptr<ByteSource> open_memory(std::string_view bytes, std::string name = "<memory>");
/// Everything, for formats that are read whole. Refuses more than `limit` decompressed bytes (65).
[[nodiscard]] std::string read_all(ByteSource& source, std::uint64_t limit = std::uint64_t{1} << 40);

/// Lines without their end ("\n" or "\r\n"); the last line may lack it.
class LineReader {
 public:
  explicit LineReader(std::unique_ptr<ByteSource> source, std::size_t buffer_size = std::size_t{1} << 20);
  /// The view is valid until the next call. False at the end. A line over 1 GiB is refused (65).
  bool next(std::string_view& line);
  /// 1-based number of the line last returned.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }
  [[nodiscard]] const std::string& name() const { return source_->name(); }

 private:
  bool refill();
  std::unique_ptr<ByteSource> source_;
  std::size_t whole_buffer_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool at_end_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace immucan::io
