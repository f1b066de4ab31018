#pragma once
// Antibodies, hashtags and guides, counted from reads of their own with the barcodes of the RNA.
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "scrna/count.h"
#include "scrna/feature_matching.h"

namespace immucan::scrna {

struct FeatureOptions {
  std::vector<std::filesystem::path> read1, read2;  ///< lanes in order
  std::string translation = "auto";                 ///< "auto", "on", "off"
};

struct FeatureReadSummary {
  std::uint64_t reads = 0;
  std::array<std::uint64_t, kBarcodeClasses> barcodes{};
  std::uint64_t multi_resolved = 0;
  std::array<std::uint64_t, kFeatureClasses> features{};  ///< of reads whose barcode is or may become known
  std::uint64_t in_cells = 0, in_cells_translated = 0;    ///< of the first reads: barcode of a called cell
  bool translated = false;
};

struct FeatureCounts {
  std::vector<FeatureBarcode> features;
  std::vector<CellCounts> barcodes;  ///< "genes" are ranks into `features`
  FeatureReadSummary reads;
  MoleculeSummary molecules;
  [[nodiscard]] bool empty() const { return features.empty(); }
};

/// The barcode that 10x v3 beads carry beside each RNA barcode to capture features: bases 8 and 9 of 16 (counted from
/// 1) complemented, as in Cell Ranger's translation/3M-february-2018.txt.
[[nodiscard]] std::string translated_barcode(std::string_view barcode);

/// Counts features by the geometry of the RNA library. With "auto" the barcodes of the first 20,000 pairs are compared
/// with the called cells, as read and translated, and translated when that puts at least twice as many (and ten) into
/// cells; a stream is taken as read. 65 when fewer than 1 % of the reads carry a listed barcode or none a feature.
[[nodiscard]] FeatureCounts count_features(const FeatureOptions& options, const std::vector<FeatureBarcode>& features,
                                           const Chemistry& chemistry, const Whitelist& whitelist,
                                           const CountResult& expression, const CountingRules& rules,
                                           core::RunContext& context);

/// Gives both the same barcodes: those that have a molecule of a gene or of a feature.
void join_barcodes(CountResult& expression, FeatureCounts& features);

}  // namespace immucan::scrna
