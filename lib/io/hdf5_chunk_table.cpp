#include "io/hdf5_chunk_table.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>

#include "io/hdf5_checksum.h"

namespace immucan::io::detail {

namespace {

constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
constexpr std::uint64_t kAlwaysAllowedChunks = std::uint64_t{1} << 16;
constexpr unsigned kMostBits = 63;
constexpr std::size_t kChecksum = 4, kSkipped = 4;
constexpr const char* kDamaged = "has a damaged index of chunks";

/// Bytes of a number up to `most`.
std::size_t bytes_for(std::uint64_t most) {
  return static_cast<std::size_t>((std::bit_width(std::max<std::uint64_t>(most, 1)) - 1) / 8 + 1);
}

/// Every structure ends with the checksum of its bytes before.
std::optional<std::string> checked_piece(const Hdf5Superblock& file, const ReadAt& read_at, std::uint64_t address,
                                         std::uint64_t size, std::string_view signature) {
  auto bytes = read_piece(read_at, file.file, address, size);
  if (!bytes || size < kChecksum || !bytes->starts_with(signature)) return std::nullopt;
  const std::uint64_t stored = Fields(std::string_view(*bytes).substr(bytes->size() - kChecksum)).number(kChecksum);
  bytes->resize(bytes->size() - kChecksum);
  if (stored != metadata_checksum(*bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

/// One index, read from its first entry to the last that is asked for.
class ChunkTable::IndexReader {
 public:
  IndexReader(const Hdf5Superblock& file, const ReadAt& read_at, const ChunkIndex& index)
      : file_(file), read_at_(read_at), index_(index) {
    // At most 2^32, as the layout was held against.
    for (const std::uint64_t dimension : index.dimensions) chunk_bytes_ *= dimension;
  }
  [[nodiscard]] std::uint64_t chunk_bytes() const { return chunk_bytes_; }
  /// How many of these the file has room for.
  [[nodiscard]] std::uint64_t room(std::uint64_t bytes) const { return file_.file.size / bytes; }

  /// Address, and of filtered chunks size and filters; nullopt when it is damaged.
  std::optional<LocatedChunk> entry(Fields& fields, std::size_t entry_bytes) const {
    const std::uint64_t address = fields.number(width());
    const bool absent = address == no_address(file_.file);
    LocatedChunk chunk{.bytes = chunk_bytes_};
    if (index_.filtered) {
      chunk.bytes = fields.number(entry_bytes - width() - kSkipped);
      chunk.skipped = static_cast<std::uint32_t>(fields.number(kSkipped));
    }
    if (!fields.good()) return std::nullopt;
    if (absent) return LocatedChunk{};
    return placed(address, chunk);
  }

  [[nodiscard]] std::optional<LocatedChunk> placed(std::uint64_t address, LocatedChunk chunk) const {
    const HeapReader::File& file = file_.file;
    if (address > file.size || file.base > file.size - address) return std::nullopt;
    chunk.place = address + file.base;
    if (chunk.bytes == 0 || chunk.bytes > file.size - chunk.place) return std::nullopt;
    return chunk;
  }

  /// The first `count` entries of a fixed array.
  std::optional<std::vector<LocatedChunk>> fixed_array(std::uint64_t count) const {
    const std::size_t length = file_.file.length_bytes;
    const auto header = piece(index_.root, 8 + length + width() + kChecksum, "FAHD");
    if (!header) return std::nullopt;
    Fields fields(*header);
    fields.skip(6);
    const auto entry_bytes = static_cast<std::size_t>(fields.number(1));
    const std::uint64_t page_bits = fields.number(1), most = fields.number(length), block = fields.number(width());
    if (!entry_is_sound(entry_bytes) || page_bits > kMostBits || most < count || most > room(entry_bytes)) {
      return std::nullopt;
    }
    if (block == no_address(file_.file)) return std::vector<LocatedChunk>(static_cast<std::size_t>(count));
    const std::size_t prefix = 6 + width();
    const std::uint64_t page = std::uint64_t{1} << page_bits;
    std::vector<LocatedChunk> found;
    if (most <= page) {
      const auto bytes = piece(block, prefix + most * entry_bytes + kChecksum, "FADB");
      if (!bytes || !take(std::string_view(*bytes).substr(prefix), entry_bytes, count, found)) return std::nullopt;
      return found;
    }
    const std::uint64_t pages = (most - 1) / page + 1, bitmap = (pages + 7) / 8;
    const auto bytes = piece(block, prefix + bitmap + kChecksum, "FADB");
    if (!bytes) return std::nullopt;
    const Pages all{.place = block + prefix + bitmap + kChecksum, .entries = page, .entry_bytes = entry_bytes};
    if (!take_pages(all, std::string_view(*bytes).substr(prefix), 0, most, count, found)) return std::nullopt;
    return found;
  }

  /// The first `count` entries of an extensible array.
  std::optional<std::vector<LocatedChunk>> extensible_array(std::uint64_t count) const;

  /// Calls `found(scaled offsets, chunk)` for every record of a B-tree of version 2; false when it is damaged.
  template <class Found>
  bool records(const Found& found) const;

 private:
  struct Pages {
    std::uint64_t place = 0;  ///< address of the first
    std::uint64_t entries = 0;
    std::size_t entry_bytes = 0;
  };
  struct ArrayShape;
  struct TreeShape;

  [[nodiscard]] std::size_t width() const { return file_.file.address_bytes; }
  [[nodiscard]] std::optional<std::string> piece(std::uint64_t address, std::uint64_t size,
                                                 std::string_view signature) const {
    return checked_piece(file_, read_at_, address, size, signature);
  }

  /// Compressed, the size of a chunk has 1 to 8 bytes.
  [[nodiscard]] bool entry_is_sound(std::size_t entry_bytes) const {
    if (!index_.filtered) return entry_bytes == width();
    return entry_bytes > width() + kSkipped && entry_bytes <= width() + kSkipped + 8;
  }

  /// Appends entries until there are `count`.
  bool take(std::string_view bytes, std::size_t entry_bytes, std::uint64_t count,
            std::vector<LocatedChunk>& found) const {
    Fields fields(bytes);
    while (found.size() < count && fields.left() >= entry_bytes) {
      const auto chunk = entry(fields, entry_bytes);
      if (!chunk) return false;
      found.push_back(*chunk);
    }
    return true;
  }

  /// `used`: a bit for each page, the highest of a byte first, those of this block from `first_bit` on.
  bool take_pages(const Pages& pages, std::string_view used, std::uint64_t first_bit, std::uint64_t entries,
                  std::uint64_t count, std::vector<LocatedChunk>& found) const {
    std::uint64_t place = pages.place;
    for (std::uint64_t first = 0; first < entries && found.size() < count; first += pages.entries) {
      const std::uint64_t here = std::min(pages.entries, entries - first);
      const std::uint64_t bit = first_bit + first / pages.entries;
      if (bit / 8 >= used.size()) return false;
      const auto byte = static_cast<unsigned char>(used[static_cast<std::size_t>(bit / 8)]);
      if ((byte >> (7 - bit % 8) & 1U) == 0) {
        found.resize(std::min<std::uint64_t>(found.size() + here, count));
      } else {
        const auto bytes = piece(place, here * pages.entry_bytes + kChecksum, "");
        if (!bytes || !take(*bytes, pages.entry_bytes, count, found)) return false;
      }
      place += here * pages.entry_bytes + kChecksum;
    }
    return true;
  }

  bool take_data_block(const ArrayShape& shape, std::uint64_t address, std::uint64_t entries, std::string_view used,
                       std::uint64_t first_bit, std::uint64_t count, std::vector<LocatedChunk>& found) const;
  bool node(const TreeShape& shape, std::uint64_t address, std::uint64_t used, std::size_t depth,
            std::uint64_t& records_left, const auto& found) const;

  const Hdf5Superblock& file_;
  const ReadAt& read_at_;
  const ChunkIndex& index_;
  std::uint64_t chunk_bytes_ = 1;
};

/// What the header of an extensible array says of its blocks.
struct ChunkTable::IndexReader::ArrayShape {
  std::size_t entry_bytes = 0, offset_bytes = 0;
  std::uint64_t least_entries = 0;  ///< of a data block
  std::uint64_t page = 0;
};

bool ChunkTable::IndexReader::take_data_block(const ArrayShape& shape, std::uint64_t address, std::uint64_t entries,
                                              std::string_view used, std::uint64_t first_bit, std::uint64_t count,
                                              std::vector<LocatedChunk>& found) const {
  if (found.size() >= count) return true;
  if (address == no_address(file_.file)) {
    found.resize(std::min<std::uint64_t>(found.size() + entries, count));
    return true;
  }
  if (entries > room(shape.entry_bytes)) return false;
  const std::size_t prefix = 6 + width() + shape.offset_bytes;
  if (entries > shape.page) {
    if (!piece(address, prefix + kChecksum, "EADB")) return false;
    const Pages pages{.place = address + prefix + kChecksum, .entries = shape.page, .entry_bytes = shape.entry_bytes};
    return take_pages(pages, used, first_bit, entries, count, found);
  }
  const auto bytes = piece(address, prefix + entries * shape.entry_bytes + kChecksum, "EADB");
  return bytes && take(std::string_view(*bytes).substr(prefix), shape.entry_bytes, count, found);
}

std::optional<std::vector<LocatedChunk>> ChunkTable::IndexReader::extensible_array(std::uint64_t count) const {
  const std::size_t length = file_.file.length_bytes;
  const auto header = piece(index_.root, 12 + 6 * length + width() + kChecksum, "EAHD");
  if (!header) return std::nullopt;
  Fields fields(*header);
  fields.skip(6);
  ArrayShape shape{.entry_bytes = static_cast<std::size_t>(fields.number(1))};
  const std::uint64_t bits = fields.number(1), direct = fields.number(1);
  shape.least_entries = fields.number(1);
  const std::uint64_t least_pointers = fields.number(1), page_bits = fields.number(1);
  fields.skip(6 * length);
  const std::uint64_t block = fields.number(width());
  shape.page = std::uint64_t{1} << std::min<std::uint64_t>(page_bits, kMostBits);
  shape.offset_bytes = static_cast<std::size_t>((bits + 7) / 8);
  if (!entry_is_sound(shape.entry_bytes) || bits > 64 || page_bits > kMostBits || least_pointers < 2 ||
      !std::has_single_bit(shape.least_entries) || !std::has_single_bit(least_pointers)) {
    return std::nullopt;
  }
  std::vector<LocatedChunk> found;
  if (block == no_address(file_.file)) return std::vector<LocatedChunk>(static_cast<std::size_t>(count));
  // Super block u leads to 2^(u/2) data blocks of 2^((u+1)/2) times the least entries. The first ones are left out, and
  // their data blocks are named by the index block itself.
  const auto least_bits = static_cast<std::uint64_t>(std::countr_zero(shape.least_entries));
  const auto left_out = 2 * static_cast<std::uint64_t>(std::countr_zero(least_pointers));
  if (least_bits > bits) return std::nullopt;
  const std::uint64_t super_blocks = 1 + bits - least_bits;
  if (super_blocks < left_out) return std::nullopt;
  const std::uint64_t data_pointers = 2 * (least_pointers - 1);
  const std::size_t prefix = 6 + width();
  const auto bytes = piece(
      block, prefix + direct * shape.entry_bytes + (data_pointers + super_blocks - left_out) * width() + kChecksum,
      "EAIB");
  if (!bytes) return std::nullopt;
  if (!take(std::string_view(*bytes).substr(prefix, direct * shape.entry_bytes), shape.entry_bytes, count, found)) {
    return std::nullopt;
  }
  Fields pointers(std::string_view(*bytes).substr(prefix + direct * shape.entry_bytes));
  for (std::uint64_t u = 0; u < super_blocks && found.size() < count; ++u) {
    const std::uint64_t blocks = std::uint64_t{1} << (u / 2);
    const std::uint64_t entries = (std::uint64_t{1} << ((u + 1) / 2)) * shape.least_entries;
    if (u < left_out) {
      for (std::uint64_t i = 0; i < blocks; ++i) {
        if (!take_data_block(shape, pointers.number(width()), entries, {}, 0, count, found)) return std::nullopt;
      }
      continue;
    }
    const std::uint64_t super_block = pointers.number(width());
    if (super_block == no_address(file_.file)) {
      const std::uint64_t all = blocks > count / entries ? count : blocks * entries;
      found.resize(std::min<std::uint64_t>(found.size() + all, count));
      continue;
    }
    const std::uint64_t pages = entries > shape.page ? entries / shape.page : 0;
    if (blocks > room(width() + (pages + 7) / 8)) return std::nullopt;
    const std::size_t before = 6 + width() + shape.offset_bytes;
    const std::uint64_t bitmap = blocks * ((pages + 7) / 8);
    const auto inner = piece(super_block, before + bitmap + blocks * width() + kChecksum, "EASB");
    if (!inner) return std::nullopt;
    const std::string_view used = std::string_view(*inner).substr(before, static_cast<std::size_t>(bitmap));
    Fields data(std::string_view(*inner).substr(before + static_cast<std::size_t>(bitmap)));
    for (std::uint64_t i = 0; i < blocks; ++i) {
      if (!take_data_block(shape, data.number(width()), entries, used, i * pages, count, found)) return std::nullopt;
    }
  }
  if (found.size() < count) return std::nullopt;
  return found;
}

/// What the header of a B-tree of version 2 says of its nodes, by their height above the leaves.
struct ChunkTable::IndexReader::TreeShape {
  struct Level {
    std::uint64_t most = 0, most_below = 0;  ///< records of a node, of it and all nodes below
  };
  std::size_t node_bytes = 0, record_bytes = 0, leaf_count_bytes = 0;
  std::vector<Level> levels;

  /// Bytes of a pointer from a node of this height.
  [[nodiscard]] std::size_t pointer_bytes(std::size_t height, std::size_t width) const {
    return width + leaf_count_bytes + (height > 1 ? bytes_for(levels[height - 1].most_below) : 0);
  }
};

template <class Found>
bool ChunkTable::IndexReader::records(const Found& found) const {
  constexpr std::size_t kNodeFrame = 10;
  constexpr std::uint64_t kDeepest = 32;
  const auto header = piece(index_.root, 22 + width() + file_.file.length_bytes, "BTHD");
  if (!header) return false;
  Fields fields(*header);
  fields.skip(6);
  TreeShape shape;
  shape.node_bytes = static_cast<std::size_t>(fields.number(4));
  shape.record_bytes = static_cast<std::size_t>(fields.number(2));
  const std::uint64_t depth = fields.number(2);
  fields.skip(2);
  const std::uint64_t root = fields.number(width()), used = fields.number(2);
  std::uint64_t left = fields.number(file_.file.length_bytes);
  const std::size_t offsets = 8 * (index_.dimensions.size() - 1);
  if (depth > kDeepest || shape.record_bytes <= offsets || !entry_is_sound(shape.record_bytes - offsets) ||
      shape.node_bytes < kNodeFrame + shape.record_bytes) {
    return false;
  }
  const std::uint64_t in_leaf = (shape.node_bytes - kNodeFrame) / shape.record_bytes;
  shape.leaf_count_bytes = bytes_for(in_leaf);
  shape.levels.push_back({in_leaf, in_leaf});
  for (std::size_t height = 1; height <= depth; ++height) {
    const std::size_t pointer = shape.pointer_bytes(height, width());
    if (shape.node_bytes < kNodeFrame + 2 * pointer + shape.record_bytes) return false;
    const std::uint64_t most = (shape.node_bytes - kNodeFrame - pointer) / (shape.record_bytes + pointer);
    const std::uint64_t below = shape.levels.back().most_below;
    const bool is_countable = below < (std::uint64_t{1} << 40);  // beyond any file
    shape.levels.push_back({most, is_countable ? (most + 1) * below + most : below});
  }
  if (root == no_address(file_.file)) return left == 0;
  return node(shape, root, used, static_cast<std::size_t>(depth), left, found) && left == 0;
}

bool ChunkTable::IndexReader::node(const TreeShape& shape, std::uint64_t address, std::uint64_t used,
                                   std::size_t height, std::uint64_t& records_left, const auto& found) const {
  constexpr std::size_t kPrefix = 6;
  if (used == 0 || used > shape.levels[height].most || used > records_left) return false;
  records_left -= used;
  const std::size_t pointer = height == 0 ? 0 : shape.pointer_bytes(height, width());
  const std::uint64_t bytes = kPrefix + used * shape.record_bytes + (height == 0 ? 0 : (used + 1) * pointer);
  const auto whole = piece(address, bytes + kChecksum, height == 0 ? "BTLF" : "BTIN");
  if (!whole) return false;
  Fields fields(*whole);
  fields.skip(kPrefix);
  std::vector<std::uint64_t> scaled(index_.dimensions.size() - 1);
  for (std::uint64_t i = 0; i < used; ++i) {
    const auto chunk = entry(fields, shape.record_bytes - 8 * scaled.size());
    for (std::uint64_t& one : scaled) one = fields.number(8);
    if (!chunk || !found(scaled, *chunk)) return false;
  }
  for (std::uint64_t i = 0; height != 0 && i <= used; ++i) {
    Fields one(fields.text(pointer));
    const std::uint64_t child = one.number(width()), child_used = one.number(shape.leaf_count_bytes);
    if (!node(shape, child, child_used, height - 1, records_left, found)) return false;
  }
  return true;
}

namespace {

bool assign(LocatedChunk& chunk, const std::optional<LocatedChunk>& found) {
  if (found) chunk = *found;
  return found.has_value();
}

/// Steps through the chunks of a grid, the last dimension first; false after the last.
bool step(std::vector<std::uint64_t>& at, const std::vector<std::uint64_t>& grid) {
  for (std::size_t i = at.size(); i-- > 0;) {
    if (++at[i] < grid[i]) return true;
    at[i] = 0;
  }
  return false;
}

/// Number of each chunk of the grid in an array laid out for the dimensions the data set may grow to; the dimension
/// without end counts slowest.
std::optional<std::vector<std::uint64_t>> array_numbers(const ChunkIndex& index,
                                                        const std::vector<std::uint64_t>& grid) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  std::vector<std::size_t> order(grid.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return index.most[i] != kUnlimited; });
  std::vector<std::uint64_t> stride(grid.size());
  std::uint64_t below = 1;
  for (std::size_t k = order.size(); k-- > 0;) {
    const std::size_t i = order[k];
    stride[i] = below;
    if (k == 0) break;
    const std::uint64_t most = (index.most[i] + index.dimensions[i] - 1) / index.dimensions[i];
    if (index.most[i] == kUnlimited || most > kMost / below) return std::nullopt;
    below *= std::max<std::uint64_t>(most, 1);
  }
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint64_t> at(grid.size());
  do {
    numbers.push_back(std::inner_product(at.begin(), at.end(), stride.begin(), std::uint64_t{0}));
  } while (step(at, grid));
  return numbers;
}

}  // namespace

std::expected<ChunkTable, std::string> ChunkTable::read(const Hdf5Superblock& file, const ReadAt& read_at,
                                                        const ChunkIndex& index) {
  const auto too_many = [] { return std::unexpected("is cut into more chunks than the file can name"); };
  ChunkTable table;
  const std::size_t rank = index.dimensions.size() - 1;
  if (index.now.size() != rank || index.most.size() != rank) return std::unexpected(kDamaged);
  table.chunk_.assign(index.dimensions.begin(), index.dimensions.end() - 1);
  const std::uint64_t most_chunks = std::max(kAlwaysAllowedChunks, file.file.size / file.file.address_bytes);
  std::uint64_t count = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    if (index.most[i] < index.now[i]) return std::unexpected(kDamaged);
    const std::uint64_t along = index.now[i] == 0 ? 0 : (index.now[i] - 1) / table.chunk_[i] + 1;
    if (along != 0 && count > most_chunks / along) return too_many();
    count *= along;
    table.grid_.push_back(along);
  }
  table.chunks_.resize(static_cast<std::size_t>(count));
  if (count == 0 || index.root == no_address(file.file)) return table;
  if (!table.fill(IndexReader(file, read_at, index), index, most_chunks)) return std::unexpected(kDamaged);
  if (index.plain_edges) table.leave_edges_plain(index);
  return table;
}

bool ChunkTable::fill(const IndexReader& reader, const ChunkIndex& index, std::uint64_t most_entries) {
  if (index.kind == ChunkIndexKind::kSingle) {
    const LocatedChunk one{.bytes = index.filtered ? index.stored : reader.chunk_bytes(), .skipped = index.skipped};
    return chunks_.size() == 1 && assign(chunks_.front(), reader.placed(index.root, one));
  }
  if (index.kind == ChunkIndexKind::kTree2) {
    return reader.records([&](const std::vector<std::uint64_t>& scaled, const LocatedChunk& chunk) {
      std::size_t number = 0;
      for (std::size_t i = 0; i < grid_.size(); ++i) {
        if (scaled[i] >= grid_[i]) return false;
        number = number * static_cast<std::size_t>(grid_[i]) + static_cast<std::size_t>(scaled[i]);
      }
      return std::exchange(chunks_[number], chunk).bytes == 0;  // none twice
    });
  }
  const auto numbers = array_numbers(index, grid_);
  if (!numbers) return false;
  const std::uint64_t entries = std::ranges::max(*numbers) + 1;
  if (index.kind == ChunkIndexKind::kImplicit) {
    if (index.filtered || entries > reader.room(reader.chunk_bytes())) return false;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      const std::uint64_t address = index.root + (*numbers)[i] * reader.chunk_bytes();
      if (!assign(chunks_[i], reader.placed(address, {.bytes = reader.chunk_bytes()}))) return false;
    }
    return true;
  }
  if (entries > most_entries) return false;
  const auto found =
      index.kind == ChunkIndexKind::kFixedArray ? reader.fixed_array(entries) : reader.extensible_array(entries);
  if (!found || found->size() < entries) return false;
  for (std::size_t i = 0; i < chunks_.size(); ++i) chunks_[i] = (*found)[static_cast<std::size_t>((*numbers)[i])];
  return true;
}

void ChunkTable::leave_edges_plain(const ChunkIndex& index) {
  std::vector<std::uint64_t> at(grid_.size());
  for (LocatedChunk& chunk : chunks_) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (index.now[i] < (at[i] + 1) * chunk_[i]) chunk.skipped = ~std::uint32_t{0};
    }
    (void)step(at, grid_);
  }
}

const LocatedChunk* ChunkTable::find(std::span<const std::uint64_t> offset) const {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < grid_.size(); ++i) {
    const std::uint64_t at = i < offset.size() ? offset[i] / chunk_[i] : 0;
    if (at >= grid_[i]) return nullptr;
    number = number * grid_[i] + at;
  }
  return number < chunks_.size() ? &chunks_[static_cast<std::size_t>(number)] : nullptr;
}

std::uint64_t ChunkTable::stored_bytes() const {
  return std::accumulate(chunks_.begin(), chunks_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const LocatedChunk& chunk) { return sum + chunk.bytes; });
}

}  // namespace immucan::io::detail
