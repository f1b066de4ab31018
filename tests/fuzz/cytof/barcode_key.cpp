#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "cytof/debarcoding.h"

/// Reads the bytes as a barcode key and debarcodes eight events with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto key = cytof::read_barcode_key(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    std::vector<float> intensities;
    for (std::size_t i = 0; i < 8 * key.masses.size(); ++i) intensities.push_back(static_cast<float>((i * 37) % 101));
    for (const bool second : {false, true}) {
      const auto result = cytof::debarcode(key, intensities, {.second_gap = second});
      for (const std::int32_t label : result.label) {
        if (label >= static_cast<std::int32_t>(key.labels.size())) std::abort();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
