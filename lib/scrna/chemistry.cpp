#include "scrna/chemistry.h"

namespace immucan::scrna {

const std::vector<Chemistry>& chemistries() {
  static const std::vector<Chemistry> all = {
      {"10xv2", "Single Cell 3' v2", 16, 10, true},
      {"10xv3", "Single Cell 3' v3", 16, 12, true},
  };
  return all;
}

std::optional<Chemistry> find_chemistry(std::string_view name) {
  for (const Chemistry& chemistry : chemistries()) {
    if (chemistry.name == name) return chemistry;
  }
  return std::nullopt;
}

}  // namespace immucan::scrna
