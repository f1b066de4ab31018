#pragma once
// Where each genome of a database stands: the tables that were given, and those of databases that are taken over.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "microbiome/database.h"
#include "microbiome/taxonomy.h"

namespace immucan::microbiome {

struct TaxonomySource {
  Taxonomy taxonomy;
  GenomeTaxa genomes;
  bool numbered_by_us = false;  ///< of lineages; else taxids are the taxonomy's own
};

/// The tree of `options`, in which every genome of `existing` databases has a place: lineages are joined; of NCBI's
/// taxonomy the one given must hold their taxids, or, where none is given, theirs are joined. 64 where no taxonomy or
/// more than one is given; 65 where databases contradict each other or the table.
[[nodiscard]] TaxonomySource build_taxonomy(const BuildOptions& options,
                                            const std::vector<std::unique_ptr<Database>>& existing,
                                            core::RunContext& context);

/// Adds the host's node below the root where it is missing; its index.
TaxonIndex add_host_taxon(TaxonomySource& source, std::int64_t taxid);

/// Reduces a taxonomy to the given nodes and what lies above them, ordered by taxid below the root; `taxa` are
/// renumbered.
[[nodiscard]] Taxonomy prune(const Taxonomy& full, std::vector<TaxonIndex>& taxa);

/// For each node whether one of `taxa` is in its clade.
[[nodiscard]] std::vector<char> clades_of(const Taxonomy& taxonomy, const std::vector<TaxonIndex>& taxa);

}  // namespace immucan::microbiome
