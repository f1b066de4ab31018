#pragma once
// Count matrices of droplets with everything planted that cell calling, annotation and interaction scores look for:
// cells with much and with little RNA, empty droplets with ambient RNA, doublets, cell types by their markers, clones
// of malignant cells with copy-number changes beside normal epithelium, ligand–receptor pairs. Drawn directly, without
// reads.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/tenx.h"

namespace immucan::simulate {

struct TumourMatrixOptions {
  std::uint64_t seed = 1;
  std::size_t cells = 1500, empty = 0;
  std::size_t further_genes = 2800;  ///< beside the named ones
  double molecules = 3000;           ///< median of a cell with much RNA
  double lineage = 0.25;             ///< share of the genes that a cell type expresses at a level of its own
  double poor_share = 0;             ///< of the cells have a fifth of the RNA
  double empty_molecules = 60;       ///< mean of an empty droplet
  double ambient = 0.05;             ///< share of a cell's molecules
  double doublets = 0;               ///< share of the cells that are two
  double malignant = 0.25, normal_epithelium = 0.10;  ///< share of the cells; the rest are immune and stroma
  std::size_t clones = 2;
  double gain = 1.5, loss = 0.5;               ///< expression of genes on changed chromosomes
  std::size_t changed_chromosomes = 6;         ///< of 22, per clone
  std::size_t pairs = 40, planted_pairs = 12;  ///< ligand–receptor genes LIG01/REC01 …; the first ones are planted
  double pair_height = 6;                      ///< of a planted gene in its cell type over the others
};

struct PlantedPair {
  std::string ligand, receptor;
  std::string sender, receiver;  ///< names of cell types; empty when nothing is planted
};

struct GenePlace {
  std::string gene, chromosome;
  std::uint64_t start = 0;
};

enum class Droplet { kCell, kDoublet, kEmpty };

struct TumourMatrix {
  io::TenxMatrix counts;                 ///< every droplet; shuffled
  std::vector<Droplet> droplet;          ///< per barcode
  std::vector<std::string> type;         ///< per barcode; of a doublet the first cell's; "" for empty ones
  std::vector<std::string> second_type;  ///< of doublets
  std::vector<bool> poor, malignant;
  std::vector<GenePlace> places;
  std::vector<PlantedPair> pairs;
  std::vector<double> ambient;  ///< profile
};

/// The types: malignant, normal_epithelium, CD8_T, CD4_T, B, plasma, NK, myeloid, fibroblast, endothelial.
[[nodiscard]] TumourMatrix simulate_tumour_matrix(const TumourMatrixOptions& options);

}  // namespace immucan::simulate
