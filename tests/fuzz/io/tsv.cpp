#include "io/tsv.h"

#include <cmath>
#include <cstdlib>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    io::TsvReader reader(io::open_memory({reinterpret_cast<const char*>(data), size}));
    for (std::size_t i = 0; i < reader.header().size(); ++i) {
      if (reader.require(reader.header()[i]) != i) std::abort();
    }
    while (reader.next()) {
      if (reader.fields().size() != reader.header().size()) std::abort();
      for (std::size_t i = 0; i < reader.fields().size(); ++i) {
        const auto value = reader.number(i);
        if (value && !std::isfinite(*value)) std::abort();
        (void)reader.integer(i);
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
