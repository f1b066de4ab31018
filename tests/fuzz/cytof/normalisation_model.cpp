#include "cytof/normalisation_model.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

/// Reads the bytes as a model of `normalize`. What is accepted can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto model =
        cytof::read_normalisation_model(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    const std::string text = cytof::to_json(model);
    const auto again = cytof::read_normalisation_model(io::open_memory(text, "<again>"));
    if (again.masses != model.masses || again.baseline != model.baseline || again.window != model.window) std::abort();
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
