#pragma once
// The one container of our indexes and models (DESIGN §3): magic "IMMUCAN\n", kind, format version, tool version,
// section table with 64-bit offsets, every section 64-byte aligned and with its own XXH3-64; little-endian.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/output.h"
#include "core/run_context.h"

namespace immucan::io {

/// Writes sections one after the other, front to back; finish() appends the section table and the footer that finds it.
class IndexedFileWriter {
 public:
  /// `kind`: at most 15 characters, e.g. "scrna-index". `format_major` changes when old readers must refuse.
  IndexedFileWriter(core::OutputFile& out, std::string kind, std::uint32_t format_major, std::uint32_t format_minor,
                    std::string tool_version);
  ~IndexedFileWriter();
  void begin_section(std::string name);
  void write(std::string_view bytes);
  void end_section();
  template <class T>
  void section(std::string name, std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    begin_section(std::move(name));
    write({reinterpret_cast<const char*>(items.data()), items.size_bytes()});
    end_section();
  }
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A loaded file: read into anonymous memory (huge pages advised) by default, or mapped read-only and shared with
/// `map`. Every bound is checked on load; checksums when `verify` (always for the section table), piece by piece, so
/// that a mapped file is not resident afterwards. 65 with the rebuild command in `remedy` for another kind, another
/// major version, a truncation or a flipped byte; 66 when missing.
class IndexedFile {
 public:
  struct Options {
    bool map = false;
    bool verify = true;
    unsigned threads = 1;
    std::string_view unread = {};  ///< a section that is verified but not kept in memory, unless mapped
    bool record = true;            ///< as an input of the run
  };
  IndexedFile(const std::filesystem::path& path, std::string_view kind, std::uint32_t format_major, std::string remedy,
              const Options& options, core::RunContext& context);
  ~IndexedFile();
  IndexedFile(IndexedFile&&) noexcept;

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::string_view bytes(std::string_view name) const;  ///< 65 when the section is absent
  /// The section as items of T; 65 when its size is not a multiple of sizeof(T).
  template <class T>
  [[nodiscard]] std::span<const T> section(std::string_view name) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::string_view raw = bytes_of(name, sizeof(T));
    return {reinterpret_cast<const T*>(raw.data()), raw.size() / sizeof(T)};
  }
  [[nodiscard]] std::uint32_t format_minor() const;
  [[nodiscard]] std::string tool_version() const;
  /// Gives the pages of a mapped file back; they are read again when they are touched. Nothing if it is not mapped.
  void release() const;
  /// Digest recorded in run records: XXH3-128 of the section table, 32 hex digits.
  [[nodiscard]] std::string digest() const;

 private:
  [[nodiscard]] std::string_view bytes_of(std::string_view name, std::size_t item_size) const;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace immucan::io
