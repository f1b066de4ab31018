#pragma once
// Which cell types speak to each other: a ligand in one, its receptor in the other, both more than by chance.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

/// Subunits of a complex are all needed.
struct LigandReceptor {
  std::vector<std::string> ligand, receptor;
  [[nodiscard]] std::string name() const;  ///< LIGAND-RECEPTOR, subunits joined by +
};

/// Columns `ligand` and `receptor`, subunits joined by `+`; others are passed over. 65 on a missing name or subunit, a
/// subunit twice, a pair twice, or no row.
[[nodiscard]] std::vector<LigandReceptor> read_ligand_receptor(std::unique_ptr<io::ByteSource> source);

struct Interaction {
  std::size_t pair = 0, sender = 0, receiver = 0;
  double ligand_mean = 0, receptor_mean = 0;  ///< ln(1 + counts per ten thousand), the lowest of the subunits
  double score = 0;                           ///< geometric mean of the two
  double fold =
      0;  ///< lowest of both sides' subunits: mean counts per ten thousand in the type over that in all other cells
  double p = 1, fdr = 1;
  bool called = false;  ///< fdr and fold suffice
};

struct InteractionOptions {
  std::size_t permutations = 2000;
  std::size_t least_cells = 10;                          ///< of a type
  double least_expressed = 0.1;                          ///< share of a type's cells that have every subunit
  double false_discovery_rate = 0.05, least_fold = 1.5;  ///< of what is called
};

struct InteractionResult {
  std::vector<Interaction> tested;  ///< by pair, sender, receiver
  std::vector<std::vector<double>>
      score;  ///< pair × (sender · types + receiver); NaN where a type is too small or a gene absent
};

/// `type` per cell: a number below `types`, or nullopt: not in the analysis. Labels are shuffled among the cells; the p
/// of a gene in a type is the share of shuffles in which its mean there is at least as high, (1 + b) / (1 + N); where b
/// is below 10, the upper tail of the gamma distribution with the shuffles' mean, variance and skewness, if smaller
/// (Pearson type III, as Knijnenburg et al., Bioinformatics 25:i161, 2009, do with another tail). The p of an
/// interaction is the largest of its subunits' in sender and receiver: both sides must be more than chance
/// (intersection–union; Berger 1982). Benjamini–Hochberg over all that is tested. With
/// many cells the smallest differences are beyond chance (of composition, of copy number): what is called has a fold
/// of 1.5 on both sides, too. The same for any number of threads.
[[nodiscard]] InteractionResult score_interactions(const io::CsrMatrix& counts,
                                                   const std::vector<std::string>& gene_names,
                                                   const std::vector<std::optional<std::size_t>>& type,
                                                   std::size_t types, const std::vector<LigandReceptor>& pairs,
                                                   const InteractionOptions& options, const core::RunContext& context);

}  // namespace immucan::scrna
