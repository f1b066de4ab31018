#include "io/matrix_table.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto table = immucan::io::read_matrix_table(
        immucan::io::open_memory({reinterpret_cast<const char*>(data), size}, "fuzz.tsv"));
    for (std::size_t row = 0; row < table.rows(); ++row) {
      for (const double value : table.row(row)) {
        if (!std::isfinite(value)) std::abort();
      }
    }
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
