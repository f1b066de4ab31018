#pragma once
// Gene sets against the genes that were measured.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/gmt.h"
#include "io/matrix_table.h"

namespace immucan::biomarker {

/// A set with fewer measured genes than the limits is an error, or with `skip_thin` not scored: its row is NA.
struct CoverageLimits {
  std::size_t min_genes = 5;
  double min_coverage = 0.5;
  bool skip_absent = false;  ///< sets with no measured gene become NA instead of an error
  bool skip_thin = false;    ///< so do those with some, but fewer than the limits
};

struct SetRows {
  std::string name;
  std::vector<std::uint32_t> rows;  ///< measured genes, ordered by gene name: sums do not depend on the file's order
  std::size_t genes = 0;            ///< genes the set names
  bool scored = false;              ///< within the limits
};

/// 65 when a set has no measured gene at all or too few (names them), or when no set is within the limits; warns of
/// those that are left out.
[[nodiscard]] std::vector<SetRows> match_sets(const io::GeneSets& sets, const io::MatrixTable& matrix,
                                              const CoverageLimits& limits, const core::Log& log);

/// What to do with genes that occur in several rows.
enum class DuplicateGenes { kRefuse, kMean, kMedian, kMaxVariance };
/// One row per gene, at the place of its first row.
[[nodiscard]] io::MatrixTable merge_duplicates(io::MatrixTable matrix, DuplicateGenes policy);

}  // namespace immucan::biomarker
