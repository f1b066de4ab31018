#pragma once
// Species that the database lacks but whose genus it knows.
#include <span>
#include <vector>

#include "microbiome/abundance.h"

namespace immucan::microbiome {

/// The genus above a species; where none has that rank, the node above it.
[[nodiscard]] TaxonIndex genus_of(const Taxonomy& taxonomy, TaxonIndex species);

/// Genera in which a species was found to be a mere relative (SpeciesEvidence::relative), with all fragments that match
/// only this genus and no present species; at least 10, and 80 to 95 % identical. Sorted by taxid.
[[nodiscard]] std::vector<NovelGenus> find_novel_genera(const Database& database, const SampleCounts& counts,
                                                        std::span<const SpeciesEvidence> evidence,
                                                        double kmer_survival);

}  // namespace immucan::microbiome
