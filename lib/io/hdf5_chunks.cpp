#include "io/hdf5_chunks.h"

#include <hdf5.h>
#include <libdeflate.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/ordered_batches.h"
#include "io/byte_shuffle.h"
#include "io/hdf5_checksum.h"
#include "io/hdf5_handle.h"

namespace immucan::io::detail {

namespace {

constexpr std::size_t kMaximalRank = 8;

/// How a data set is cut and filtered, when it is in one of the ways this file reads.
struct Layout {
  std::size_t rank = 0;
  std::uint64_t rows = 0, rows_per_chunk = 0;
  std::size_t row_bytes = 0;  ///< of one index of the first dimension
  bool shuffled = false, deflated = false;
  unsigned deflate_bit = 0;  ///< of the filter mask of a chunk

  [[nodiscard]] std::size_t chunk_bytes() const { return static_cast<std::size_t>(rows_per_chunk) * row_bytes; }
};

bool read_filters(hid_t properties, Layout& layout) {
  const int filters = H5Pget_nfilters(properties);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
    if (filter == H5Z_FILTER_SHUFFLE && i == 0) {
      layout.shuffled = true;
    } else if (filter == H5Z_FILTER_DEFLATE && !layout.deflated && i == filters - 1) {
      layout.deflated = true;
      layout.deflate_bit = static_cast<unsigned>(i);
    } else {
      return false;
    }
  }
  return true;
}

std::optional<Layout> layout_of(hid_t dataset, std::size_t size, std::size_t elements) {
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  if (!properties.valid() || H5Pget_layout(properties.get()) != H5D_CHUNKED) return std::nullopt;
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 1 || static_cast<std::size_t>(rank) > kMaximalRank) return std::nullopt;
  hsize_t dimensions[kMaximalRank] = {}, chunk[kMaximalRank] = {};
  H5Sget_simple_extent_dims(space.get(), dimensions, nullptr);
  if (H5Pget_chunk(properties.get(), rank, chunk) != rank) return std::nullopt;
  Layout layout;
  layout.rank = static_cast<std::size_t>(rank);
  layout.rows = dimensions[0];
  layout.rows_per_chunk = chunk[0];
  layout.row_bytes = size;
  for (std::size_t i = 1; i < layout.rank; ++i) {
    if (chunk[i] != dimensions[i]) return std::nullopt;
    layout.row_bytes *= static_cast<std::size_t>(dimensions[i]);
  }
  if (layout.rows_per_chunk == 0 || layout.row_bytes == 0 || layout.rows != elements * size / layout.row_bytes) {
    return std::nullopt;
  }
  if (!read_filters(properties.get(), layout)) return std::nullopt;
  return layout;
}

struct Chunk {
  std::vector<char> stored, plain, wanted;
  std::uint64_t first_row = 0;
  std::uint32_t skipped = 0;  ///< filters not applied, a bit each
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater{libdeflate_alloc_decompressor(),
                                                                                        libdeflate_free_decompressor};
};

/// The chunk without compression, null when the stored bytes are not what the layout promises.
const char* inflate(Chunk& chunk, const Layout& layout) {
  const std::size_t bytes = layout.chunk_bytes();
  if (!layout.deflated || (chunk.skipped >> layout.deflate_bit & 1U) != 0) {
    return chunk.stored.size() == bytes ? chunk.stored.data() : nullptr;
  }
  chunk.plain.resize(bytes);
  std::size_t written = 0;
  const auto outcome = libdeflate_zlib_decompress(chunk.inflater.get(), chunk.stored.data(), chunk.stored.size(),
                                                  chunk.plain.data(), bytes, &written);
  return outcome == LIBDEFLATE_SUCCESS && written == bytes ? chunk.plain.data() : nullptr;
}

unsigned bits_in_use(const char* bytes, std::size_t count) {
  unsigned char any = 0;
  for (std::size_t i = 0; i < count; ++i) any = static_cast<unsigned char>(any | static_cast<unsigned char>(bytes[i]));
  return any;
}

