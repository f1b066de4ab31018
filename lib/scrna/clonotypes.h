#pragma once
// T- and B-cell receptors of cells, from an AIRR rearrangement table (https://docs.airr-community.org).
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/byte_source.h"

namespace immucan::scrna {

enum class ReceptorKind : std::uint8_t { kTCell, kBCell };

struct CellClonotype {
  ReceptorKind kind = ReceptorKind::kTCell;
  std::string clonotype;
};

/// By barcode; a barcode may have one of each kind.
struct Clonotypes {
  std::unordered_map<std::string, std::vector<CellClonotype>> of_cell;
  std::size_t rows = 0, unproductive = 0;
};

/// Columns `cell_id` and `locus` (TRA … IGL), and `clone_id` or `junction_aa`; optional `productive` (T or F: what is
/// not productive is passed over), `v_call`, `j_call`, `duplicate_count` or `umi_count`. A clonotype is the clone_id of
/// a cell's rows of one kind; without it, locus, V and J gene (without alleles) and junction of the most abundant chain
/// of TRB, else TRG, TRD, TRA; IGH, else IGK, IGL. 65 on a missing cell or locus, an unknown locus, a count that is no
/// number, another word for productive, two clone_ids of one kind in a cell, or no row.
[[nodiscard]] Clonotypes read_clonotypes(std::unique_ptr<io::ByteSource> source);

/// Of a group of cells that have a receptor.
struct ClonotypeSummary {
  std::size_t cells = 0, clonotypes = 0, expanded_cells = 0;  ///< expanded: of clonotypes with two cells or more
  std::optional<double> clonality;  ///< 1 − Shannon entropy / ln(clonotypes); nothing with fewer than two clonotypes
};
[[nodiscard]] ClonotypeSummary summarise_clonotypes(const std::vector<std::string>& clonotype_of_cell);

}  // namespace immucan::scrna
