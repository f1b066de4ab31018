#include "microbiome/taxonomy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::microbiome {

namespace {

[[noreturn]] void fail(const std::string& file, std::uint64_t line, std::string what, std::string remedy) {
  core::raise({file, line == 0 ? core::Place::none() : core::Place::line(line), std::move(what), std::move(remedy)});
}

/// Fields of an NCBI dump line, without the tabs around the bars. The last field ends in "\t|".
void split_dump_line(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  while (true) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) break;
    fields.push_back(core::trim(line.substr(0, bar)));
    line.remove_prefix(bar + 1);
  }
  if (const auto rest = core::trim(line); !rest.empty()) fields.push_back(rest);
}

std::uint64_t taxid_field(const io::LineReader& reader, std::string_view field, std::string_view what) {
  const auto value = core::parse_unsigned(field);
  if (!value || *value == 0)
    fail(reader.name(), reader.line_number(),
         fmt::format("the {} '{}' is not a positive integer", what, core::printable(field)),
         "Use the unchanged dump file of the taxonomy");
  return *value;
}

}  // namespace

Taxonomy Taxonomy::from_nodes(std::vector<Taxon> nodes, const std::vector<std::uint64_t>& parent_taxids,
                              const std::vector<std::uint64_t>& lines, const std::string& source) {
  const auto line_of = [&](std::size_t i) { return lines.empty() ? 0 : lines[i]; };
  if (nodes.empty()) fail(source, 0, "there is no node", "Give a taxonomy with a root and the taxa of the genomes");
  std::unordered_map<std::uint64_t, TaxonIndex> by_taxid;
  by_taxid.reserve(nodes.size());
  std::size_t root = nodes.size();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!by_taxid.emplace(nodes[i].taxid, static_cast<TaxonIndex>(i)).second)
      fail(source, line_of(i), fmt::format("the taxid {} appears a second time", nodes[i].taxid),
           "Keep one line per node");
    if (parent_taxids[i] != nodes[i].taxid) continue;
    if (root != nodes.size())
      fail(source, line_of(i), fmt::format("a second root, {} besides {}", nodes[i].taxid, nodes[root].taxid),
           "Only one node may be its own parent");
    root = i;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto parent = by_taxid.find(parent_taxids[i]);
    if (parent == by_taxid.end())
      fail(source, line_of(i),
           fmt::format("the parent {} of taxid {} is not in the file", parent_taxids[i], nodes[i].taxid),
           "Add the missing node or remove the orphan");
    nodes[i].parent = parent->second;
  }
  if (root == nodes.size())
    fail(source, 0, "no node is its own parent, so there is no root", "Add the root, usually taxid 1 with parent 1");

  // Depth of every node by walking up to the first known one; a walk that meets itself is a cycle.
  constexpr unsigned kUnknown = std::numeric_limits<unsigned>::max(), kOnPath = kUnknown - 1;
  std::vector<unsigned> depths(nodes.size(), kUnknown);
  depths[root] = 0;
  std::vector<TaxonIndex> path;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    path.clear();
    auto at = static_cast<TaxonIndex>(i);
    while (depths[at] == kUnknown) {
      depths[at] = kOnPath;
      path.push_back(at);
      at = nodes[at].parent;
    }
    if (depths[at] == kOnPath)
      fail(source, line_of(at), fmt::format("taxid {} is its own ancestor, a cycle", nodes[at].taxid),
           "Correct the parent of one of its nodes");
    unsigned depth = depths[at];
    for (auto node = path.rbegin(); node != path.rend(); ++node) depths[*node] = ++depth;
  }

  Taxonomy taxonomy;
  if (root != 0) {  // index 0 is the root by contract
    std::swap(nodes[0], nodes[root]);
    std::swap(depths[0], depths[root]);
    for (auto& node : nodes) {
      if (node.parent == 0)
        node.parent = static_cast<TaxonIndex>(root);
      else if (node.parent == root)
        node.parent = 0;
    }
    by_taxid[nodes[0].taxid] = 0;
    by_taxid[nodes[root].taxid] = static_cast<TaxonIndex>(root);
  }
  for (auto& node : nodes)
    if (node.name.empty()) node.name = fmt::format("taxid {}", node.taxid);
  taxonomy.nodes_ = std::move(nodes);
  taxonomy.depths_ = std::move(depths);
  taxonomy.by_taxid_ = std::move(by_taxid);
  return taxonomy;
}

std::optional<TaxonIndex> Taxonomy::find(std::uint64_t taxid) const {
  if (const auto found = by_taxid_.find(taxid); found != by_taxid_.end()) return found->second;
  if (const auto merged = merged_.find(taxid); merged != merged_.end()) {
    if (const auto found = by_taxid_.find(merged->second); found != by_taxid_.end()) return found->second;
  }
  return std::nullopt;
}

