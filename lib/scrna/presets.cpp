#include "scrna/presets.h"

#include <array>

namespace immucan::scrna {

namespace {

constexpr std::array<Preset, 4> kPresets = {{
    {"default", {}},
    {"cellranger", {UmiRule::k1mmCr, MultiGeneRule::kCorrectedReads, false, false}},
    {"starsolo", {UmiRule::k1mmAll, MultiGeneRule::kKeep, false, false}, BarcodeRule::kSeenExactly},
    {"alevin-fry", {UmiRule::kExact, MultiGeneRule::kWinner, false, false}},
}};

}  // namespace

std::span<const Preset> presets() {
  return kPresets;
}

std::optional<Preset> find_preset(std::string_view name) {
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
  }
  return std::nullopt;
}

bool needs_gene_sets(const CountingRules& rules) {
  return rules.expectation_maximisation || rules.multi_gene == MultiGeneRule::kWinner;
}

}  // namespace immucan::scrna
