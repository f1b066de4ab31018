#pragma once
// Private to the HDF5 sources: chunks inflated outside the library, on several threads. Includes no HDF5 header.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/interrupt.h"

namespace immucan::io::detail {

enum class ChunkOutcome {
  kDone,           ///< every byte is in place
  kNotApplicable,  ///< another layout or filter: let the library read it
  kDamaged,        ///< a chunk does not inflate to its size
};

/// Reads the data set `dataset` (an open HDF5 handle) whose elements of `size` bytes are stored as they are wanted in
/// memory. Chunks must span whole rows and be stored plain, deflated, or shuffled and deflated.
[[nodiscard]] ChunkOutcome read_chunks(std::int64_t dataset, std::size_t size, std::span<char> out, unsigned threads,
                                       const core::InterruptSource* interrupt);

/// Asks for huge pages under memory not yet touched: filling a large array costs more in page faults than in inflating.
void prefer_huge_pages(void* begin, std::size_t bytes);

}  // namespace immucan::io::detail
