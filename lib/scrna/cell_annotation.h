#pragma once
// Names for cells from marker genes: no clusters, neighbours smooth, and random gene sets say what a score is worth.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"
#include "scrna/cell_types.h"

namespace immucan::scrna {

struct CellAnnotationOptions {
  double alpha = 0.01;         ///< share of cells that random marker genes would name
  std::size_t neighbours = 0;  ///< 0: half the square root of the cells, 5 to 15
  std::size_t random_sets = 100;
};

struct CellAnnotation {
  /// Per level and cell: a type of the table, or nullopt = unassigned. A type without types below it keeps its name at
  /// lower levels.
  std::array<std::vector<std::optional<std::size_t>>, 3> label;
  std::array<std::vector<double>, 3> score;  ///< of the best type at the level, 0 to 1; NaN where nothing was to decide
  std::vector<std::size_t> without_genes;    ///< types of which the matrix has no gene of positive weight
};

/// Expression is ln(1 + counts per ten thousand) of the mean of a cell and its nearest neighbours in principal
/// components, scaled by the gene's quantile 0.99 over cells (at least ln(1 + a third of the mean gene)) and capped at
/// 1. The score of a type is the mean over its genes of positive weight; each gene of negative weight counts against it
/// like one of them.
/// Random sets of as many genes, drawn from all genes of the table (and, where these are fewer than 20, from others),
/// give per type a mean and deviation and, over all cells, the quantile 1 − alpha of the largest standardised score
/// among siblings: what is below it is unassigned. Of the types that pass, the highest score wins. Lower levels are
/// decided within their parent.
[[nodiscard]] CellAnnotation annotate_cells(const io::CsrMatrix& counts, const std::vector<std::string>& gene_names,
                                            const CellTypes& types, const CellAnnotationOptions& options,
                                            const core::RunContext& context);

}  // namespace immucan::scrna
