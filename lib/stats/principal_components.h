#pragma once
// Principal components of sparse rows: randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53:217,
// 2011).
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/sparse_matrix.h"

namespace immucan::stats {

struct PrincipalComponents {
  std::size_t components = 0, columns = 0;
  std::vector<double> mean, scale;  ///< per column; a value enters as (x − mean) · scale
  std::vector<double> loadings;     ///< columns × components, row-major, orthonormal columns
  std::vector<double> variance;     ///< of each component, descending
  std::vector<float> scores;        ///< rows × components, row-major

  /// Scores of further rows, row-major.
  [[nodiscard]] std::vector<float> project(const io::CsrMatrix& rows, unsigned threads) const;
};

struct PrincipalComponentOptions {
  std::size_t components = 30;  ///< fewer where rows or columns do not suffice
  bool standardise = true;      ///< every column to variance 1; columns without variance count nothing
  int iterations = 6;
  std::uint64_t seed = 1;
  unsigned threads = 1;
};

/// Rows are observations. Zeros are not stored and never filled in. The sign of a component is that of its largest
/// loading. The same bytes for any number of threads.
[[nodiscard]] PrincipalComponents principal_components(const io::CsrMatrix& rows,
                                                       const PrincipalComponentOptions& options);

}  // namespace immucan::stats
