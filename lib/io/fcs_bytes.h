#pragma once
// Where the bytes of an FCS file come from: a plain file (pread), an inflated temporary file, or memory.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/run_context.h"

namespace immucan::io {

/// Random access to a whole file. The first read of each byte, in order, feeds the digest.
class FcsBytes {
 public:
  virtual ~FcsBytes() = default;
  /// Fills the span; the caller has checked the range against size().
  virtual void read_at(std::uint64_t offset, std::span<char> buffer) = 0;
  virtual void finish() {}
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  FcsBytes(std::string name, std::uint64_t size) : name_(std::move(name)), size_(size) {}
  std::string name_;
  std::uint64_t size_;
};

[[nodiscard]] std::unique_ptr<FcsBytes> open_fcs_file(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] std::unique_ptr<FcsBytes> open_fcs_memory(std::string_view bytes, std::string name);

}  // namespace immucan::io
