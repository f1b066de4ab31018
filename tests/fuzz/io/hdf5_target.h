#pragma once
// What the targets of the HDF5 containers share.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "io/hdf5.h"

// libhdf5 asks malloc for sizes it reads from the file and takes the refusal well; what it does not give back after
// refusing a file is its own.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=0";
}

namespace immucan::fuzz {

/// `read(in)` may refuse the file, and do nothing else that is not in order.
template <class Read>
int read_image(const std::uint8_t* data, std::size_t size, Read&& read) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    (void)read(io::Hdf5Reader(bytes, "<memory>"));
  } catch (const core::Error&) {  // refused
  }
  return 0;
}

}  // namespace immucan::fuzz