TaxonIndex Taxonomy::lowest_common_ancestor(TaxonIndex a, TaxonIndex b) const {
  while (depths_[a] > depths_[b]) a = nodes_[a].parent;
  while (depths_[b] > depths_[a]) b = nodes_[b].parent;
  while (a != b) {
    a = nodes_[a].parent;
    b = nodes_[b].parent;
  }
  return a;
}

std::optional<TaxonIndex> Taxonomy::ancestor_of_rank(TaxonIndex index, std::string_view rank) const {
  while (true) {
    if (nodes_[index].rank == rank) return index;
    if (index == 0) return std::nullopt;
    index = nodes_[index].parent;
  }
}

Taxonomy read_nodes(std::unique_ptr<io::ByteSource> source) {
  io::LineReader reader(std::move(source));
  std::vector<Taxon> nodes;
  std::vector<std::uint64_t> parents, lines;
  std::vector<std::string_view> fields;
  std::string_view line;
  while (reader.next(line)) {
    if (line.empty()) continue;
    split_dump_line(line, fields);
    if (fields.size() < 3)
      fail(reader.name(), reader.line_number(),
           fmt::format("{} field(s) where taxid, parent and rank are expected", fields.size()),
           "Give NCBI's nodes.dmp, whose fields are separated by tab, bar, tab");
    Taxon node;
    node.taxid = taxid_field(reader, fields[0], "taxid");
    const std::uint64_t parent = taxid_field(reader, fields[1], "parent taxid");
    if (fields[2].empty() || fields[2].size() > 64)
      fail(reader.name(), reader.line_number(),
           fmt::format("the rank '{}' is empty or too long", core::printable(fields[2])),
           "Write 'no rank' where there is none");
    node.rank = std::string(fields[2]);
    nodes.push_back(std::move(node));
    parents.push_back(parent);
    lines.push_back(reader.line_number());
  }
  return Taxonomy::from_nodes(std::move(nodes), parents, lines, reader.name());
}

void read_names(std::unique_ptr<io::ByteSource> source, Taxonomy& taxonomy) {
  io::LineReader reader(std::move(source));
  std::vector<char> named(taxonomy.size());
  std::vector<std::string_view> fields;
  std::string_view line;
  std::uint64_t names = 0;
  while (reader.next(line)) {
    if (line.empty()) continue;
    split_dump_line(line, fields);
    if (fields.size() < 4)
      fail(reader.name(), reader.line_number(),
           fmt::format("{} field(s) where taxid, name, unique name and class are expected", fields.size()),
           "Give NCBI's names.dmp, whose fields are separated by tab, bar, tab");
    const std::uint64_t taxid = taxid_field(reader, fields[0], "taxid");
    if (fields[3] != "scientific name") continue;
    const auto node = taxonomy.find(taxid);
    if (!node || taxonomy[*node].taxid != taxid)
      fail(reader.name(), reader.line_number(), fmt::format("the taxid {} is not in nodes.dmp", taxid),
           "Take nodes.dmp and names.dmp of the same release");
    if (fields[1].empty())
      fail(reader.name(), reader.line_number(), fmt::format("the scientific name of taxid {} is empty", taxid),
           "Write a name");
    if (named[*node] != 0)
      fail(reader.name(), reader.line_number(), fmt::format("a second scientific name for taxid {}", taxid),
           "Keep one");
    named[*node] = 1;
    taxonomy.set_name(*node, std::string(fields[1]));
    ++names;
  }
  if (names == 0) fail(reader.name(), 0, "there is no line of class 'scientific name'", "Give NCBI's names.dmp");
}

void read_merged(std::unique_ptr<io::ByteSource> source, Taxonomy& taxonomy) {
  io::LineReader reader(std::move(source));
  std::vector<std::string_view> fields;
  std::string_view line;
  while (reader.next(line)) {
    if (line.empty()) continue;
    split_dump_line(line, fields);
    if (fields.size() < 2)
      fail(reader.name(), reader.line_number(), "less than two fields", "Give NCBI's merged.dmp: old | new |");
    const std::uint64_t old_taxid = taxid_field(reader, fields[0], "old taxid");
    const std::uint64_t new_taxid = taxid_field(reader, fields[1], "new taxid");
    if (taxonomy.is_merged(old_taxid))
      fail(reader.name(), reader.line_number(), fmt::format("the old taxid {} appears a second time", old_taxid),
           "Keep one line per merged taxid");
    if (taxonomy.find(old_taxid))
      fail(reader.name(), reader.line_number(), fmt::format("the old taxid {} is still a node", old_taxid),
           "Take nodes.dmp and merged.dmp of the same release");
    if (!taxonomy.find(new_taxid))
      fail(reader.name(), reader.line_number(), fmt::format("the new taxid {} is not in nodes.dmp", new_taxid),
           "Take nodes.dmp and merged.dmp of the same release");
    taxonomy.add_merged(old_taxid, new_taxid);
  }
}

