#include "microbiome/build_taxonomy.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/text.h"

namespace immucan::microbiome {

namespace {

using Databases = std::vector<std::unique_ptr<Database>>;

/// The parents' taxids, as Taxonomy::from_nodes takes them.
std::vector<std::uint64_t> parents_of(const Taxonomy& taxonomy) {
  std::vector<std::uint64_t> parents;
  for (const Taxon& node : taxonomy.nodes()) parents.push_back(taxonomy[node.parent].taxid);
  return parents;
}

[[noreturn]] void contradiction(const Database& database, std::string what, std::string remedy) {
  core::raise({database.name(), core::Place::none(), std::move(what), std::move(remedy)});
}

std::vector<GenomeLineage> lineages_of(const Databases& existing) {
  std::vector<GenomeLineage> known;
  for (const auto& database : existing)
    for (std::size_t g = 0; g < database->genomes().size(); ++g)
      if (database->genomes()[g].is_host == 0)
        known.push_back(lineage_of(database->taxonomy(), database->genomes()[g].taxon, database->genome_name(g)));
  return known;
}

/// Of several databases with NCBI's taxids; a node must be the same in all that have it.
Taxonomy joined(const Databases& existing) {
  std::map<std::uint64_t, std::pair<Taxon, std::uint64_t>> all;  // node, parent's taxid
  for (const auto& database : existing) {
    const Taxonomy& taxonomy = database->taxonomy();
    const auto parents = parents_of(taxonomy);
    for (std::size_t i = 0; i < taxonomy.size(); ++i) {
      const Taxon& node = taxonomy.nodes()[i];
      const auto& [entry, is_new] = all.emplace(node.taxid, std::pair{node, parents[i]});
      const auto& [known, parent] = entry->second;
      if (!is_new && (parent != parents[i] || known.rank != node.rank || known.name != node.name))
        contradiction(*database,
                      fmt::format("taxid {} ({}) stands elsewhere in the other database's taxonomy", node.taxid,
                                  core::printable(node.name)),
                      "Give --taxonomy of one release");
    }
  }
  std::vector<Taxon> nodes;
  std::vector<std::uint64_t> parents;
  for (const auto& [taxid, entry] : all) {
    nodes.push_back(entry.first);
    parents.push_back(entry.second);
  }
  return Taxonomy::from_nodes(std::move(nodes), parents, {}, existing[0]->name());
}

void require_same_kind(const Databases& existing, bool numbered_by_us) {
  for (const auto& database : existing)
    if (database->origin().numbered_by_us != (numbered_by_us ? 1U : 0U))
      contradiction(*database,
                    numbered_by_us ? "its taxids are of NCBI's taxonomy, those of the table or database are not"
                                   : "its taxids are of lineages, those of the taxonomy or database are not",
                    "Use databases and a taxonomy of one kind");
}

/// Genomes of databases keep their taxids, where the taxonomy given has them.
void place_existing(const Databases& existing, TaxonomySource& source) {
  for (const auto& database : existing) {
    for (std::size_t g = 0; g < database->genomes().size(); ++g) {
      if (database->genomes()[g].is_host != 0) continue;
      const std::uint64_t taxid = database->taxonomy()[database->genomes()[g].taxon].taxid;
      if (!source.taxonomy.find(taxid))
        contradiction(*database,
                      fmt::format("the taxid {} of the genome '{}' is not in the taxonomy given", taxid,
                                  core::printable(database->genome_name(g))),
                      "Give a taxonomy that has it");
    }
  }
}

}  // namespace

TaxonomySource build_taxonomy(const BuildOptions& options, const Databases& existing, core::RunContext& context) {
  const int given =
      int(options.taxonomy.has_value()) + int(options.gtdb.has_value()) + int(options.lineages.has_value());
  if (given > 1 || (given == 0 && existing.empty())) core::raise_usage("give one of --taxonomy, --gtdb and --lineages");
  TaxonomySource source;
  source.numbered_by_us = options.gtdb || options.lineages || (given == 0 && existing[0]->origin().numbered_by_us != 0);
  if (options.genome_taxa && source.numbered_by_us) core::raise_usage("--genome-taxa goes with --taxonomy only");
  require_same_kind(existing, source.numbered_by_us);
  if (source.numbered_by_us) {
    const auto known = lineages_of(existing);
    LineageTable table = options.gtdb       ? read_gtdb(io::open_source(*options.gtdb, context), known)
                         : options.lineages ? read_lineages(io::open_source(*options.lineages, context), known)
                                            : lineage_table(known, existing[0]->name());
    source.taxonomy = std::move(table.taxonomy);
    source.genomes = std::move(table.genomes);
    return source;
  }
  source.taxonomy = options.taxonomy ? read_ncbi_taxonomy(*options.taxonomy, context) : joined(existing);
  if (options.genome_taxa) source.genomes = read_genome_taxa(io::open_source(*options.genome_taxa, context));
  place_existing(existing, source);
  return source;
}

TaxonIndex add_host_taxon(TaxonomySource& source, std::int64_t host_taxid) {
  auto taxid = static_cast<std::uint64_t>(host_taxid);
  if (source.numbered_by_us) {
    taxid = 0;
    for (const Taxon& node : source.taxonomy.nodes()) taxid = std::max(taxid, node.taxid);
    ++taxid;
  }
  if (!source.taxonomy.find(taxid)) {
    std::vector<Taxon> nodes = source.taxonomy.nodes();
    std::vector<std::uint64_t> parents = parents_of(source.taxonomy);
    nodes.push_back({taxid, 0, "species", "host"});
    parents.push_back(source.taxonomy[0].taxid);
    Taxonomy extended = Taxonomy::from_nodes(std::move(nodes), parents, {}, "taxonomy");
    extended.take_merged(source.taxonomy);
    source.taxonomy = std::move(extended);
  }
  return *source.taxonomy.find(taxid);
}

Taxonomy prune(const Taxonomy& full, std::vector<TaxonIndex>& taxa) {
  const std::vector<char> keep = clades_of(full, taxa);
  std::vector<TaxonIndex> order;
  for (TaxonIndex i = 1; i < full.size(); ++i)
    if (keep[i] != 0) order.push_back(i);
  std::ranges::sort(order, {}, [&](TaxonIndex i) { return full[i].taxid; });
  order.insert(order.begin(), 0);
  std::vector<TaxonIndex> renumbered(full.size(), std::numeric_limits<TaxonIndex>::max());
  std::vector<Taxon> nodes;
  std::vector<std::uint64_t> parents;
  for (const TaxonIndex i : order) {
    renumbered[i] = static_cast<TaxonIndex>(nodes.size());
    nodes.push_back(full[i]);
    parents.push_back(full[full[i].parent].taxid);
  }
  for (TaxonIndex& taxon : taxa) taxon = renumbered[taxon];
  return Taxonomy::from_nodes(std::move(nodes), parents, {}, "taxonomy");
}

std::vector<char> clades_of(const Taxonomy& taxonomy, const std::vector<TaxonIndex>& taxa) {
  std::vector<char> has(taxonomy.size());
  has[0] = 1;
  for (TaxonIndex taxon : taxa)
    for (; has[taxon] == 0; taxon = taxonomy[taxon].parent) has[taxon] = 1;
  return has;
}

}  // namespace immucan::microbiome
