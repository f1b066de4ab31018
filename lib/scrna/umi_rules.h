#pragma once
// How UMIs that differ by sequencing errors are joined, and what becomes of a UMI that is seen with several genes. The
// rules are those of STARsolo (alexdobin/STAR b1edc12, SoloFeature_collapseUMIall.cpp and
// SoloFeature_collapseUMI_Graph.cpp) and of alevin-fry's cr-like resolution (COMBINE-lab/alevin-fry, pugutils.rs).
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace immucan::scrna {

/// Among the UMIs of one cell and gene.
enum class UmiRule : std::uint8_t {
  k1mmCr,        ///< ranked by reads, then sequence: each takes the highest-ranked above it at one substitution; once
  kDirectional,  ///< joins the first of more reads at one substitution with at least twice its reads; transitive
  kDirectionalUmitools,  ///< likewise with twice its reads less one (Smith 2017, Genome Res 27:491)
  k1mmAll,               ///< all that are connected by single substitutions are one
  kExact                 ///< only equal ones are one
};

/// A UMI of one cell with reads of several genes.
enum class MultiGeneRule : std::uint8_t {
  kCorrectedReads,  ///< the gene with most reads after correction, unless tied or not first before (MultiGeneUMI_CR)
  kMostReads,       ///< genes with most reads before correction and at least two of them (MultiGeneUMI)
  kDrop,            ///< none (MultiGeneUMI_All)
  kKeep,            ///< every gene (STARsolo's default)
  kWinner           ///< the gene with most reads, reads of several genes counting for each of them; none on a tie
};

struct CountingRules {
  UmiRule umi = UmiRule::k1mmCr;
  MultiGeneRule multi_gene = MultiGeneRule::kCorrectedReads;
  /// Reads of several genes: their UMIs are corrected too, against those of single genes and among themselves. STARsolo
  /// and alevin-fry take them as sequenced.
  bool correct_shared = true;
  /// Leave out UMIs of several genes that a single gene has, also under kKeep.
  bool known_umis_are_counted = false;
  /// Distribute molecules of several genes by expectation maximisation, into a layer of its own.
  bool expectation_maximisation = false;
  /// Hand over the molecules one by one, not only their numbers (12 bytes each).
  /// Bits of ReadEvidence that make a molecule without a junction unspliced: set by what the reads show together.
  std::uint8_t unspliced_evidence = 0;
  bool keep_molecules = false;
};

[[nodiscard]] std::string_view name_of(UmiRule rule);
[[nodiscard]] std::string_view name_of(MultiGeneRule rule);
/// "1mm-cr", "directional", "directional-umitools", "1mm-all", "exact".
[[nodiscard]] std::optional<UmiRule> find_umi_rule(std::string_view name);
/// "corrected-reads", "most-reads", "drop", "keep", "winner".
[[nodiscard]] std::optional<MultiGeneRule> find_multi_gene_rule(std::string_view name);

/// The UMI each UMI is corrected to (itself for most). `umis` (distinct, 2 bits per base, ascending) and `reads` of one
/// cell and gene.
[[nodiscard]] std::vector<std::uint32_t> correct_umis(std::span<const std::uint32_t> umis,
                                                      std::span<const std::uint32_t> reads,
                                                      UmiRule rule = UmiRule::k1mmCr);

/// Whether two different UMIs differ by one base.
[[nodiscard]] bool one_substitution(std::uint32_t a, std::uint32_t b);

}  // namespace immucan::scrna
