#include "hdf5_target.h"
#include "io/tenx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  return fuzz::read_image(data, size, [](const io::Hdf5Reader& in) { return io::read_tenx_h5(in); });
}
