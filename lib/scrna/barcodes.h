#pragma once
// Cell barcodes and UMIs by the rules of STARsolo's 1MM_multi_Nbase_pseudocounts
// (alexdobin/STAR b1edc12, SoloReadBarcode_getCBandUMI.cpp and SoloReadFeature_inputRecords.cpp).
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scrna/geometry.h"
#include "scrna/whitelist.h"

namespace immucan::scrna {

/// What becomes of the barcode read. The names are those of the summary.
enum class BarcodeClass : std::uint8_t {
  kExact,           ///< on the list
  kOneMismatch,     ///< one barcode of the list within one substitution
  kMulti,           ///< several: decided when all exact reads have been counted
  kNoMatch,         ///< none
  kBarcodeManyN,    ///< two N or more in the barcode
  kUmiN,            ///< an N in the UMI
  kUmiHomopolymer,  ///< UMI of one letter
  kNoLinker         ///< the fixed sequences of the geometry are not there
};
inline constexpr std::size_t kBarcodeClasses = 8;
[[nodiscard]] std::string_view name_of(BarcodeClass barcode_class);

struct BarcodeCandidate {
  std::uint32_t rank = 0;
  std::uint8_t quality = 0;  ///< of the substituted base, at most 33; summed over the parts
};

struct BarcodeCall {
  BarcodeClass barcode_class = BarcodeClass::kNoMatch;
  bool listed = false;     ///< the barcode is on the list, whatever the UMI: counts towards exact reads
  std::uint32_t rank = 0;  ///< for kExact and kOneMismatch, or when `listed`
  std::uint32_t umi = 0;   ///< 2 bits per base, the first base highest
  std::vector<BarcodeCandidate> candidates;  ///< for kMulti
};

/// Judges barcode and UMI of a cut read (whole, Phred + 33). A barcode of several parts may have one substitution in
/// each; its candidates are the combinations of theirs. `call` is reused.
void call_barcode(const CutRead& read, const Whitelist& whitelist, BarcodeCall& call);

/// The candidate whose (exact reads + 1) · 10^(−quality/10) is at least 0.975 of the sum over all; else nullopt.
[[nodiscard]] std::optional<std::uint32_t> resolve_candidates(std::span<const BarcodeCandidate> candidates,
                                                              std::span<const std::uint32_t> exact_reads);

}  // namespace immucan::scrna
