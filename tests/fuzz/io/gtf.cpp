#include "io/gtf.h"

#include <cstdlib>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    io::GtfReader reader(io::open_memory({reinterpret_cast<const char*>(data), size}));
    for (io::GtfRow row; reader.next(row);) {
      if (row.start == 0 || row.end < row.start || row.sequence.empty() || row.feature.empty()) std::abort();
      for (const io::Attribute& attribute : row.attributes) {
        if (attribute.key.empty() || !row.attribute(attribute.key)) std::abort();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
