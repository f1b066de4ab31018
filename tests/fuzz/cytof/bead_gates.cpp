#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "cytof/given_gates.h"

/// Reads the bytes as rectangular gates and asks for those of a panel. Only core::Error may come out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const cytof::Panel panel({{.name = "Ce140Di"}, {.name = "Eu151Di"}, {.name = "Ir191Di"}});
  try {
    const auto gates = cytof::GivenGates::parse({reinterpret_cast<const char*>(data), size}, "<fuzz>");
    (void)gates.for_file("run1.fcs", panel, {140, 151});
  } catch (const core::Error&) {
  }
  return 0;
}
