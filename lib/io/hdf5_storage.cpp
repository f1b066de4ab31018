#include "io/hdf5_storage.h"

#include <fmt/format.h>
#include <hdf5.h>

#include "io/hdf5_chunks.h"
#include "io/hdf5_handle.h"

namespace immucan::io::detail {

namespace {

// Anything below these is accepted without looking: of one data set, of all of a file.
constexpr std::uint64_t kAlwaysAllowedBytes = std::uint64_t{1} << 24;
constexpr std::uint64_t kAlwaysAllowedTogether = std::uint64_t{1} << 28;
constexpr std::uint64_t kMaximalChunkBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kAlwaysAllowedChunks = std::uint64_t{1} << 16;
constexpr std::uint64_t kLeastChunkEntry = 16;  ///< bytes of the index of chunks
constexpr std::uint64_t kMaximalElements = std::uint64_t{1} << 40;

constexpr const char* kAllowMore = "Write the file again with the tool that made it, or give a higher --max-expansion";

}  // namespace

/// Equal values deflate by up to 1032:1, and an honest container may hold them: a tenth on top of what streams may.
StorageLimits::StorageLimits(std::uint64_t max_expansion) : expansion_(max_expansion + max_expansion / 10) {}

std::expected<void, StorageLimits::Refusal> StorageLimits::chunks(std::int64_t properties,
                                                                  std::span<const std::uint64_t> dimensions,
                                                                  std::size_t element_size,
                                                                  std::uint64_t stored) const {
  hsize_t chunk[H5S_MAX_RANK] = {};
  const int rank = H5Pget_chunk(properties, H5S_MAX_RANK, chunk);
  std::uint64_t bytes = element_size, count = 1;
  for (int i = 0; i < rank; ++i) {
    const std::uint64_t dimension =
        static_cast<std::size_t>(i) < dimensions.size() ? dimensions[static_cast<std::size_t>(i)] : 1;
    if (chunk[i] != 0 && dimension != 0) count *= (dimension - 1) / chunk[i] + 1;  // at most kMaximalElements
    if (chunk[i] != 0 && bytes > kMaximalChunkBytes / chunk[i]) {
      return std::unexpected(Refusal{"is cut into chunks beyond 1 GiB", {}});
    }
    bytes *= chunk[i];
  }
  // A chunk is inflated whole, however few of its values lie within the dimensions.
  if (stored != 0 && bytes > kAlwaysAllowedBytes && !allows(bytes, stored)) {
    return std::unexpected(
        Refusal{fmt::format("is cut into chunks of {} bytes but the file stores {} bytes for them", bytes, stored),
                kAllowMore});
  }
  if (count > kAlwaysAllowedChunks && count > file_bytes_ / kLeastChunkEntry) {
    return std::unexpected(
        Refusal{fmt::format("is cut into {} chunks, which a file of {} bytes cannot hold", count, file_bytes_), {}});
  }
  return {};
}

std::expected<void, StorageLimits::Refusal> StorageLimits::storage(std::int64_t dataset,
                                                                   std::span<const std::uint64_t> dimensions,
                                                                   std::size_t element_size,
                                                                   std::uint64_t stored) const {
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(properties.get());
  if (H5Pget_external_count(properties.get()) > 0 || layout == H5D_VIRTUAL) {
    return std::unexpected(Refusal{"stores its values in another file", "Write the file again with all values inside"});
  }
  if (layout != H5D_CHUNKED) return {};
  if (auto outcome = chunks(properties.get(), dimensions, element_size, stored); !outcome) return outcome;
  const int filters = H5Pget_nfilters(properties.get());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(properties.get(), static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
    if (is_filter_read(filter)) continue;
    return std::unexpected(
        Refusal{fmt::format("is compressed by filter {}, which is not read", static_cast<int>(filter)),
                "Write the file again with gzip compression"});
  }
  return {};
}

std::expected<std::size_t, StorageLimits::Refusal> StorageLimits::elements(std::int64_t dataset,
                                                                           std::span<const std::uint64_t> dimensions,
                                                                           std::uint64_t stored,
                                                                           std::size_t element_size,
                                                                           std::size_t memory_size) {
  std::uint64_t elements = 1;
  for (const std::uint64_t dimension : dimensions) {
    if (dimension != 0 && elements > kMaximalElements / dimension) {
      return std::unexpected(Refusal{fmt::format("dimension {} is beyond any file", dimension), {}});
    }
    elements *= dimension;
  }
  if (auto outcome = storage(dataset, dimensions, element_size, stored); !outcome) {
    return std::unexpected(std::move(outcome.error()));
  }
  const std::uint64_t bytes = elements * element_size;
  if (bytes > kAlwaysAllowedBytes && !allows(bytes, stored)) {
    return std::unexpected(
        Refusal{fmt::format("declares {} values but the file stores {} bytes for them", elements, stored), kAllowMore});
  }
  // Many small bombs are one, and so is one that is read under many names.
  asked_ += elements * memory_size;
  if (asked_ > kAlwaysAllowedTogether && !allows(asked_, file_bytes_)) {
    return std::unexpected(
        Refusal{fmt::format("takes, with all that was read before, {} bytes of memory, too many for a file of {} bytes",
                            asked_, file_bytes_),
                kAllowMore});
  }
  return static_cast<std::size_t>(elements);
}

}  // namespace immucan::io::detail
