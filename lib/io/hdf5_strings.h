#pragma once
// Private to the HDF5 sources: texts of data sets and attributes. Includes no HDF5 header, so that it compiles alone.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "io/hdf5_heaps.h"

namespace immucan::io::detail {

/// While it lives, libhdf5 hands references to texts over as they stand in the file (16 bytes each) when asked for
/// opaque values, and refuses to follow any (say, of a fill value). The conversions are process-wide: nothing may write
/// texts meanwhile.
class RawReferences {
 public:
  RawReferences();
  ~RawReferences();
  RawReferences(const RawReferences&) = delete;
  RawReferences& operator=(const RawReferences&) = delete;
};

enum class TextHolder { kDataset, kAttribute };

/// All texts of an open data set or attribute of class string, or what is wrong. `elements` have been checked against
/// what the file can hold. `stored`: the bytes of a data set that were read already. Wants RawReferences.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> read_texts(TextHolder holder, std::int64_t object,
                                                                              std::int64_t type, std::size_t elements,
                                                                              HeapReader& heaps,
                                                                              std::optional<std::string> stored = {});

}  // namespace immucan::io::detail
