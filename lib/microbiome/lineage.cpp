#include "microbiome/lineage.h"

#include <algorithm>

namespace immucan::microbiome {

std::optional<std::size_t> standard_rank(std::string_view rank) {
  if (rank == "domain" || rank == "acellular root") return 0;
  const auto found = std::ranges::find(kRankNames, rank);
  if (found == kRankNames.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kRankNames.begin());
}

Lineage lineage_of(const Taxonomy& taxonomy, TaxonIndex taxon) {
  Lineage lineage;
  for (TaxonIndex at = taxon; at != 0; at = taxonomy[at].parent) {
    const auto rank = standard_rank(taxonomy[at].rank);
    // The highest of several nodes of one rank, so that a lineage is the same for all of a clade.
    if (rank && *rank != kStrainRank) lineage[*rank] = at;
  }
  if (lineage[kSpeciesRank] && *lineage[kSpeciesRank] != taxon) lineage[kStrainRank] = taxon;
  return lineage;
}

std::optional<std::size_t> rank_in(const Lineage& lineage, TaxonIndex taxon) {
  const auto found = std::ranges::find(lineage, std::optional(taxon));
  if (found == lineage.end()) return std::nullopt;
  return static_cast<std::size_t>(found - lineage.begin());
}

std::string plain_name(std::string_view name) {
  std::string plain(name);
  for (char& c : plain)
    if (c == '|' || c == ';' || c == '\t') c = ' ';
  return plain;
}

std::string lineage_text(const Taxonomy& taxonomy, const Lineage& lineage) {
  std::string text;
  std::size_t last = kStandardRanks;
  while (last > 0 && !lineage[last - 1]) --last;
  for (std::size_t rank = 0; rank < last; ++rank) {
    if (rank != 0) text += ';';
    text += kRankLetters[rank];
    text += "__";
    if (lineage[rank]) text += plain_name(taxonomy[*lineage[rank]].name);
  }
  return text;
}

}  // namespace immucan::microbiome
