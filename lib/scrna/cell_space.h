#pragma once
// Cells as points: the genes that vary most, log-normalised, in principal components. What neighbours, clusters and
// doublets are found in.
#include <cstdint>
#include <vector>

#include "io/sparse_matrix.h"
#include "stats/principal_components.h"

namespace immucan::scrna {

struct CellSpaceOptions {
  std::size_t genes = 2000, components = 30;
  std::uint64_t seed = 1;
  unsigned threads = 1;
};

struct CellSpace {
  std::vector<std::size_t> genes;  ///< columns used, ascending
  double target = 0;               ///< molecules every cell is scaled to: the median
  stats::PrincipalComponents components;

  [[nodiscard]] std::size_t dimensions() const { return components.components; }
};

/// Genes with the largest variance of Pearson residuals of a negative binomial with θ = 100, clipped at √cells (Lause,
/// Berens and Kobak, Genome Biology 22:258, 2021), found in at least three cells; ascending columns.
[[nodiscard]] std::vector<std::size_t> variable_genes(const io::CsrMatrix& counts, std::size_t most);

/// ln(1 + count · target / molecules of the cell), only the given columns, renumbered. Molecules are those of all
/// columns.
[[nodiscard]] io::CsrMatrix log_normalised(const io::CsrMatrix& counts, const std::vector<std::size_t>& genes,
                                           double target);

/// Genes standardised. Cells without molecules lie at the origin of the logarithms.
[[nodiscard]] CellSpace make_cell_space(const io::CsrMatrix& counts, const CellSpaceOptions& options);

}  // namespace immucan::scrna
