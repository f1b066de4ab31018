#include "scrna/clonotypes.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto table =
        scrna::read_clonotypes(io::open_memory({reinterpret_cast<const char*>(data), size}, "table.tsv"));
    for (const auto& [cell, found] : table.of_cell) {
      if (cell.empty() || found.empty() || found.size() > 2) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
