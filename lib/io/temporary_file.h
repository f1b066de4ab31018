#pragma once
// Bytes that do not fit in memory, in a file without a name: it vanishes with the program, however that ends.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/run_context.h"

namespace immucan::io {

class TemporaryFile {
 public:
  /// In `folder`; 73 when it cannot be created there.
  explicit TemporaryFile(const std::filesystem::path& folder);
  ~TemporaryFile();
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;

  /// 74 when the disk is full.
  void append(std::span<const char> bytes);
  /// Bytes [offset, offset + buffer.size()), which must have been written.
  void read_at(std::uint64_t offset, std::span<char> buffer) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  friend class NamedTemporaryFile;
  explicit TemporaryFile(int descriptor) : number_(descriptor) {}
  int number_;
  std::uint64_t size_ = 0;
};

/// For libraries that must write by name and resolve it (HDF5): removed with the object, so also when an error or a
/// signal unwinds; only SIGKILL leaves it behind.
class NamedTemporaryFile {
 public:
  /// An empty file of a new name in `folder`; 73 when it cannot be created there.
  explicit NamedTemporaryFile(const std::filesystem::path& folder);
  ~NamedTemporaryFile();
  NamedTemporaryFile(const NamedTemporaryFile&) = delete;
  NamedTemporaryFile& operator=(const NamedTemporaryFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// What was written under the name, in pieces of about 1 MB.
  void read(const std::function<void(std::string_view)>& use) const;

 private:
  std::filesystem::path path_;
};

/// --tmpdir, else the system's folder for temporary files.
[[nodiscard]] std::filesystem::path temporary_folder(const core::RunContext& context);

/// Records of equal size in the order they came. Up to `memory` bytes stay in memory, the rest lies in a temporary
/// file.
class RecordSpool {
 public:
  RecordSpool(std::size_t record_bytes, std::filesystem::path folder, std::size_t memory = std::size_t{1} << 16);
  void append(std::span<const char> record);
  /// Up to buffer.size() bytes from record `first` on, whole records; how many records.
  std::size_t read(std::uint64_t first, std::span<char> buffer) const;
  [[nodiscard]] std::uint64_t size() const { return records_; }
  [[nodiscard]] std::size_t record_bytes() const { return record_bytes_; }

 private:
  std::size_t record_bytes_, memory_;
  std::filesystem::path folder_;
  std::uint64_t records_ = 0;
  std::optional<TemporaryFile> file_;
  std::string tail_;  ///< what is not in the file
};

}  // namespace immucan::io
