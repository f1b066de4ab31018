#pragma once
// Inside the room: the messages of an HDF5 object header held against the bytes they have (HDF5 File Format
// Specification 3.0, IV.A).
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
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
  std::vector<std::uint64_t> now, most;  ///< dimensions, and how far they may grow (all bits set: without end)
};

enum class ChunkIndexKind { kTree, kSingle, kImplicit, kFixedArray, kExtensibleArray, kTree2 };

/// What the layout message of a data set says of its chunks.
struct ChunkIndex {
  std::uint64_t root = 0;                 ///< address of the index; of the chunk where there is only one
  std::vector<std::uint64_t> dimensions;  ///< of a chunk, in elements; the last is the bytes of an element
  bool filtered = false;
  ChunkIndexKind kind = ChunkIndexKind::kTree;
  // What only the newer kinds need.
  std::uint64_t stored = 0;              ///< bytes of a single filtered chunk
  std::uint32_t skipped = 0;             ///< its filters not applied, a bit each
  bool plain_edges = false;              ///< chunks over the end of a dimension are not filtered
  std::vector<std::uint64_t> now, most;  ///< as in Space
};

/// What libhdf5 1.10 is to see at a place of a header instead of what is there.
struct Replacement {
  std::size_t at = 0;  ///< byte of the message
  std::string bytes;
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
  /// Of a header under a checksum: the same, and what libhdf5 1.10 has to be shown otherwise; nullopt when the message
  /// is damaged. Descriptions of types of version 4 and 5 (HDF5 1.12, 2.0) are those of version 3 but for references
  /// and complex numbers; the newer indexes of chunks are followed by us, so the library is told that nothing was
  /// written.
  [[nodiscard]] std::optional<std::vector<Replacement>> check_new(unsigned type, unsigned flags,
                                                                  std::string_view message);
  /// Of a data set that is cut into chunks.
  [[nodiscard]] std::optional<ChunkIndex> chunk_index() const;
  /// Of the extension of a superblock: most entries of a node of a tree of chunks.
  [[nodiscard]] std::optional<unsigned> chunk_entries() const { return chunk_entries_; }
  /// Whether the last message was refused for being kept outside of the header.
  [[nodiscard]] bool lies_elsewhere() const { return lies_elsewhere_; }
  /// Of a data set: that space, type and layout go together.
  [[nodiscard]] bool fits_together() const;

 private:
  std::optional<Space> space(Fields& fields) const;
  /// Size of an element, 0 when the description is damaged.
  std::uint64_t datatype(Fields& fields, int deepest);
  [[nodiscard]] std::optional<std::vector<Replacement>> replace_types(std::string_view message, std::size_t at,
                                                                      std::size_t size);
  [[nodiscard]] std::optional<std::vector<Replacement>> replace_layout(std::string_view message);
  std::uint64_t compound(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size, int deepest);
  std::uint64_t enumeration(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size, int deepest);
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
  unsigned newest_type_ = 3;            ///< version of a description that is accepted
  std::vector<std::size_t> new_types_;  ///< where descriptions of a newer version than 3 begin
  std::optional<unsigned> chunk_entries_;
  bool filtered_ = false;
  std::uint64_t fill_size_ = 0;          ///< 0: none
  std::optional<std::uint64_t> stored_;  ///< bytes of a compact or contiguous layout
};

}  // namespace immucan::io::detail
