#include "cytof/cell_map.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/error.h"

/// Reads the bytes as a model of `phenotype train` and finds the nodes of three cells.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto map = cytof::read_cell_map(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    std::vector<float> rows;
    for (const float intensity : {0.0F, 1.5F, 6.0F}) {
      rows.insert(rows.end(), map.channels.names.size(), intensity);
    }
    for (const std::uint16_t node : cytof::assign_cells(map, rows, 1).node) {
      if (node >= map.nodes() || map.node_cluster.at(node) >= map.clusters) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