Taxonomy read_ncbi_taxonomy(const std::filesystem::path& folder, core::RunContext& context) {
  const auto locate = [&](const char* name) {
    for (const char* suffix : {"", ".gz"}) {
      auto path = folder / (std::string(name) + suffix);
      if (std::error_code error; std::filesystem::exists(path, error)) return path;
    }
    return folder / name;
  };
  Taxonomy taxonomy = read_nodes(io::open_source(locate("nodes.dmp"), context));
  read_names(io::open_source(locate("names.dmp"), context), taxonomy);
  if (const auto merged = locate("merged.dmp"); std::filesystem::exists(merged))
    read_merged(io::open_source(merged, context), taxonomy);
  return taxonomy;
}

GenomeTaxa read_genome_taxa(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const std::size_t genome = table.require("genome");
  const std::size_t taxid = table.find("genome_taxid") ? *table.find("genome_taxid") : table.require("taxid");
  const auto species = table.find("species_id");
  GenomeTaxa genomes;
  while (table.next()) {
    const std::string name(table.field(genome));
    if (core::is_missing(name)) table.fail(genome, "the genome is missing", "Name the genome, its file without suffix");
    GenomeTaxon taxon;
    const auto read_id = [&](std::size_t column) -> std::uint64_t {
      const auto value = table.integer(column);
      if (value && *value <= 0)
        table.fail(column, fmt::format("the taxid {} is not positive", *value), "Give a taxid of the taxonomy or NA");
      return value ? static_cast<std::uint64_t>(*value) : 0;
    };
    taxon.taxid = read_id(taxid);
    if (species) taxon.species_taxid = read_id(*species);
    if (!genomes.emplace(name, taxon).second)
      table.fail(genome, fmt::format("the genome '{}' appears a second time", core::printable(name)),
                 "Keep one line per genome");
  }
  return genomes;
}

namespace {

/// Collects lineages and numbers their nodes in sorted order.
class LineageCollector {
 public:
  using Lineage = decltype(GenomeLineage::lineage);

  void add(std::string genome, Lineage lineage) { genomes_.emplace_back(std::move(genome), std::move(lineage)); }

  LineageTable finish(const std::string& source, const std::vector<GenomeLineage>& known = {}) {
    if (genomes_.empty() && known.empty()) fail(source, 0, "there is no genome", "Give one line per genome");
    std::unordered_set<std::string> given;
    for (const auto& [genome, lineage] : genomes_) given.insert(genome);
    for (const GenomeLineage& entry : known)
      if (!given.contains(entry.genome)) genomes_.emplace_back(entry.genome, entry.lineage);
    std::map<Lineage, std::uint64_t> numbers;
    numbers[{}] = 0;
    for (const auto& [genome, lineage] : genomes_)
      for (std::size_t n = 1; n <= lineage.size(); ++n)
        numbers[{lineage.begin(), lineage.begin() + std::ptrdiff_t(n)}] = 0;
    std::uint64_t next = 0;
    for (auto& [lineage, number] : numbers) number = ++next;
    std::vector<Taxon> nodes;
    std::vector<std::uint64_t> parents;
    for (const auto& [lineage, number] : numbers) {
      Taxon node;
      node.taxid = number;
      node.rank = lineage.empty() ? "no rank" : lineage.back().first;
      node.name = lineage.empty() ? "root" : lineage.back().second;
      nodes.push_back(std::move(node));
      parents.push_back(lineage.empty() ? number : numbers.at({lineage.begin(), lineage.end() - 1}));
    }
    GenomeTaxa taxa;
    for (const auto& [genome, lineage] : genomes_) taxa[genome] = {numbers.at(lineage), 0};
    return {Taxonomy::from_nodes(std::move(nodes), parents, {}, source), std::move(taxa)};
  }

 private:
  std::vector<std::pair<std::string, Lineage>> genomes_;
};

}  // namespace

