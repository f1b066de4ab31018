#pragma once
// Parts of the file format that only the builder and the loader need.
#include <cstdint>
#include <string_view>

namespace immucan::microbiome {

inline constexpr std::string_view kRebuildRemedy = "Build it again with 'microbiome-profile build'";

/// The name and rank stand in the text section "taxon_text": "rank TAB name" per line.
struct TaxonRecord {
  std::uint64_t taxid = 0;
  std::uint32_t parent = 0;
  std::uint32_t reserved = 0;
};

}  // namespace immucan::microbiome
