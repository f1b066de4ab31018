#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "biomarker/expression_input.h"
#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto table = immucan::io::read_table(immucan::io::open_memory(text, "fuzz.tsv"));
    const immucan::biomarker::GeneAliases aliases(table);
    const std::size_t alias = table.require("alias"), gene = table.require("gene");
    for (const auto& row : table.rows) {
      if (aliases.current(row[alias]) != row[gene]) std::abort();
    }
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
