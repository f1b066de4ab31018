#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace immucan::scrna {

struct CellCall {
  std::uint64_t expected_cells = 0;  ///< given, or estimated
  std::uint64_t threshold = 0;       ///< molecules from which a barcode is a cell
  std::vector<std::size_t> cells;    ///< ranks of the barcodes called, ascending
};

/// Order-of-magnitude rule: cells have at least a tenth of the molecules of the 99th percentile of the expected cells
/// (Cell Ranger 2.2, STARsolo's `CellRanger2.2 N 0.99 10`). Without `expected_cells` the number x is the one that
/// agrees best with what it leads to: least (called(x) − x)² / x, the smallest such x (Cell Ranger 7, OrdMag).
[[nodiscard]] CellCall call_cells(std::span<const std::uint64_t> molecules,
                                  std::optional<std::uint64_t> expected_cells);

}  // namespace immucan::scrna
