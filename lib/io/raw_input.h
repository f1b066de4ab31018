#pragma once
// Bytes of an input as they are stored: from a descriptor (hashed while they pass, recorded in the ledger at the end)
// or from memory. What the decoders of byte_source read from.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/run_context.h"

namespace immucan::io {

/// A window over the stored bytes that only moves forward. Not thread-safe.
class RawInput {
 public:
  /// Opens a file or "-" (stdin). 66 when missing, unreadable or a folder.
  RawInput(const std::filesystem::path& path, core::RunContext& context);
  /// `bytes` must outlive the input. Nothing is hashed or recorded.
  RawInput(std::string_view bytes, std::string name);
  ~RawInput();
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;

  /// Makes at least `wanted` bytes available; false when the input ends before. The view of available() changes.
  bool require(std::size_t wanted);
  [[nodiscard]] std::string_view available() const;
  /// Advances by `count`; a decoder that looked ahead may step back by up to kLookback bytes.
  void consume(std::ptrdiff_t count);
  /// Up to buffer.size() bytes, past the window where it is empty: no copy of what is read verbatim. 0 only at the end.
  std::size_t read(std::span<char> buffer);

  /// Offset in the stored bytes of the first available one.
  [[nodiscard]] std::uint64_t offset() const;
  [[nodiscard]] const std::string& name() const;
  /// 65 when the bytes consumed so far have become more than --max-expansion times as many (beyond the first 16 MB).
  void check_expansion(std::uint64_t decompressed) const;

  static constexpr std::size_t kLookback = 16;

 private:
  struct State;
  std::size_t read_some(char* destination, std::size_t capacity);
  std::unique_ptr<State> state_;
};

}  // namespace immucan::io
