#pragma once
// The numbers that describe a count: per barcode, and over the called cells.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "report/multiqc.h"
#include "scrna/chemistry_detection.h"
#include "scrna/count.h"
#include "scrna/feature_counting.h"

namespace immucan::scrna {

/// All that is known once the reads have been counted.
struct Counted {
  const CountOptions& options;
  const ChosenChemistry& chosen;
  const ReferenceIndex& index;
  CountResult& result;
  FeatureCounts& features;  ///< empty without a feature library; the same barcodes as `result` (join_barcodes)
};

/// Per barcode, in the order of the result; of genes only.
struct BarcodeStatistics {
  std::vector<std::int64_t> molecules, genes, reads;
  std::vector<double> mitochondrial, unspliced;
};
[[nodiscard]] BarcodeStatistics describe(const ReferenceIndex& index, std::span<const CellCounts> cells);

/// Sample-wide figures over called cells, in one place for summary, page, QC and record.
struct Figures {
  std::size_t cells = 0;
  std::uint64_t molecules_in_cells = 0, reads_in_cells = 0;
  double median_molecules = 0, median_genes = 0, mean_mitochondrial = 0, saturation = 0, valid_share = 0,
         gene_share = 0, cell_share = 0, unspliced_share = 0;
};

[[nodiscard]] Figures summarise(const CountResult& result, const BarcodeStatistics& statistics);

/// Depth that a part of the reads would have reached.
struct SaturationPoint {
  double reads = 0;       ///< counted
  double molecules = 0;   ///< expected
  double saturation = 0;  ///< 1 - molecules / reads
};
/// `steps` equal parts of the reads, by the numbers of reads per molecule: a molecule of n reads is seen in a part f
/// with probability 1 - (1 - f)^n.
[[nodiscard]] std::vector<SaturationPoint> saturation_curve(const MoleculeSummary& molecules, int steps);

[[nodiscard]] std::string summary_json(const std::string& sample, const Counted& counted, const Figures& figures);
[[nodiscard]] report::QcFragment qc_fragment(const std::string& sample, const CountResult& result,
                                             const Figures& figures);

}  // namespace immucan::scrna
