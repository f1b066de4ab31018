#pragma once
// From reads to molecules: UMIs one substitution apart are joined, UMIs seen with several genes are given to one or to
// none, reads with several genes are distributed.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/interrupt.h"
#include "io/sparse_matrix.h"
#include "scrna/molecule_store.h"
#include "scrna/umi_rules.h"

namespace immucan::scrna {

/// Molecules of one (cell, gene).
struct GeneCount {
  std::uint32_t gene = 0;
  std::uint32_t spliced = 0, unspliced = 0, ambiguous = 0;
  [[nodiscard]] std::uint32_t total() const { return spliced + unspliced + ambiguous; }
};

/// A gene's part of the molecules whose reads have several genes.
struct GeneShare {
  std::uint32_t gene = 0;
  float molecules = 0;
};

/// One molecule of a cell, after correction.
struct CountedMolecule {
  std::uint32_t gene = 0, umi = 0, reads = 0;
};

struct CellCounts {
  std::uint32_t cell = 0;
  std::uint64_t reads = 0;            ///< with one gene
  std::vector<GeneCount> genes;       ///< ascending, total > 0
  std::vector<GeneShare> shared;      ///< ascending; only with expectation maximisation
  std::vector<CountedMolecule> kept;  ///< by UMI, then gene; only with CountingRules::keep_molecules
  [[nodiscard]] std::uint64_t molecules() const;
};

/// What happened to UMIs, over all cells.
struct MoleculeSummary {
  std::uint64_t reads = 0;          ///< with one gene
  std::uint64_t distinct = 0;       ///< (cell, gene, UMI) as sequenced
  std::uint64_t corrected = 0;      ///< joined to another UMI of the same cell and gene
  std::uint64_t several_genes = 0;  ///< (cell, UMI, gene) given up because of other genes with that UMI
  std::uint64_t molecules = 0;      ///< counted
  std::uint64_t shared = 0;         ///< molecules of several genes that were distributed
  static constexpr std::size_t kMostReads = 1000;
  std::vector<std::uint64_t> reads_per_molecule;  ///< [n] = molecules of n reads; the last entry, of kMostReads or more
  MoleculeSummary& operator+=(const MoleculeSummary& other);
};

/// Counts one cell; `records` are its distinct (gene or set, UMI), ascending.
[[nodiscard]] CellCounts count_cell(std::span<const MoleculeReads> records, const CountingRules& rules,
                                    const GeneSets& sets, MoleculeSummary& summary);

/// All cells with a molecule, ascending. Empties the store.
[[nodiscard]] std::vector<CellCounts> count_molecules(MoleculeStore& store, const CountingRules& rules,
                                                      const GeneSets& sets, unsigned threads,
                                                      const core::InterruptSource* interrupt, MoleculeSummary& summary);

enum class Layer { kTotal, kSpliced, kUnspliced, kAmbiguous, kTotalEm };
/// Cells × genes. kTotalEm is the total and the shares of molecules of several genes.
[[nodiscard]] io::CsrMatrix make_matrix(std::span<const CellCounts> cells, std::size_t genes, Layer layer);

}  // namespace immucan::scrna
