#pragma once
// Sample barcodes (Zunder et al., Nature Protocols 10:316, 2015): which of the multiplexed samples an event came from.
// Follows CATALYST; where premessa and the authors' program differ: docs/cytof-normalize.md.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::cytof {

struct BarcodeKey {
  std::vector<int> masses;
  std::vector<std::string> labels;
  std::vector<std::uint64_t> codes;      ///< bit i: positive in masses[i]
  std::optional<std::size_t> positives;  ///< when all codes have the same number of positive channels
};

/// CSV: a header with the isotope masses (names such as Pd102Di are read too), then `label,0,1,…` per sample. 65 on a
/// blank or repeated row, a repeated code, a cell that is neither 0 nor 1, a code without or with nothing but
/// positives.
[[nodiscard]] BarcodeKey read_barcode_key(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] BarcodeKey read_barcode_key(std::unique_ptr<io::ByteSource> source);

struct DebarcodingRules {
  double cofactor = 5;
  std::optional<double> cutoff;  ///< least separation; nullopt = estimated per sample
  double mahalanobis = 30;       ///< largest squared distance to the sample's other events
  /// Keys without constant number of positives: where the value below the widest gap is negative, the second widest
  /// decides, as in the authors' program (scd.m). For intensities shifted below 0 by the old ±100 randomisation; wrong
  /// for those randomised by less than a count, which are just below 0.
  bool second_gap = false;
};

struct Debarcoding {
  static constexpr std::int32_t kUnassigned = -1;
  std::vector<std::int32_t> preliminary, label;  ///< per event: index into the key
  std::vector<double> delta, mahalanobis2;       ///< NaN where not defined
  std::vector<double> cutoffs;                   ///< per label
};

/// `intensities`: raw, row-major, key.masses.size() values per event.
[[nodiscard]] Debarcoding debarcode(const BarcodeKey& key, std::span<const float> intensities,
                                    const DebarcodingRules& rules);

/// Separation cut-off from the deltas of one sample: the yield over cut-offs 0, 0.01 … 1 is fitted by a three-parameter
/// log-logistic curve and by a line, and their estimates are weighted by the other's residuals. 1 (nothing passes) when
/// there are no deltas or the curve cannot be fitted.
[[nodiscard]] double estimate_cutoff(std::span<const double> deltas);
/// The same from the yields at kYieldSteps + 1 cut-offs, 0 to 1.
inline constexpr std::size_t kYieldSteps = 100;
[[nodiscard]] double cutoff_of_yields(std::span<const double> yields);
/// Shares of the deltas that are at least 0, 0.01 … 1.
[[nodiscard]] std::vector<double> separation_yields(std::span<const double> deltas);

}  // namespace immucan::cytof
