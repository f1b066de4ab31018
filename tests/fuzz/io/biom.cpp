#include "io/biom.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "io/hdf5.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    (void)immucan::io::read_biom(immucan::io::Hdf5Reader(bytes, "<memory>"));
  } catch (const immucan::core::Error&) {  // refused
  }
  return 0;
}
