#pragma once
// Private to the HDF5 sources: chunks inflated outside the library, on several threads. Includes no HDF5 header.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/interrupt.h"

namespace immucan::io::detail {

enum class ChunkOutcome {
  kDone,           ///< every element was delivered
  kNotApplicable,  ///< another layout or filter: let the library read it
  kDamaged,        ///< a chunk does not inflate to its size
  kOutOfRange,     ///< a value does not fit the wanted type
};

/// Elements as they are stored and as they are wanted in memory.
struct ElementKind {
  std::size_t stored_size, wanted_size;
  /// Turns stored elements into wanted ones; false when one does not fit. Null: they are the same.
  bool (*convert)(const char* stored, std::size_t count, char* wanted);
  /// Whether the upper half of the stored bytes of every element must be zero for it to fit (whole numbers narrowed to
  /// non-negative ones of half the size): such elements are taken from their lower bytes.
  bool lower_half = false;
};

enum class Fetched { kChunk, kAbsent, kDamaged };
/// Reads the stored bytes of the chunk that begins at these values, when there are no more of them than `most_bytes`.
/// `skipped`: filters not applied, a bit each.
using FetchChunk = std::function<Fetched(std::span<const std::uint64_t> offset, std::uint64_t most_bytes,
                                         std::vector<char>& stored, std::uint32_t& skipped)>;
/// By libhdf5, of the open data set.
[[nodiscard]] FetchChunk fetch_by_library(std::int64_t dataset);

/// Reads the data set `dataset` (an open HDF5 handle) of `elements` elements in order, piece by piece, into `append`.
/// Chunks must span whole rows and be stored plain, deflated, or shuffled and deflated. What was appended counts only
/// when the outcome is kDone.
[[nodiscard]] ChunkOutcome read_chunks(std::int64_t dataset, const FetchChunk& fetch, const ElementKind& kind,
                                       std::size_t elements,
                                       const std::function<void(std::span<const char> wanted)>& append,
                                       unsigned threads, const core::InterruptSource* interrupt);

/// All values of a data set in chunks of any shape and filters, as they are stored, row by row; where no chunk was
/// written, the fill value. `out` has the bytes of all values. False when a chunk is damaged.
[[nodiscard]] bool assemble_chunks(std::int64_t dataset, const FetchChunk& fetch, std::size_t element_bytes,
                                   std::span<char> out);

/// Whether every chunk of a data set inflates to the size of a chunk. libhdf5 1.10 does not look and reads on behind
/// one that is shorter: to be asked before it is let to read. `element_bytes`: as stored. True for other layouts and
/// for chunks never written.
[[nodiscard]] bool chunks_are_whole(std::int64_t dataset, std::size_t element_bytes);

/// Whether the filter is one whose reading is safe on damaged data: shuffle, deflate or Fletcher's checksum.
[[nodiscard]] bool is_filter_read(int filter);

/// Asks for huge pages under memory not yet touched: filling a large array costs more in page faults than in inflating.
void prefer_huge_pages(void* begin, std::size_t bytes);

}  // namespace immucan::io::detail
