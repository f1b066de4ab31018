#include "scrna/chemistry.h"

#include <array>

namespace immucan::scrna {

namespace {

constexpr std::array<Chemistry, 2> kChemistries = {{
    {"10xv2", "Single Cell 3' v2", 16, 10, true},
    {"10xv3", "Single Cell 3' v3", 16, 12, true},
}};

}  // namespace

std::span<const Chemistry> chemistries() {
  return kChemistries;
}

std::optional<Chemistry> find_chemistry(std::string_view name) {
  for (const Chemistry& chemistry : chemistries()) {
    if (chemistry.name == name) return chemistry;
  }
  return std::nullopt;
}

}  // namespace immucan::scrna
