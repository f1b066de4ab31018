#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "cytof/compensation.h"

/// Reads the bytes as a spillover matrix, fits it to a panel and solves for two events: no negative signal, no value
/// that is no number.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const cytof::Panel panel({{.name = "Time"}, {.name = "La139Di"}, {.name = "Pr141Di"}, {.name = "Nd142Di"}});
  try {
    const auto matrix = cytof::read_spillover(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    const auto adapted = cytof::adapt_spillover(matrix, panel);
    for (const auto method : {cytof::CompensationMethod::kNnls, cytof::CompensationMethod::kFlow}) {
      cytof::Compensator compensator(adapted, method, "<fuzz>");
      for (std::vector<double> values : {std::vector<double>{100, 0, 3}, std::vector<double>{0, 7, 1e6}}) {
        compensator.solve(values);
        for (const double value : values) {
          if (!std::isfinite(value) || (method == cytof::CompensationMethod::kNnls && value < 0)) std::abort();
        }
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
