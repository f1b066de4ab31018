#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

struct AmbientEstimate {
  double fraction = 0;       ///< of the molecules in cells that are ambient; NaN where nothing tells
  std::size_t evidence = 0;  ///< pairs of gene and cluster it rests on
};

/// How much of the cells' molecules is the ambient profile (probabilities per gene, from empty droplets), after SoupX
/// (Young and Behjati, GigaScience 9:giaa151, 2020): in a cluster that does not express a gene all its molecules are
/// ambient, so observed / (molecules of the cluster · ambient probability) is the fraction. Genes at least ten times
/// more frequent in one cluster than in another speak, in the clusters where they are below the ambient level; every
/// pair gives a gamma density, and the result is the mode of their mean. An upper bound where no gene is silent
/// anywhere. `cluster` numbers the cells' clusters from 0.
[[nodiscard]] AmbientEstimate estimate_ambient(const io::CsrMatrix& cells, std::span<const std::size_t> cluster,
                                               std::span<const double> ambient);

/// Clusters of the cells' principal components for this purpose, about one per 75 cells, 2 to 20 (k-means).
[[nodiscard]] std::vector<std::size_t> coarse_clusters(const io::CsrMatrix& cells, const core::RunContext& context);

}  // namespace immucan::scrna
