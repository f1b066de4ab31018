#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "io/matrix_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto table = immucan::io::read_matrix_table(immucan::io::open_memory(text, "fuzz.gct"));
    if (table.rows() == 0 || table.columns() == 0) std::abort();
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
