#include "scrna/gene_positions.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    if (scrna::read_gene_positions(io::open_memory({reinterpret_cast<const char*>(data), size}, "table.tsv")).empty())
      std::abort();
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
