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

/// Which of the barcodes at one substitution is taken.
enum class BarcodeRule : std::uint8_t {
  kPseudocounts,  ///< 1MM_multi_Nbase_pseudocounts: one is taken, several are weighed by exact reads + 1
  kSeenExactly    ///< 1MM_multi, STARsolo's default: only those some read has exactly, weighed by exact reads; several
                  ///< at an N are too many
};

struct BarcodeCandidate {
  std::uint32_t rank = 0;
  std::uint8_t quality = 0;  ///< of the substituted base, at most 33; summed over the parts
};

struct BarcodeCall {
  BarcodeClass barcode_class = BarcodeClass::kNoMatch;
  bool listed = false;        ///< the barcode is on the list, whatever the UMI: counts towards exact reads
  std::uint32_t rank = 0;     ///< for kExact and kOneMismatch, or when `listed`
  std::uint32_t umi = 0;      ///< 2 bits per base, the first base highest
  bool unknown_base = false;  ///< an N in the barcode
  std::vector<BarcodeCandidate> candidates;        ///< for kMulti and kOneMismatch
  std::vector<BarcodePart::Neighbour> neighbours;  ///< work space
};

/// One part of a barcode as read: its 2-bit number and its unknown bases.
struct PartCode {
  std::uint32_t code = 0, length = 0, unknown = 0, unknown_at = 0;
};
/// The parts that the list knows: those of the geometry, or all of them as one.
using PartCodes = std::array<PartCode, CutRead::kMaximalParts>;
[[nodiscard]] PartCodes encode_barcode(const CutRead& read, const Whitelist& whitelist);

/// Judges barcode and UMI of a cut read (whole, Phred + 33). A barcode of several parts may have one substitution in
/// each; its candidates are the combinations of theirs. `call` is reused.
void call_barcode(const CutRead& read, const Whitelist& whitelist, BarcodeCall& call);
/// The same when the parts are encoded already: many reads at once can have their memory fetched ahead.
void call_barcode(const CutRead& read, const PartCodes& codes, const Whitelist& whitelist, BarcodeCall& call);

/// The candidate whose (exact reads + 1) · 10^(−quality/10) is at least 0.975 of the sum over all; else nullopt.
/// Without the 1 for kSeenExactly.
[[nodiscard]] std::optional<std::uint32_t> resolve_candidates(std::span<const BarcodeCandidate> candidates,
                                                              std::span<const std::uint32_t> exact_reads,
                                                              BarcodeRule rule = BarcodeRule::kPseudocounts);

}  // namespace immucan::scrna
