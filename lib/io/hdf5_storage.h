#pragma once
// Private to the HDF5 sources: what a data set asks of memory, before it is read. Includes no HDF5 header.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

namespace immucan::io::detail {

/// Of one file. A chunk that inflates to more than --max-expansion times its stored bytes, values that were never
/// stored, and many small bombs together are all refused before they take memory.
class StorageLimits {
 public:
  /// `max_expansion`: as for streams (--max-expansion); 0 = any.
  explicit StorageLimits(std::uint64_t max_expansion);
  void set_file_bytes(std::uint64_t bytes) { file_bytes_ = bytes; }

  struct Refusal {
    std::string what, remedy;  ///< no remedy: that of the caller
  };
  /// Number of values of the open data set with these dimensions. Refused: values in other files, filters that are not
  /// at hand, chunks larger than any sane file's or more of them than the file can name, more values than the stored
  /// bytes can hold. Bytes of all values as stored; of an element as stored, and in memory once it is read.
  [[nodiscard]] std::expected<std::size_t, Refusal> elements(std::int64_t dataset,
                                                             std::span<const std::uint64_t> dimensions,
                                                             std::uint64_t stored, std::size_t element_size,
                                                             std::size_t memory_size);

 private:
  [[nodiscard]] bool allows(std::uint64_t bytes, std::uint64_t stored) const {
    return expansion_ == 0 || bytes / expansion_ <= stored;
  }
  [[nodiscard]] std::expected<void, Refusal> storage(std::int64_t dataset, std::span<const std::uint64_t> dimensions,
                                                     std::size_t element_size, std::uint64_t stored) const;
  [[nodiscard]] std::expected<void, Refusal> chunks(std::int64_t properties, std::span<const std::uint64_t> dimensions,
                                                    std::size_t element_size, std::uint64_t stored) const;

  std::uint64_t file_bytes_ = 0;
  std::uint64_t expansion_ = 0;  ///< bytes in memory for a stored one; 0 = any
  std::uint64_t asked_ = 0;      ///< by all data sets so far
};

}  // namespace immucan::io::detail
