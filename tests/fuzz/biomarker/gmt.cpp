#include "io/gmt.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)immucan::io::read_gene_sets(
        immucan::io::open_memory({reinterpret_cast<const char*>(data), size}, "fuzz.gmt"));
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