/// From planes of bytes to wanted elements, in blocks that stay in the nearest cache.
bool convert_shuffled(const char* planes, std::size_t stride, const ElementKind& kind, std::size_t count, char* out) {
  if (kind.lower_half) {
    const std::size_t half = kind.stored_size / 2;
    for (std::size_t plane = half; plane < kind.stored_size; ++plane) {
      if (bits_in_use(planes + plane * stride, count) != 0) return false;
    }
    constexpr unsigned kSign = 0x80;
    if ((bits_in_use(planes + (half - 1) * stride, count) & kSign) != 0) return false;
    unshuffle_bytes(planes, stride, half, count, out);
    return true;
  }
  constexpr std::size_t kBlock = 2048, kWidest = 8;
  alignas(16) std::array<char, kBlock * kWidest> block;
  for (std::size_t i = 0; i < count; i += kBlock) {
    const std::size_t piece = std::min(kBlock, count - i);
    unshuffle_bytes(planes + i, stride, kind.stored_size, piece, block.data());
    if (!kind.convert(block.data(), piece, out + i * kind.wanted_size)) return false;
  }
  return true;
}

enum class Placed { kGood, kDamaged, kOutOfRange };

Placed place(Chunk& chunk, const Layout& layout, const ElementKind& kind, std::size_t elements) {
  const char* const plain = inflate(chunk, layout);
  if (plain == nullptr) return Placed::kDamaged;
  const std::size_t inside = layout.chunk_bytes() / kind.stored_size;
  const std::size_t first = static_cast<std::size_t>(chunk.first_row) * layout.row_bytes / kind.stored_size;
  const std::size_t count = std::min(inside, elements - first);
  chunk.wanted.resize(count * kind.wanted_size);
  const bool shuffled = layout.shuffled && (chunk.skipped & 1U) == 0;
  if (kind.convert == nullptr) {
    if (shuffled) {
      unshuffle_bytes(plain, inside, kind.stored_size, count, chunk.wanted.data());
    } else {
      std::memcpy(chunk.wanted.data(), plain, chunk.wanted.size());
    }
    return Placed::kGood;
  }
  const bool fits = shuffled ? convert_shuffled(plain, inside, kind, count, chunk.wanted.data())
                             : kind.convert(plain, count, chunk.wanted.data());
  return fits ? Placed::kGood : Placed::kOutOfRange;
}

struct Filter {
  int id = 0;
  std::size_t width = 0;  ///< of the elements that are shuffled
};

std::vector<Filter> filters_of(hid_t properties) {
  std::vector<Filter> found;
  for (int i = 0; i < H5Pget_nfilters(properties); ++i) {
    unsigned flags = 0, config = 0, width = 0;
    std::size_t values = 1;
    const int id = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &values, &width, 0, nullptr, &config);
    found.push_back({id, values == 0 ? 0 : width});
  }
  return found;
}

/// Undoes the filters of a chunk.
class ChunkFilters {
 public:
  ChunkFilters(std::vector<Filter> filters, std::size_t chunk_bytes)
      // Checksums add four bytes each; nothing else makes a chunk longer than its values before it is deflated.
      : filters_(std::move(filters)), chunk_bytes_(chunk_bytes), most_bytes_(chunk_bytes + 4 * filters_.size()) {}

  /// Whether the chunk is of its size in the end. With `values`, checksums are verified and bytes unshuffled.
  bool undo(std::vector<char>& stored, std::uint32_t skipped, bool values) {
    for (std::size_t i = filters_.size(); i-- > 0;) {
      if (i < 32 && (skipped >> i & 1U) != 0) continue;
      if (!undo_one(filters_[i], stored, values)) return false;
    }
    return stored.size() == chunk_bytes_;
  }

 private:
  bool undo_one(const Filter& filter, std::vector<char>& stored, bool values) {
    if (filter.id == H5Z_FILTER_FLETCHER32) {
      if (stored.size() < 4) return false;
      std::uint32_t sum = 0;
      for (std::size_t k = 4; k > 0; --k) sum = sum << 8U | static_cast<unsigned char>(stored[stored.size() - 5 + k]);
      stored.resize(stored.size() - 4);
      return !values || sum == fletcher32({stored.data(), stored.size()});
    }
    if (filter.id == H5Z_FILTER_DEFLATE) {
      constexpr std::size_t kMostExpansion = 1040;  // 1032 and the ends
      plain_.resize(std::min(most_bytes_, (stored.size() + 64) * kMostExpansion));
      std::size_t written = 0;
      if (libdeflate_zlib_decompress(inflater_.get(), stored.data(), stored.size(), plain_.data(), plain_.size(),
                                     &written) != LIBDEFLATE_SUCCESS) {
        return false;
      }
      stored.assign(plain_.begin(), plain_.begin() + static_cast<std::ptrdiff_t>(written));
    } else if (values) {
      if (filter.width == 0 || stored.size() % filter.width != 0) return false;
      const std::size_t elements = stored.size() / filter.width;
      plain_.resize(stored.size());
      unshuffle_bytes(stored.data(), elements, filter.width, elements, plain_.data());
      std::swap(stored, plain_);
    }
    return true;
  }

