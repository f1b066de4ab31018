#pragma once
// From reads to molecules: exact duplicates first, then UMIs one substitution apart (1MM_CR) and UMIs seen with several
// genes (MultiGeneUMI_CR), as STARsolo does them (alexdobin/STAR b1edc12, SoloFeature_collapseUMIall.cpp).
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/interrupt.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

/// A read, or several equal ones.
struct MoleculeReads {
  std::uint32_t cell = 0;
  std::uint32_t gene = 0;
  std::uint32_t umi = 0;
  std::uint32_t reads_and_evidence = 0;  ///< number of reads × 256 + bits of ReadEvidence of all of them

  static constexpr std::uint32_t kOneRead = 256;
  [[nodiscard]] std::uint32_t reads() const { return reads_and_evidence >> 8; }
  [[nodiscard]] std::uint32_t evidence() const { return reads_and_evidence & 0xff; }
};
static_assert(sizeof(MoleculeReads) == 16);

/// Reads in partitions by cell; equal ones are merged whenever a partition has doubled, so memory follows the number of
/// distinct molecules rather than of reads.
class MoleculeStore {
 public:
  static constexpr std::size_t kPartitions = 64;
  void add(std::uint32_t cell, std::uint32_t gene, std::uint32_t umi, std::uint8_t evidence);
  /// Sorts and merges all partitions; afterwards partitions hold distinct (cell, gene, UMI) ascending.
  void finish(unsigned threads, const core::InterruptSource* interrupt);
  [[nodiscard]] std::span<const MoleculeReads> partition(std::size_t i) const { return partitions_[i]; }
  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  static void merge(std::vector<MoleculeReads>& records);
  std::array<std::vector<MoleculeReads>, kPartitions> partitions_;
  std::array<std::size_t, kPartitions> merged_{};
  std::uint64_t reads_ = 0;
};

/// Molecules of one (cell, gene).
struct GeneCount {
  std::uint32_t gene = 0;
  std::uint32_t spliced = 0, unspliced = 0, ambiguous = 0;
  [[nodiscard]] std::uint32_t total() const { return spliced + unspliced + ambiguous; }
};

struct CellCounts {
  std::uint32_t cell = 0;
  std::uint64_t reads = 0;       ///< with a gene
  std::vector<GeneCount> genes;  ///< ascending, total > 0
  [[nodiscard]] std::uint64_t molecules() const;
};

/// What happened to UMIs, over all cells.
struct MoleculeSummary {
  std::uint64_t distinct = 0;       ///< (cell, gene, UMI) as sequenced
  std::uint64_t corrected = 0;      ///< joined to another UMI of the same cell and gene
  std::uint64_t several_genes = 0;  ///< (cell, UMI, gene) given up because another gene has as many or more reads
  std::uint64_t molecules = 0;      ///< counted
  MoleculeSummary& operator+=(const MoleculeSummary& other);
};

/// Counts one cell; `records` are its distinct (gene, UMI), ascending. Exposed for tests.
[[nodiscard]] CellCounts count_cell(std::span<const MoleculeReads> records, MoleculeSummary& summary);

/// The UMI each UMI is corrected to (itself for most). `umis` and `reads` of one cell and gene: ranked by reads, then
/// by sequence; each takes the highest-ranked one above it at one substitution. Not transitive.
[[nodiscard]] std::vector<std::uint32_t> correct_umis(std::span<const std::uint32_t> umis,
                                                      std::span<const std::uint32_t> reads);

/// All cells, ascending.
[[nodiscard]] std::vector<CellCounts> count_molecules(const MoleculeStore& store, unsigned threads,
                                                      const core::InterruptSource* interrupt, MoleculeSummary& summary);

enum class Layer { kTotal, kSpliced, kUnspliced, kAmbiguous };
/// Cells × genes.
[[nodiscard]] io::CsrMatrix make_matrix(std::span<const CellCounts> cells, std::size_t genes, Layer layer);

}  // namespace immucan::scrna
