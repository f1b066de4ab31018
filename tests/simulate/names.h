#pragma once
// Real names for synthetic things: genes and species exist, their sequences here do not.
#include <span>
#include <string_view>

namespace immucan::simulate {

struct GeneName {
  std::string_view name;
  /// Where it is expressed: one letter per cell type (see scrna.cpp), "*" = everywhere, "" = low everywhere.
  std::string_view cell_types;
};
/// Genes of the transcriptome, about 200.
[[nodiscard]] std::span<const GeneName> genes();
/// Further genes that only the proteome has, about 200.
[[nodiscard]] std::span<const std::string_view> further_genes();

struct SpeciesName {
  std::string_view name;  ///< genus and epithet
  std::string_view family;
  double stool, saliva;  ///< median shares of the known community; planted and contaminant species are drawn apart
  double gc;
  int strains;
};
[[nodiscard]] std::span<const SpeciesName> species();

struct GeneSet {
  std::string_view name, description, genes;  ///< blank-separated gene names
};
[[nodiscard]] std::span<const GeneSet> gene_sets();

}  // namespace immucan::simulate
