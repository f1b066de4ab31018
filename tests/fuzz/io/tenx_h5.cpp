#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "io/hdf5.h"
#include "io/tenx.h"

// libhdf5 asks malloc for sizes it reads from the file and takes the refusal well; what it does not give back after
// refusing a file is its own.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:detect_leaks=0";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    (void)immucan::io::read_tenx_h5(immucan::io::Hdf5Reader(bytes, "<memory>"));
  } catch (const immucan::core::Error&) {  // refused
  }
  return 0;
}
