#include "scrna/presets.h"

#include <array>

namespace immucan::scrna {

namespace {

constexpr std::array<Preset, 4> kPresets = {{
    {"default", {}},
    {"cellranger", {.umi = UmiRule::k1mmCr, .multi_gene = MultiGeneRule::kCorrectedReads, .correct_shared = false}},
    {"starsolo",
     {.umi = UmiRule::k1mmAll, .multi_gene = MultiGeneRule::kKeep, .correct_shared = false},
     BarcodeRule::kSeenExactly},
    {"alevin-fry", {.umi = UmiRule::kExact, .multi_gene = MultiGeneRule::kWinner, .correct_shared = false}},
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
