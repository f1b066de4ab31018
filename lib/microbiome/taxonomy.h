#pragma once
// Taxonomies: NCBI dump files (nodes.dmp, names.dmp, merged.dmp), GTDB tables and lineage tables, as one tree.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::microbiome {

using TaxonIndex = std::uint32_t;

struct Taxon {
  std::uint64_t taxid = 0;
  TaxonIndex parent = 0;  ///< the root is its own parent
  std::string rank;       ///< as in the source: "species", "no rank", …
  std::string name;       ///< scientific name; "taxid N" where the source has none
};

/// A rooted tree; every node reaches the root. Index 0 is the root.
class Taxonomy {
 public:
  /// Checks and orders the nodes: exactly one root, no duplicate taxid, no orphan, no cycle. `lines` (same length, or
  /// empty) are the lines of `source` the nodes came from, for messages.
  static Taxonomy from_nodes(std::vector<Taxon> nodes, const std::vector<std::uint64_t>& parent_taxids,
                             const std::vector<std::uint64_t>& lines, const std::string& source);

  [[nodiscard]] const std::vector<Taxon>& nodes() const { return nodes_; }
  [[nodiscard]] const Taxon& operator[](TaxonIndex index) const { return nodes_[index]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  /// The node of a taxid, following merged.dmp.
  [[nodiscard]] std::optional<TaxonIndex> find(std::uint64_t taxid) const;
  [[nodiscard]] bool is_merged(std::uint64_t taxid) const { return merged_.contains(taxid); }
  void add_merged(std::uint64_t old_taxid, std::uint64_t new_taxid) { merged_[old_taxid] = new_taxid; }
  void take_merged(const Taxonomy& other) { merged_ = other.merged_; }
  [[nodiscard]] TaxonIndex lowest_common_ancestor(TaxonIndex a, TaxonIndex b) const;
  /// The first node of that rank on the way from `index` (inclusive) to the root.
  [[nodiscard]] std::optional<TaxonIndex> ancestor_of_rank(TaxonIndex index, std::string_view rank) const;
  [[nodiscard]] unsigned depth(TaxonIndex index) const { return depths_[index]; }
  void set_name(TaxonIndex index, std::string name) { nodes_[index].name = std::move(name); }

 private:
  std::vector<Taxon> nodes_;
  std::vector<unsigned> depths_;
  std::unordered_map<std::uint64_t, TaxonIndex> by_taxid_;
  std::unordered_map<std::uint64_t, std::uint64_t> merged_;
};

/// nodes.dmp: "taxid | parent | rank | …", fields separated by TAB | TAB. 65 with file and line on anything else.
[[nodiscard]] Taxonomy read_nodes(std::unique_ptr<io::ByteSource> source);
/// names.dmp: takes the names of class "scientific name". 65 on a taxid that nodes.dmp lacks or a second scientific
/// name.
void read_names(std::unique_ptr<io::ByteSource> source, Taxonomy& taxonomy);
/// merged.dmp: "old | new". 65 where the new id is unknown or the old one is a node.
void read_merged(std::unique_ptr<io::ByteSource> source, Taxonomy& taxonomy);
/// nodes.dmp, names.dmp and, where present, merged.dmp of a folder; a trailing .gz is found too.
[[nodiscard]] Taxonomy read_ncbi_taxonomy(const std::filesystem::path& folder, core::RunContext& context);

/// Genome → place in the tree.
struct GenomeTaxon {
  std::uint64_t taxid = 0;          ///< the genome's own node
  std::uint64_t species_taxid = 0;  ///< used where `taxid` is not in the taxonomy; 0 = none
};
using GenomeTaxa = std::unordered_map<std::string, GenomeTaxon>;

/// genome_tax.tsv: columns `genome`, `genome_taxid` (or `taxid`) and optionally `species_id`. 65 on a duplicate genome.
[[nodiscard]] GenomeTaxa read_genome_taxa(std::unique_ptr<io::ByteSource> source);

/// A genome's place as ranks and names, from the highest down.
struct GenomeLineage {
  std::string genome;
  std::vector<std::pair<std::string, std::string>> lineage;
};

struct LineageTable {
  Taxonomy taxonomy;
  GenomeTaxa genomes;
};
/// GTDB: "genome TAB d__…;p__…;c__…;o__…;f__…;g__…;s__…" without header. Taxids are numbered from 1 (the root) in the
/// order of the sorted lineages, so they depend on the table alone. `known`: genomes that the table need not have.
[[nodiscard]] LineageTable read_gtdb(std::unique_ptr<io::ByteSource> source,
                                     const std::vector<GenomeLineage>& known = {});
/// A table with a column `genome` and one column per rank, from the highest to the lowest; missing ranks are skipped.
[[nodiscard]] LineageTable read_lineages(std::unique_ptr<io::ByteSource> source,
                                         const std::vector<GenomeLineage>& known = {});
/// The same of genomes whose lineages are known.
[[nodiscard]] LineageTable lineage_table(const std::vector<GenomeLineage>& known, const std::string& source);
/// Ranks and names from below the root to `index`.
[[nodiscard]] GenomeLineage lineage_of(const Taxonomy& taxonomy, TaxonIndex index, std::string genome);

/// One letter and number as in Kraken's reports: R, D, K, P, C, O, F, G, S, and with the distance below, R1, S2 ….
[[nodiscard]] std::vector<std::string> rank_codes(const Taxonomy& taxonomy);

}  // namespace immucan::microbiome
