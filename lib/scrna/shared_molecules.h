#pragma once
// Molecules whose reads have several genes, within one cell: which genes they may be of, and how they are distributed.
#include <cstdint>
#include <span>
#include <vector>

#include "scrna/molecules.h"

namespace immucan::scrna {

/// A UMI that may be of any of several genes.
struct SharedUmi {
  std::uint32_t umi = 0;
  std::uint32_t reads = 0;
  std::vector<std::uint32_t> genes;  ///< ascending
};

/// From the records of sets (any order): per UMI the genes that all its reads have in common; UMIs without such a gene
/// are left out. Ascending by UMI.
[[nodiscard]] std::vector<SharedUmi> shared_umis(std::span<const MoleculeReads> records, const GeneSets& sets);

/// Leaves out UMIs at one substitution from a UMI of more reads (then of higher sequence): one of a single gene that is
/// among the genes, or another shared one with a gene in common. `single` holds distinct (gene, UMI) of one gene.
void drop_erroneous(std::vector<SharedUmi>& shared, std::span<const MoleculeReads> single);

/// STARsolo's expectation maximisation (SoloFeature_collapseUMIall.cpp): counts start as those of single genes plus
/// equal parts of every shared molecule; every round gives each shared molecule to its genes by their counts of the
/// round before, counts below 0.01 being taken as 0; ends when no count changes by 0.01, or after 101 rounds.
/// Ascending by gene; `genes` are the molecules of single genes.
[[nodiscard]] std::vector<GeneShare> distribute(std::span<const SharedUmi> shared, std::span<const GeneCount> genes);

}  // namespace immucan::scrna
