#pragma once
// Malignant cells by their copy numbers: expression along the genome against the sample's own immune cells.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"
#include "scrna/gene_positions.h"

namespace immucan::scrna {

/// What a cell is to the question.
enum class MalignancyRole : std::uint8_t { kOther, kReference, kNormal, kCandidate, kUnassigned };

struct GenomeBin {
  std::string chromosome;
  std::uint64_t start = 0;  ///< of its first gene
  std::size_t genes = 0;
};

struct CandidateCluster {
  std::size_t cells = 0;          ///< by highest probability
  double broad = 0, largest = 0;  ///< root mean square over chromosomes, and largest, of the log2 ratio
  bool malignant = false;
  std::vector<double> log2_ratio;  ///< per bin; its median is 0
};

struct MalignancyResult {
  bool assessable = false;  ///< false: too few reference cells, candidates or genes with a place
  std::vector<GenomeBin> bins;
  std::vector<CandidateCluster> clusters;
  double normal_below = 0;      ///< a cluster of less broad shift against the reference may be normal
  bool own_baseline = false;    ///< shifts are against normal cells among the candidates, not against the reference
  double reference_called = 0;  ///< share of the reference cells more like a malignant cluster than like the reference
  std::vector<double> probability;  ///< of being malignant, per cell; NaN for all but candidates
  std::vector<double> score;  ///< correlation of a cell's bins with the malignant (else its own) cluster; NaN as above
};

/// `group` numbers the cell type of reference and normal cells; `role` and `group` are per cell, `positions` per gene.
/// Genes that differ more than threefold between the candidates and the reference, or sixfold between kinds of
/// reference cells, belong to the lineage and are left out; a gene of n molecules in the reference at the candidates'
/// depth has weight 1 / (1 + n / 2), so that no gene rules its bin. Bins are stretches of about G/100 genes (8 to 40)
/// of one chromosome. The candidates' weighted counts per bin are a mixture of multinomials (k-means, then
/// expectation–maximisation; clusters of fewer than 10 cells are given up). Shifts are medians per chromosome of
/// log2(cluster / baseline), broad their root mean square, largest the largest, both less their sampling error. Against
/// the reference, lineage shifts too: clusters may be normal below max(0.28, 1.5 times the largest broad shift of a
/// type of reference or normal cells against the other reference cells). The least shifted of them, if it has ten
/// cells, is the baseline of the candidates' own lineage, and clusters are malignant with a broad shift of 0.2 or a
/// largest one of 0.4 against it. Without such a cluster all that are not below the first bound are malignant.
/// Unassigned cells are candidates too. Where there are others, a cluster that is mostly unassigned may be of any
/// lineage, the reference's too: it is no baseline, and malignant only beyond the first bound.
[[nodiscard]] MalignancyResult find_malignant(const io::CsrMatrix& counts,
                                              const std::vector<std::optional<GenePosition>>& positions,
                                              const std::vector<MalignancyRole>& role,
                                              const std::vector<std::size_t>& group, const core::RunContext& context);

}  // namespace immucan::scrna
