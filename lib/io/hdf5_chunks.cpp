#include "io/hdf5_chunks.h"

#include <hdf5.h>
#include <libdeflate.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "core/ordered_batches.h"
#include "io/byte_shuffle.h"
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

std::optional<Layout> layout_of(hid_t dataset, std::size_t size, std::size_t out_bytes) {
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
  if (layout.rows_per_chunk == 0 || layout.row_bytes == 0 || layout.rows != out_bytes / layout.row_bytes) {
    return std::nullopt;
  }
  if (!read_filters(properties.get(), layout)) return std::nullopt;
  return layout;
}

struct Chunk {
  std::vector<char> stored, plain;
  std::uint64_t first_row = 0;
  unsigned skipped = 0;  ///< filters not applied, a bit each
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater{libdeflate_alloc_decompressor(),
                                                                                        libdeflate_free_decompressor};
};

/// False when the stored bytes are not what the layout promises.
bool place(Chunk& chunk, const Layout& layout, std::size_t size, std::span<char> out) {
  const std::size_t bytes = layout.chunk_bytes();
  const char* plain = chunk.stored.data();
  if (layout.deflated && (chunk.skipped >> layout.deflate_bit & 1U) == 0) {
    chunk.plain.resize(bytes);
    std::size_t written = 0;
    if (libdeflate_zlib_decompress(chunk.inflater.get(), chunk.stored.data(), chunk.stored.size(), chunk.plain.data(),
                                   bytes, &written) != LIBDEFLATE_SUCCESS ||
        written != bytes) {
      return false;
    }
    plain = chunk.plain.data();
  } else if (chunk.stored.size() != bytes) {
    return false;
  }
  const std::size_t offset = static_cast<std::size_t>(chunk.first_row) * layout.row_bytes;
  const std::size_t wanted = std::min(bytes, out.size() - offset);
  if (layout.shuffled && (chunk.skipped & 1U) == 0) {
    unshuffle_bytes(plain, bytes / size, size, wanted / size, out.data() + offset);
  } else {
    std::memcpy(out.data() + offset, plain, wanted);
  }
  return true;
}

}  // namespace

void prefer_huge_pages(void* begin, std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kWorthwhile = std::size_t{4} << 20;
  if (bytes < kWorthwhile) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (address + bytes) / kPage * kPage;
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // a wish, no matter if unheard
}

ChunkOutcome read_chunks(std::int64_t dataset, std::size_t size, std::span<char> out, unsigned threads,
                         const core::InterruptSource* interrupt) {
  const auto layout = layout_of(dataset, size, out.size());
  if (!layout) return ChunkOutcome::kNotApplicable;
  std::uint64_t next_row = 0;
  bool absent = false;
  std::atomic<bool> damaged = false;
  core::ordered_batches<Chunk>(
      {.threads = threads, .interrupt = interrupt},
      [&](Chunk& chunk) {
        if (next_row >= layout->rows || absent || damaged) return false;
        const hsize_t offset[kMaximalRank] = {next_row};
        hsize_t stored = 0;
        // A chunk never written has no address: the library knows its fill value.
        if (H5Dget_chunk_storage_size(dataset, offset, &stored) < 0 || stored == 0) {
          absent = true;
          return false;
        }
        if (stored > layout->chunk_bytes() + layout->chunk_bytes() / 8 + 1024) {
          damaged = true;
          return false;
        }
        chunk.first_row = next_row;
        chunk.stored.resize(static_cast<std::size_t>(stored));
        std::uint32_t skipped = 0;
        if (H5Dread_chunk(dataset, H5P_DEFAULT, offset, &skipped, chunk.stored.data()) < 0) {
          damaged = true;
          return false;
        }
        chunk.skipped = skipped;
        next_row += layout->rows_per_chunk;
        return true;
      },
      [&](Chunk& chunk) {
        if (!place(chunk, *layout, size, out)) damaged = true;
      },
      [](Chunk&) {});
  if (damaged) return ChunkOutcome::kDamaged;
  return absent ? ChunkOutcome::kNotApplicable : ChunkOutcome::kDone;
}

}  // namespace immucan::io::detail
