#include "io/matrix_market.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    (void)immucan::io::transpose(immucan::io::read_matrix_market(immucan::io::open_memory(bytes)));
  } catch (const immucan::core::Error&) {  // refused
  }
  return 0;
}
