#pragma once
// FCS 3.1, list mode, little-endian, in a stream: the number of events must be known before the first row.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/output.h"
#include "io/fcs.h"

namespace immucan::io {

struct FcsColumn {
  std::string name, marker;
  double range = 262144;  ///< $PnR; written as a whole number that is not below it
  /// Position of the parameter whose other keywords ($PnV, $PnG, PnXYZ …) are kept; nullopt for a new column.
  std::optional<std::size_t> source;
};

struct FcsWriteOptions {
  FcsType type = FcsType::kFloat;  ///< kFloat or kDouble
};

class FcsWriter {
 public:
  /// `carried`: keywords of the input. Those that describe the layout are replaced; all others keep their bytes.
  FcsWriter(core::OutputFile& out, const FcsKeywords& carried, const std::vector<FcsColumn>& columns,
            std::uint64_t events, const FcsWriteOptions& options = {});
  /// Whole rows, row-major.
  void write(std::span<const double> rows);
  /// Checks that all events came (kInternal otherwise) and writes the rest.
  void finish();

 private:
  core::OutputFile* out_;
  FcsType type_;
  std::size_t columns_;
  std::uint64_t values_left_;
  std::string buffer_;
};

/// Whole-number text not below `range`, for $PnR; infinities and NaN become 1.
[[nodiscard]] std::string fcs_range_text(double range);

}  // namespace immucan::io
