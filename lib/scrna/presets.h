#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "scrna/barcodes.h"
#include "scrna/umi_rules.h"

namespace immucan::scrna {

/// What another program does, as far as barcodes, UMIs and genes go.
struct Preset {
  std::string_view name;
  CountingRules rules;
  BarcodeRule barcode_rule = BarcodeRule::kPseudocounts;
};

/// "default": ours. "cellranger": the same, but UMIs of reads with several genes stay as sequenced.
/// "starsolo": STARsolo's defaults, 1MM_All, no look at the genes of a UMI, barcodes by 1MM_multi.
/// "alevin-fry": cr-like, UMIs as sequenced and the gene with most reads.
[[nodiscard]] std::span<const Preset> presets();
[[nodiscard]] std::optional<Preset> find_preset(std::string_view name);

/// Whether reads of several genes need to be kept.
[[nodiscard]] bool needs_gene_sets(const CountingRules& rules);

}  // namespace immucan::scrna
