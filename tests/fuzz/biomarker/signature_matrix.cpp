#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "biomarker/deconvolution.h"
#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto signature = immucan::biomarker::read_signature(immucan::io::open_memory(text, "fuzz.tsv"));
    if (signature.values.size() != signature.genes.size() * signature.types.size()) std::abort();
    for (const double value : signature.values) {
      if (!std::isfinite(value)) std::abort();
    }
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