LineageTable read_gtdb(std::unique_ptr<io::ByteSource> source, const std::vector<GenomeLineage>& known) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kRanks{{{"d__", "domain"},
                                                                                        {"p__", "phylum"},
                                                                                        {"c__", "class"},
                                                                                        {"o__", "order"},
                                                                                        {"f__", "family"},
                                                                                        {"g__", "genus"},
                                                                                        {"s__", "species"}}};
  io::LineReader reader(std::move(source));
  LineageCollector lineages;
  std::unordered_map<std::string, std::uint64_t> seen;
  std::string_view line;
  while (reader.next(line)) {
    if (line.empty()) continue;
    const auto fields = core::split(line, '\t');
    if (fields.size() < 2 || fields[0].empty())
      fail(reader.name(), reader.line_number(), "not 'genome TAB lineage'", "Give GTDB's taxonomy table");
    if (!seen.emplace(std::string(fields[0]), reader.line_number()).second)
      fail(reader.name(), reader.line_number(),
           fmt::format("the genome '{}' appears a second time", core::printable(fields[0])),
           "Keep one line per genome");
    const auto parts = core::split(fields[1], ';');
    if (parts.size() != kRanks.size())
      fail(reader.name(), reader.line_number(), fmt::format("{} ranks where 7 are expected", parts.size()),
           "Write d__…;p__…;c__…;o__…;f__…;g__…;s__…");
    LineageCollector::Lineage lineage;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto part = core::trim(parts[i]);
      if (!part.starts_with(kRanks[i].first))
        fail(reader.name(), reader.line_number(),
             fmt::format("'{}' where {} is expected", core::printable(part), kRanks[i].first),
             "Write d__…;p__…;c__…;o__…;f__…;g__…;s__…");
      if (part.size() > 3) lineage.emplace_back(kRanks[i].second, part.substr(3));
    }
    lineages.add(std::string(fields[0]), std::move(lineage));
  }
  return lineages.finish(reader.name(), known);
}

LineageTable read_lineages(std::unique_ptr<io::ByteSource> source, const std::vector<GenomeLineage>& known) {
  io::TsvReader table(std::move(source));
  const std::size_t genome = table.require("genome");
  LineageCollector lineages;
  std::unordered_map<std::string, std::uint64_t> seen;
  if (table.header().size() < 2)
    fail(table.name(), 1, "there is no column besides 'genome'", "Add one column per rank, from the highest down");
  while (table.next()) {
    const std::string name(table.field(genome));
    if (core::is_missing(name)) table.fail(genome, "the genome is missing", "Name the genome");
    if (!seen.emplace(name, table.line()).second)
      table.fail(genome, fmt::format("the genome '{}' appears a second time", core::printable(name)),
                 "Keep one line per genome");
    LineageCollector::Lineage lineage;
    for (std::size_t i = 0; i < table.header().size(); ++i)
      if (i != genome && !core::is_missing(table.field(i))) lineage.emplace_back(table.header()[i], table.field(i));
    if (lineage.empty()) table.fail(genome, "no rank is given", "Fill at least one rank");
    lineages.add(name, std::move(lineage));
  }
  return lineages.finish(table.name(), known);
}

LineageTable lineage_table(const std::vector<GenomeLineage>& known, const std::string& source) {
  return LineageCollector().finish(source, known);
}

GenomeLineage lineage_of(const Taxonomy& taxonomy, TaxonIndex index, std::string genome) {
  GenomeLineage entry{std::move(genome), {}};
  for (; index != 0; index = taxonomy[index].parent)
    entry.lineage.emplace_back(taxonomy[index].rank, taxonomy[index].name);
  std::ranges::reverse(entry.lineage);
  return entry;
}

std::vector<std::string> rank_codes(const Taxonomy& taxonomy) {
  static constexpr std::array<std::pair<std::string_view, char>, 11> kLetters{{{"superkingdom", 'D'},
                                                                               {"domain", 'D'},
                                                                               {"acellular root", 'D'},
                                                                               {"kingdom", 'K'},
                                                                               {"phylum", 'P'},
                                                                               {"class", 'C'},
                                                                               {"order", 'O'},
                                                                               {"family", 'F'},
                                                                               {"genus", 'G'},
                                                                               {"species", 'S'},
                                                                               {"root", 'R'}}};
  std::vector<std::string> codes(taxonomy.size());
  std::vector<unsigned> below(taxonomy.size(), 0);
  std::vector<TaxonIndex> path;
  codes[0] = "R";
  for (TaxonIndex i = 0; i < taxonomy.size(); ++i) {
    path.clear();
    for (TaxonIndex at = i; codes[at].empty(); at = taxonomy[at].parent) path.push_back(at);
    for (auto node = path.rbegin(); node != path.rend(); ++node) {
      const auto letter = std::ranges::find(kLetters, taxonomy[*node].rank, &std::pair<std::string_view, char>::first);
      if (letter != kLetters.end()) {
        codes[*node] = std::string(1, letter->second);
      } else {
        const TaxonIndex parent = taxonomy[*node].parent;
        below[*node] = below[parent] + 1;
        codes[*node] = codes[parent][0] + std::to_string(below[*node]);
      }
    }
  }
  return codes;
}

}  // namespace immucan::microbiome
