#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace immucan::scrna {

/// Where the curve of log molecules against log rank bends.
struct BarcodeRanks {
  std::uint64_t knee = 0;        ///< molecules at the upper bend
  std::uint64_t inflection = 0;  ///< molecules where the steepest step begins
};

/// As DropletUtils' barcodeRanks (Lun et al. 2019): barcodes of more than `lower` molecules, one point per distinct
/// total at its mean rank, the first `skipped_ranks` ranks left out of the search. The inflection is where the
/// steepest step begins; the knee is the point farthest above the line from the flattest step before it to the
/// inflection. nullopt with fewer than three distinct totals.
[[nodiscard]] std::optional<BarcodeRanks> barcode_ranks(std::span<const std::uint64_t> molecules,
                                                        std::uint64_t lower = 100, std::uint64_t skipped_ranks = 50);

}  // namespace immucan::scrna
