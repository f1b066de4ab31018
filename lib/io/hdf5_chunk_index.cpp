#include "io/hdf5_chunk_index.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace immucan::io::detail {

namespace {

constexpr std::uint64_t kChunks = 1;  // type of such a tree
constexpr std::uint64_t kHighestLevel = 63;

class ChunkTree {
 public:
  ChunkTree(const Hdf5Superblock& file, const ReadAt& read_at, const ChunkIndex& index)
      : file_(file), read_at_(read_at), index_(index), key_bytes_(8 + 8 * index.dimensions.size()) {
    for (const std::uint64_t dimension : index.dimensions) chunk_bytes_ *= dimension;  // held below 2^32 by the caller
    const std::uint64_t entries = file.chunk_entries;
    node_bytes_ = 8 + 2 * width() + entries * (key_bytes_ + width()) + key_bytes_;
    // No two nodes share their bytes, so there are no more of them than the file has room for.
    nodes_left_ = file.file.size / node_bytes_ + 1;
  }

  /// The level of a node is one less than that of the node above.
  bool is_sound(std::uint64_t address, std::optional<std::uint64_t> wanted_level = std::nullopt) {
    if (nodes_left_-- == 0) return false;
    const auto node = read_piece(read_at_, file_.file, address, node_bytes_);
    if (!node || !node->starts_with("TREE")) return false;
    Fields fields(*node);
    fields.skip(4);
    const std::uint64_t type = fields.number(1), level = fields.number(1), used = fields.number(2);
    fields.skip(2 * width());
    if (type != kChunks || level != wanted_level.value_or(level) || level > kHighestLevel) return false;
    if (used > file_.chunk_entries) return false;
    for (std::uint64_t i = 0; i < used; ++i) {
      const std::uint64_t stored = fields.number(4);
      fields.skip(4);
      if (!place_is_sound(fields)) return false;
      const std::uint64_t child = fields.number(width());
      if (!(level == 0 ? chunk_is_sound(child, stored) : is_sound(child, level - 1))) return false;
    }
    return fields.good();
  }

 private:
  [[nodiscard]] std::size_t width() const { return file_.file.address_bytes; }

  /// Chunks begin at multiples of their dimensions.
  [[nodiscard]] bool place_is_sound(Fields& fields) const {
    bool sound = true;
    for (const std::uint64_t dimension : index_.dimensions) sound &= fields.number(8) % dimension == 0;
    return sound;
  }

  [[nodiscard]] bool chunk_is_sound(std::uint64_t address, std::uint64_t stored) const {
    if (stored == 0 || (!index_.filtered && stored != chunk_bytes_)) return false;
    const HeapReader::File& file = file_.file;
    return address <= file.size && file.base <= file.size - address && stored <= file.size - address - file.base;
  }

  const Hdf5Superblock& file_;
  const ReadAt& read_at_;
  const ChunkIndex& index_;
  std::size_t key_bytes_;
  std::uint64_t chunk_bytes_ = 1, node_bytes_ = 0, nodes_left_ = 0;
};

}  // namespace

std::expected<void, std::string> check_chunk_index(const Hdf5Superblock& file, const ReadAt& read_at,
                                                   const ChunkIndex& index) {
  if (index.root == no_address(file.file)) return {};
  if (!ChunkTree(file, read_at, index).is_sound(index.root)) return std::unexpected("has a damaged index of chunks");
  return {};
}

}  // namespace immucan::io::detail
