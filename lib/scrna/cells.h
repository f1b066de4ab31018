#pragma once
// The `cells` command: which barcodes of a raw matrix are cells, which of them are two, and what swims around them.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/tenx.h"
#include "scrna/ambient.h"
#include "scrna/barcode_ranks.h"
#include "scrna/cell_calling.h"
#include "scrna/count_matrix.h"
#include "scrna/doublets.h"
#include "scrna/empty_drops.h"

namespace immucan::scrna {

struct CellsOptions {
  std::filesystem::path input, output;
  std::string sample, layer;
  std::string method = "emptydrops";  ///< emptydrops, ordmag, knee or inflection
  std::optional<std::int64_t> expected_cells;
  std::int64_t rank_lower = 100;  ///< barcodes of more molecules enter knee and inflection
  std::int64_t least_molecules = 500, simulations = 10000;
  double false_discovery_rate = 0.01;
  bool size_test = true, doublets = true;
  std::optional<double> doublet_rate;
};

struct CellsResult {
  std::string sample;
  io::TenxMatrix matrix;    ///< as read
  std::vector<bool> genes;  ///< features of gene expression
  BarcodeTotals totals;     ///< of genes
  std::optional<BarcodeRanks> ranks;
  CellCall by_molecules;  ///< method emptydrops or ordmag
  EmptyDropsResult by_profile;
  std::vector<std::size_t> cells;  ///< ascending
  DoubletResult doublets;          ///< in the order of `cells`
  AmbientEstimate ambient;
};

/// 64 on options out of range; 65 when nothing in the matrix is gene expression, no barcode has a molecule, or a method
/// finds no cell.
[[nodiscard]] CellsResult find_cells(const CellsOptions& options, core::RunContext& context);
void write_cells(core::OutputSet& outputs, const CellsOptions& options, const CellsResult& result,
                 const core::RunContext& context);

/// The name a sample gets from its input: the folder or file without .h5 and .h5ad.
[[nodiscard]] std::string sample_of_matrix(const std::filesystem::path& path);

}  // namespace immucan::scrna
