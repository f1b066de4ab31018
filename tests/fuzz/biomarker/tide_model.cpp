#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "biomarker/panel_models.h"
#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto model =
        immucan::biomarker::read_tide_model(immucan::io::read_table(immucan::io::open_memory(text, "fuzz.tsv")));
    if (!(model.dysfunction_sd > 0) || !(model.exclusion_sd > 0)) std::abort();
    for (const auto& [gene, weights] : model.genes) {
      if (!std::isfinite(weights.first) || !std::isfinite(weights.second)) std::abort();
    }
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
