#pragma once
// HDF5 through its C API, wrapped once: handles are closed, sizes are checked against what the file stores, the library
// prints nothing. Files are deterministic: no object times, fixed chunks, format bounds v18, one thread writes.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"

namespace immucan::io {

/// Elements per chunk of the arrays that are compressed (shuffle + deflate 1); chunks of several dimensions hold whole
/// rows. Shorter arrays are stored contiguously.
inline constexpr std::size_t kHdf5ChunkElements = std::size_t{1} << 17;

/// Writes a new file; whatever stands at the path is truncated. Objects are named by absolute path ("/obs/_index"); the
/// group a member lies in must have been made. A failing write throws (74).
class Hdf5Writer {
 public:
  /// `user_block` bytes (0 or a power of two ≥ 512) stay free before the HDF5 signature. Chunks are compressed on up to
  /// `threads` threads, outside the library.
  explicit Hdf5Writer(const std::filesystem::path& path, std::size_t user_block = 0, unsigned threads = 1);
  ~Hdf5Writer();
  Hdf5Writer(Hdf5Writer&&) noexcept;

  void group(const std::string& path);

  /// T: std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint32_t, float, double. Row-major; `shape` empty =
  /// one dimension.
  template <class T>
  void array(const std::string& path, std::span<const T> values, std::span<const std::uint64_t> shape = {});
  /// One dimension of `size` values that `next` fills in from the first to the last, so that they need not all be in
  /// memory: the same file as from `array`. T: std::int16_t, std::uint32_t.
  template <class T>
  void array_in_parts(const std::string& path, std::size_t size, const std::function<void(std::span<T>)>& next);
  /// One dimension of HDF5 enumeration int8 {FALSE = 0, TRUE = 1}, as h5py writes booleans.
  void booleans(const std::string& path, std::span<const std::uint8_t> values,
                std::span<const std::uint64_t> shape = {});
  /// Variable-length UTF-8; `shape` empty = one dimension.
  void strings(const std::string& path, std::span<const std::string> values, std::span<const std::uint64_t> shape = {});
  /// One dimension of fixed-length ASCII, padded with NUL to the longest (at least 1).
  void fixed_strings(const std::string& path, std::span<const std::string> values);

  // A single value without dimensions.
  void scalar(const std::string& path, std::string_view value);
  void scalar(const std::string& path, const char* value) { scalar(path, std::string_view(value)); }
  void scalar(const std::string& path, std::int64_t value);
  void scalar(const std::string& path, double value);
  void scalar(const std::string& path, bool value);

  // Attributes of a group or data set that exists.
  void attribute(const std::string& path, const std::string& name, std::string_view value);
  void attribute(const std::string& path, const std::string& name, const char* value) {
    attribute(path, name, std::string_view(value));  // a literal would otherwise become a boolean
  }
  void attribute(const std::string& path, const std::string& name, std::int64_t value);
  void attribute(const std::string& path, const std::string& name, bool value);
  void attribute(const std::string& path, const std::string& name, std::span<const std::string> values);
  void attribute(const std::string& path, const std::string& name, std::span<const std::int64_t> values);

  /// Checked; idempotent. Destruction without it leaves an incomplete file.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class Hdf5Kind { kAbsent, kGroup, kIntegers, kReals, kBooleans, kStrings, kOther };

/// Reads an existing file. Whatever is not as asked is an Error of status 65 naming the file and the object.
class Hdf5Reader {
 public:
  /// 66 when missing; 65 when not HDF5 or truncated. Name, size and SHA-256 enter the ledger. Chunks are inflated on
  /// the threads of the context. Values in other files (links, external storage, virtual data sets) are never read.
  Hdf5Reader(const std::filesystem::path& path, core::RunContext& context);
  /// A file image in memory (tests, fuzzing).
  Hdf5Reader(std::string_view image, std::string name);
  ~Hdf5Reader();
  Hdf5Reader(Hdf5Reader&&) noexcept;

  [[nodiscard]] const std::string& name() const;
  /// The bytes before the HDF5 signature.
  [[nodiscard]] const std::string& user_block() const;
  [[nodiscard]] Hdf5Kind kind(const std::string& path) const;
  /// Names in a group, ascending by byte.
  [[nodiscard]] std::vector<std::string> members(const std::string& path) const;
  /// Dimensions of a data set; empty for a scalar.
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& path) const;

  /// Converted to T (float, double, std::int32_t, std::int64_t, std::uint64_t); values that T cannot hold are refused.
  template <class T>
  [[nodiscard]] std::vector<T> array(const std::string& path) const;
  [[nodiscard]] std::vector<std::uint8_t> booleans(const std::string& path) const;
  /// Fixed or variable length.
  [[nodiscard]] std::vector<std::string> strings(const std::string& path) const;

  [[nodiscard]] std::optional<std::string> string_attribute(const std::string& path, const std::string& name) const;
  [[nodiscard]] std::optional<std::vector<std::string>> strings_attribute(const std::string& path,
                                                                          const std::string& name) const;
  [[nodiscard]] bool has_attribute(const std::string& path, const std::string& name) const;
  /// 65 when it is anything but the enumeration FALSE, TRUE.
  [[nodiscard]] std::optional<bool> boolean_attribute(const std::string& path, const std::string& name) const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> integers_attribute(const std::string& path,
                                                                            const std::string& name) const;
  [[noreturn]] void fail(const std::string& path, std::string_view what, std::string_view remedy = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace immucan::io
