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
    const auto table = immucan::io::read_table(immucan::io::open_memory(text, "fuzz.tsv"));
    std::size_t genes = 0;
    for (const auto& item : immucan::biomarker::read_ips_genes(table)) {
      if (!std::isfinite(item.weight) || item.genes.empty()) std::abort();
      genes += item.genes.size();
    }
    if (genes != table.rows.size()) std::abort();
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
