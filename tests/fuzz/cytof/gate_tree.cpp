#include "cytof/gate_tree.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

/// Reads the bytes as a table of gates: parents stand before their children, no interval is empty.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto tree = cytof::read_gates(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    for (std::size_t i = 0; i < tree.populations.size(); ++i) {
      const cytof::Population& population = tree.populations[i];
      if (population.parent.value_or(0) >= i && population.parent) std::abort();
      for (const cytof::Interval& interval : population.intervals) {
        if (!(interval.lower < interval.upper)) std::abort();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
