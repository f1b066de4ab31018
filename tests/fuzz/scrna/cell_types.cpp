#include "scrna/cell_types.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto table =
        scrna::read_cell_types(io::open_memory({reinterpret_cast<const char*>(data), size}, "table.tsv"));
    for (const scrna::CellType& type : table.types) {
      if (type.genes.size() != type.weights.size() || type.genes.empty()) std::abort();
      if (type.parent && table.types[*type.parent].level >= type.level) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
