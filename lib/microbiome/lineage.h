#pragma once
// Places of taxa among the eight ranks that tables of other tools know.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "microbiome/taxonomy.h"

namespace immucan::microbiome {

inline constexpr std::size_t kStandardRanks = 8;
inline constexpr std::size_t kSpeciesRank = 6, kStrainRank = 7;
/// CAMI's names, and the letters of MetaPhlAn and GreenGenes ("s__").
inline constexpr std::array<std::string_view, kStandardRanks> kRankNames{"superkingdom", "phylum", "class",   "order",
                                                                         "family",       "genus",  "species", "strain"};
inline constexpr std::string_view kRankLetters = "kpcofgst";

/// Superkingdom for "domain" and for "acellular root", the viruses of recent taxonomies; nullopt for other ranks.
[[nodiscard]] std::optional<std::size_t> standard_rank(std::string_view rank);

/// The ancestors of a taxon (and itself) at the standard ranks. What lies below a species is a strain, whatever its
/// rank is called.
using Lineage = std::array<std::optional<TaxonIndex>, kStandardRanks>;
[[nodiscard]] Lineage lineage_of(const Taxonomy& taxonomy, TaxonIndex taxon);
/// The rank at which the taxon itself stands in its lineage; nullopt where it is none of the eight.
[[nodiscard]] std::optional<std::size_t> rank_in(const Lineage& lineage, TaxonIndex taxon);

/// "k__Bacteria;p__;…;s__Bacteroides fragilis" down to the last rank that is known; ';' and '|' in names become blanks.
[[nodiscard]] std::string lineage_text(const Taxonomy& taxonomy, const Lineage& lineage);
/// The name without characters that separate names elsewhere.
[[nodiscard]] std::string plain_name(std::string_view name);

}  // namespace immucan::microbiome
