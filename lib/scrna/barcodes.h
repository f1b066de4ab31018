#pragma once
// Cell barcodes and UMIs by the rules of STARsolo's 1MM_multi_Nbase_pseudocounts
// (alexdobin/STAR b1edc12, SoloReadBarcode_getCBandUMI.cpp and SoloReadFeature_inputRecords.cpp).
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "scrna/chemistry.h"

namespace immucan::scrna {

/// The barcodes that can occur, ascending; a barcode is known by its rank.
class Whitelist {
 public:
  /// One barcode of `length` bases per line. 65 on another length, other letters, a barcode that appears twice, no
  /// barcode.
  Whitelist(const std::filesystem::path& path, std::uint32_t length, core::RunContext& context);
  /// From memory; barcodes as in a file.
  Whitelist(std::span<const std::string> barcodes, std::uint32_t length);

  [[nodiscard]] std::size_t size() const { return codes_.size(); }
  [[nodiscard]] std::uint32_t barcode_length() const { return length_; }
  [[nodiscard]] std::string text(std::uint32_t rank) const;
  /// Barcodes as 2-bit numbers, the first base in the highest bits: ranks ascend as the texts do.
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t code) const;
  void prefetch(std::uint32_t code) const { __builtin_prefetch(&bucket_starts_[code >> shift_]); }

 private:
  void index();
  std::uint32_t length_ = 0;
  unsigned shift_ = 0;
  std::vector<std::uint32_t> codes_;
  std::vector<std::uint32_t> bucket_starts_;
};

/// What becomes of read 1. The names are those of the summary.
enum class BarcodeClass : std::uint8_t {
  kExact,          ///< on the list
  kOneMismatch,    ///< one barcode of the list within one substitution
  kMulti,          ///< several: decided when all exact reads have been counted
  kNoMatch,        ///< none
  kBarcodeManyN,   ///< two N or more in the barcode
  kUmiN,           ///< an N in the UMI
  kUmiHomopolymer  ///< UMI of one letter
};
inline constexpr std::size_t kBarcodeClasses = 7;
[[nodiscard]] std::string_view name_of(BarcodeClass barcode_class);

struct BarcodeCandidate {
  std::uint32_t rank = 0;
  std::uint8_t quality = 0;  ///< of the substituted base, at most 33
};

struct BarcodeCall {
  BarcodeClass barcode_class = BarcodeClass::kNoMatch;
  bool listed = false;     ///< the barcode is on the list, whatever the UMI: counts towards exact reads
  std::uint32_t rank = 0;  ///< for kExact and kOneMismatch, or when `listed`
  std::uint32_t umi = 0;   ///< 2 bits per base, the first base highest
  std::vector<BarcodeCandidate> candidates;  ///< for kMulti
};

/// Reads barcode and UMI from read 1 (at least `chemistry.read1_length()` bases; the caller has checked) with its
/// qualities (Phred + 33). `call` is reused.
void call_barcode(std::string_view bases, std::string_view qualities, const Chemistry& chemistry,
                  const Whitelist& whitelist, BarcodeCall& call);

/// The candidate whose (exact reads + 1) · 10^(−quality/10) is at least 0.975 of the sum over all; else nullopt.
[[nodiscard]] std::optional<std::uint32_t> resolve_candidates(std::span<const BarcodeCandidate> candidates,
                                                              std::span<const std::uint32_t> exact_reads);

/// `length` bases of a 2-bit number whose first base is highest.
[[nodiscard]] std::string decode_bases(std::uint32_t code, std::uint32_t length);

}  // namespace immucan::scrna