  std::vector<Filter> filters_;
  std::size_t chunk_bytes_, most_bytes_;
  std::vector<char> plain_;
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater_{
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor};
};

/// A data set in chunks, of any rank.
struct Grid {
  std::vector<std::uint64_t> dimensions, chunk;

  [[nodiscard]] std::size_t chunk_bytes(std::size_t element_bytes) const {
    for (const std::uint64_t length : chunk) element_bytes *= static_cast<std::size_t>(length);
    return element_bytes;
  }
  [[nodiscard]] bool is_empty() const { return std::ranges::find(dimensions, 0U) != dimensions.end(); }
  /// Steps to the next chunk, the last dimension first; false after the last.
  [[nodiscard]] bool step(std::span<std::uint64_t> offset) const {
    for (std::size_t i = offset.size(); i-- > 0;) {
      if (chunk[i] < dimensions[i] - offset[i]) {
        offset[i] += chunk[i];
        return true;
      }
      offset[i] = 0;
    }
    return false;
  }
};

std::optional<Grid> grid_of(hid_t dataset, hid_t properties) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  std::array<hsize_t, H5S_MAX_RANK> all{}, cut{};
  const int rank = H5Sget_simple_extent_dims(space.get(), all.data(), nullptr);
  if (rank < 1 || H5Pget_chunk(properties, rank, cut.data()) != rank) return std::nullopt;
  if (std::find(cut.begin(), cut.begin() + rank, hsize_t{0}) != cut.begin() + rank) return std::nullopt;
  return Grid{{all.begin(), all.begin() + rank}, {cut.begin(), cut.begin() + rank}};
}

/// More than the values and what deflate and checksums can add.
std::uint64_t most_stored(std::uint64_t chunk_bytes) {
  return chunk_bytes + chunk_bytes / 8 + 1024;
}

