#pragma once
// Inside the room: the messages of an HDF5 object header held against the bytes they have (HDF5 File Format
// Specification 3.0, IV.A).
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace immucan::io::detail {

/// Little-endian numbers one after the other. Past the end it gives zeros and is no longer good.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number(std::size_t size);
  std::string_view text(std::size_t size);
  /// Up to a NUL, which is passed; not good without one.
  std::string_view name();
  void skip(std::size_t size) { (void)text(size); }
  /// Fills up to a multiple of 8 bytes from `begin`.
  void align(std::size_t begin);
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

/// What dimensions and values of a data set or attribute are.
struct Space {
  std::size_t rank = 0;
  std::uint64_t elements = 1;
};

/// What the layout message of a data set says of its chunks.
struct ChunkIndex {
  std::uint64_t root = 0;                 ///< address of the tree
  std::vector<std::uint64_t> dimensions;  ///< of a chunk, in elements; the last is the bytes of an element
  bool filtered = false;
};

/// Looks at one header's messages in turn.
class MessageChecker {
 public:
  MessageChecker(std::size_t address_bytes, std::size_t length_bytes)
      : address_bytes_(address_bytes), length_bytes_(length_bytes) {}

  [[nodiscard]] bool check(unsigned type, unsigned flags, std::string_view message);
  /// Address and size of the next chunk, when the last message named one.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> take_continuation() {
    return std::exchange(continuation_, std::nullopt);
  }
  /// Tree and heap of a group of version 1.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> old_group() const { return old_group_; }
  /// The one thing looked for in a header under a checksum.
  void look_for_chunks(unsigned type, std::string_view message);
  /// Of a data set that is cut into chunks which a tree of version 1 leads to.
  [[nodiscard]] std::optional<ChunkIndex> chunk_index() const;
  /// Whether the last message was refused for being kept outside of the header.
  [[nodiscard]] bool lies_elsewhere() const { return lies_elsewhere_; }
  /// Of a data set: that space, type and layout go together.
  [[nodiscard]] bool fits_together() const;

 private:
  std::optional<Space> space(Fields& fields) const;
  /// Size of an element, 0 when the description is damaged.
  std::uint64_t datatype(Fields& fields, int deepest) const;
  std::uint64_t compound(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size,
                         int deepest) const;
  std::uint64_t enumeration(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size,
                            int deepest) const;
  bool attribute(Fields& fields);
  bool layout(Fields& fields);
  bool old_layout(Fields& fields, unsigned version);
  bool chunked(Fields& fields, std::uint64_t address, std::uint64_t rank);
  bool fill(Fields& fields);
  bool fill_value(Fields& fields, std::uint64_t size);

  std::size_t address_bytes_, length_bytes_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> continuation_, old_group_;
  std::optional<Space> space_;
  std::uint64_t element_size_ = 0;
  bool lies_elsewhere_ = false;
  std::optional<ChunkIndex> chunks_;
  bool filtered_ = false;
  std::uint64_t fill_size_ = 0;          ///< 0: none
  std::optional<std::uint64_t> stored_;  ///< bytes of a compact or contiguous layout
};

}  // namespace immucan::io::detail
