#pragma once
// Inside the room: texts of variable length of an HDF5 file, from the global heaps they lie in (HDF5 File Format
// Specification 3.0, III.E). libhdf5 1.10 trusts what a heap and the references into it say: a damaged one makes it go
// round for ever, read past the end or write past its buffer. So we never let it follow a reference.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace immucan::io {

/// Where the entries of a heap collection begin and how long they are, by their index; length 0 and place 0 where the
/// index is not in use.
struct HeapEntries {
  struct Entry {
    std::uint64_t place = 0, length = 0;
  };
  std::vector<Entry> by_index;
};

/// The entries of a collection, or what is wrong with it. `bytes`: from its signature on, at least as long as it says;
/// `length_bytes`: the file's size of lengths, 4 or 8.
[[nodiscard]] std::expected<HeapEntries, std::string> heap_entries(std::string_view bytes, std::size_t length_bytes);

/// Reads up to `size` bytes at `place` into `bytes`, fewer at the end of the file.
using ReadAt = std::function<void(std::uint64_t place, std::size_t size, std::string& bytes)>;

/// Follows references. Collections that were read are kept, some dozens of MB of them.
class HeapReader {
 public:
  struct File {
    std::uint64_t size = 0;
    std::uint64_t base = 0;  ///< where the file's addresses count from (the size of its user block)
    std::size_t address_bytes = 8, length_bytes = 8;
  };
  HeapReader(File file, ReadAt read_at) : file_(file), read_at_(std::move(read_at)) {}

  /// Bytes of a reference: length, address of the collection, index of the entry.
  [[nodiscard]] std::size_t reference_bytes() const { return 8 + file_.address_bytes; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_.size; }
  /// The text up to its first NUL, or what is wrong.
  [[nodiscard]] std::expected<std::string, std::string> text(std::string_view reference);

 private:
  struct Collection {
    std::string bytes;
    HeapEntries entries;
  };
  std::expected<const Collection*, std::string> collection(std::uint64_t address);

  File file_;
  ReadAt read_at_;
  std::unordered_map<std::uint64_t, Collection> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace immucan::io