/// Copies the values of a chunk that lie within the dimensions to their places.
void scatter(const Grid& grid, std::span<const std::uint64_t> offset, std::size_t element_bytes,
             const std::vector<char>& plain, std::span<char> out) {
  const std::size_t rank = grid.chunk.size();
  std::vector<std::uint64_t> inside(rank), at(rank);
  for (std::size_t i = 0; i < rank; ++i) inside[i] = std::min(grid.chunk[i], grid.dimensions[i] - offset[i]);
  const std::size_t run = static_cast<std::size_t>(inside[rank - 1]) * element_bytes;
  for (;;) {
    std::uint64_t from = 0, to = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      from = from * grid.chunk[i] + at[i];
      to = to * grid.dimensions[i] + offset[i] + at[i];
    }
    std::memcpy(out.data() + static_cast<std::size_t>(to) * element_bytes,
                plain.data() + static_cast<std::size_t>(from) * element_bytes, run);
    std::size_t i = rank - 1;
    while (i > 0 && ++at[i - 1] == inside[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

/// Zeros where none is given. A text of variable length has no fill value that could be followed.
void fill(hid_t dataset, hid_t properties, std::size_t element_bytes, std::span<char> out) {
  std::ranges::fill(out, '\0');
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  H5D_fill_value_t defined = H5D_FILL_VALUE_ERROR;
  std::vector<char> value(element_bytes);
  if (H5Tget_size(type.get()) != element_bytes || H5Tget_class(type.get()) == H5T_STRING ||
      H5Pfill_value_defined(properties, &defined) < 0 || defined != H5D_FILL_VALUE_USER_DEFINED ||
      H5Pget_fill_value(properties, type.get(), value.data()) < 0) {
    return;
  }
  for (std::size_t at = 0; at < out.size(); at += element_bytes)
    std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(at));
}

using ChunkVisitor = std::function<void(std::span<const std::uint64_t> offset, const std::vector<char>& plain)>;

/// Fetches every chunk that was written and undoes its filters; false at the first that is damaged. Without a visitor
/// only their sizes are looked at.
bool for_each_chunk(const Grid& grid, hid_t properties, const FetchChunk& fetch, std::size_t element_bytes,
                    const ChunkVisitor& visit) {
  if (grid.is_empty()) return true;
  const std::size_t bytes = grid.chunk_bytes(element_bytes);
  ChunkFilters filters(filters_of(properties), bytes);
  std::vector<std::uint64_t> offset(grid.chunk.size());
  std::vector<char> stored;
  do {
    std::uint32_t skipped = 0;
    const Fetched fetched = fetch(offset, most_stored(bytes), stored, skipped);
    if (fetched == Fetched::kDamaged) return false;
    if (fetched == Fetched::kAbsent) continue;
    if (!filters.undo(stored, skipped, static_cast<bool>(visit))) return false;
    if (visit) visit(offset, stored);
  } while (grid.step(offset));
  return true;
}

}  // namespace

FetchChunk fetch_by_library(std::int64_t dataset) {
  return [dataset](std::span<const std::uint64_t> offset, std::uint64_t most_bytes, std::vector<char>& stored,
                   std::uint32_t& skipped) {
    const std::vector<hsize_t> at(offset.begin(), offset.end());
    hsize_t size = 0;
    // A chunk never written has no address.
    if (H5Dget_chunk_storage_size(dataset, at.data(), &size) < 0 || size == 0) return Fetched::kAbsent;
    if (size > most_bytes) return Fetched::kDamaged;
    stored.resize(static_cast<std::size_t>(size));
    const bool read = H5Dread_chunk(dataset, H5P_DEFAULT, at.data(), &skipped, stored.data()) >= 0;
    return read ? Fetched::kChunk : Fetched::kDamaged;
  };
}

bool is_filter_read(int filter) {
  return filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_FLETCHER32;
}

bool chunks_are_whole(std::int64_t dataset, std::size_t element_bytes) {
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  if (!properties.valid() || H5Pget_layout(properties.get()) != H5D_CHUNKED) return true;
  const auto grid = grid_of(dataset, properties.get());
  return grid && for_each_chunk(*grid, properties.get(), fetch_by_library(dataset), element_bytes, {});
}

bool assemble_chunks(std::int64_t dataset, const FetchChunk& fetch, std::size_t element_bytes, std::span<char> out) {
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  const auto grid = grid_of(dataset, properties.get());
  if (!grid) return false;
  fill(dataset, properties.get(), element_bytes, out);
  return for_each_chunk(*grid, properties.get(), fetch, element_bytes,
                        [&](std::span<const std::uint64_t> offset, const std::vector<char>& plain) {
                          scatter(*grid, offset, element_bytes, plain, out);
                        });
}

void prefer_huge_pages(void* begin, std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kWorthwhile = std::size_t{4} << 20;
  if (bytes < kWorthwhile) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (address + bytes) / kPage * kPage;
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // a wish, no matter if unheard
}

ChunkOutcome read_chunks(std::int64_t dataset, const FetchChunk& fetch, const ElementKind& kind, std::size_t elements,
                         const std::function<void(std::span<const char> wanted)>& append, unsigned threads,
                         const core::InterruptSource* interrupt) {
  const auto layout = layout_of(dataset, kind.stored_size, elements);
  if (!layout) return ChunkOutcome::kNotApplicable;
  std::uint64_t next_row = 0;
  bool absent = false;
  std::atomic<bool> damaged = false, out_of_range = false;
  core::ordered_batches<Chunk>(
      {.threads = threads, .interrupt = interrupt},
      [&](Chunk& chunk) {
        if (next_row >= layout->rows || absent || damaged || out_of_range) return false;
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // of this thread: the library would print
        const std::array<std::uint64_t, kMaximalRank> offset = {next_row};
        const Fetched fetched = fetch(std::span(offset).first(layout->rank), most_stored(layout->chunk_bytes()),
                                      chunk.stored, chunk.skipped);
        if (fetched == Fetched::kAbsent) absent = true;  // its fill value is not known here
        if (fetched == Fetched::kDamaged) damaged = true;
        if (fetched != Fetched::kChunk) return false;
        chunk.first_row = next_row;
        next_row += layout->rows_per_chunk;
        return true;
      },
      [&](Chunk& chunk) {
        const Placed placed = place(chunk, *layout, kind, elements);
        if (placed == Placed::kDamaged) damaged = true;
        if (placed == Placed::kOutOfRange) out_of_range = true;
      },
      [&](Chunk& chunk) {
        if (!damaged && !out_of_range) append(chunk.wanted);
      });
  if (damaged) return ChunkOutcome::kDamaged;
  if (out_of_range) return ChunkOutcome::kOutOfRange;
  return absent ? ChunkOutcome::kNotApplicable : ChunkOutcome::kDone;
}

}  // namespace immucan::io::detail
