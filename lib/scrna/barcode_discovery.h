#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "core/run_context.h"
#include "scrna/chemistry.h"
#include "scrna/whitelist.h"

namespace immucan::scrna {

/// Number of leading counts (descending) that lie before the knee: the point of the curve log count over log rank that
/// is farthest above the straight line from its first to its last point (Satopää 2011, "Kneedle", without smoothing).
[[nodiscard]] std::size_t knee_of(std::span<const std::uint64_t> counts);

/// The list of a library that has none: the barcodes of whole reads (no N, a UMI of several letters) with at least as
/// many reads as the one at the knee; with `expected_cells`, at least a tenth of the reads of the barcode at rank
/// round(expected / 100). Barcodes one substitution away from one with ten times their reads are taken for its errors
/// and left out. Reads all lanes once more. 65 when no read has a usable barcode.
[[nodiscard]] Whitelist discover_barcodes(std::span<const std::filesystem::path> read1,
                                          std::span<const std::filesystem::path> read2, const Chemistry& chemistry,
                                          std::optional<std::int64_t> expected_cells, core::RunContext& context);

}  // namespace immucan::scrna
