// Any bytes as mzML: a record, or an error of status 65; never a crash, never an allocation out of proportion.
#include "io/mzml.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  core::RunContext context("fuzz", "0", "read");
  try {
    io::MzmlReader reader(io::open_memory({reinterpret_cast<const char*>(data), size}), "");
    io::for_each_spectrum(reader, context, [](io::Spectrum& spectrum) {
      if (spectrum.mz.size() != spectrum.intensity.size()) __builtin_trap();
    });
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) __builtin_trap();
  }
  return 0;
}
