#include "microbiome/profile_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/text.h"
#include "microbiome/bracken.h"
#include "microbiome/lineage.h"
#include "microbiome/species_list.h"

namespace immucan::microbiome {

namespace {

/// A clade that stands at one of the eight ranks.
struct RankedRow {
  const ProfileRow* row;
  Lineage lineage;
  std::size_t rank;
};

/// By rank, larger ones first as in the profile. Of nested taxa below a species the deepest are the strains.
std::vector<RankedRow> ranked_rows(const Database& database, const SampleProfile& profile) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::unordered_map<TaxonIndex, bool> has_row_below;
  std::vector<std::pair<TaxonIndex, const ProfileRow*>> rows;
  for (const ProfileRow& row : profile.rows) {
    const auto taxon = taxonomy.find(row.taxid);
    if (!taxon) continue;
    rows.emplace_back(*taxon, &row);
    has_row_below[taxonomy[*taxon].parent] = true;
  }
  std::vector<RankedRow> ranked;
  for (const auto& [taxon, row] : rows) {
    const Lineage lineage = lineage_of(taxonomy, taxon);
    const auto rank = rank_in(lineage, taxon);
    if (!rank || (*rank == kStrainRank && has_row_below.contains(taxon))) continue;
    ranked.push_back({row, lineage, *rank});
  }
  std::ranges::stable_sort(ranked, {}, &RankedRow::rank);
  return ranked;
}

/// Fields of a path down to the rank; `field` gives a rank's text.
template <class Field>
std::string path_of(const RankedRow& row, Field&& field) {
  std::string path;
  for (std::size_t rank = 0; rank <= row.rank; ++rank) {
    if (rank != 0) path += '|';
    path += field(rank);
  }
  return path;
}

std::string id_at(const Taxonomy& taxonomy, const Lineage& lineage, std::size_t rank) {
  return lineage[rank] ? std::to_string(taxonomy[*lineage[rank]].taxid) : std::string{};
}

std::string name_at(const Taxonomy& taxonomy, const Lineage& lineage, std::size_t rank) {
  return lineage[rank] ? plain_name(taxonomy[*lineage[rank]].name) : std::string{};
}

/// Six decimals after the point would lose rare taxa; ten significant digits do not.
std::string percentage(double share) {
  return core::format_double(core::parse_double(fmt::format("{:.9e}", 100 * share)).value_or(100 * share));
}

}  // namespace

std::string cami_profile(const Database& database, const SampleProfile& profile, std::string_view sample_id,
                         std::string_view program) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::string out = fmt::format(
      "# Taxonomic abundances: shares of genome copies among the known species, without the host\n"
      "@SampleID:{}\n@Version:0.9.1\n@Ranks:{}\n@TaxonomyID:database {}\n@__program__:{}\n"
      "@@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE\n",
      sample_id, fmt::join(kRankNames, "|"), database.digest().substr(0, 16), program);
  for (const RankedRow& ranked : ranked_rows(database, profile)) {
    const auto ids = path_of(ranked, [&](std::size_t rank) { return id_at(taxonomy, ranked.lineage, rank); });
    const auto names = path_of(ranked, [&](std::size_t rank) { return name_at(taxonomy, ranked.lineage, rank); });
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", ranked.row->taxid, kRankNames[ranked.rank], ids, names,
                       percentage(ranked.row->taxonomic_abundance));
  }
  return out;
}

std::string metaphlan_table(const Database& database, const SampleProfile& profile, std::string_view sample_id,
                            std::string_view program) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::string out = fmt::format(
      "#database_{}\n#{}\n#{} reads processed\n#SampleID\t{}\n"
      "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n",
      database.digest().substr(0, 16), program, profile.reads, sample_id);
  if (profile.rows.empty()) out += "UNCLASSIFIED\t-1\t100.0\t\n";
  for (const RankedRow& ranked : ranked_rows(database, profile)) {
    const auto ids = path_of(ranked, [&](std::size_t rank) { return id_at(taxonomy, ranked.lineage, rank); });
    auto names = path_of(ranked, [&](std::size_t rank) {
      return fmt::format("{}__{}", kRankLetters[rank], name_at(taxonomy, ranked.lineage, rank));
    });
    std::ranges::replace(names, ' ', '_');
    out += fmt::format("{}\t{}\t{}\t\n", names, ids, percentage(ranked.row->taxonomic_abundance));
  }
  return out;
}

std::string bracken_species_table(const Database& database, const SampleProfile& profile) {
  std::unordered_map<std::uint64_t, const ProfileRow*> rows;
  for (const ProfileRow& row : profile.rows) rows[row.taxid] = &row;
  std::vector<BrackenRow> table;
  for (const SpeciesEvidence& evidence : profile.evidence) {
    const Taxon& taxon = database.taxonomy()[evidence.species];
    const auto found = rows.find(taxon.taxid);
    if (!evidence.present || found == rows.end()) continue;
    const std::uint64_t reads = found->second->reads, own = std::min(evidence.own_fragments, reads);
    table.push_back({taxon.name, taxon.taxid, own, reads - own,
                     profile.classified_fragments == 0
                         ? 0
                         : static_cast<double>(reads) / static_cast<double>(profile.classified_fragments)});
  }
  std::ranges::stable_sort(table, std::greater{}, [](const BrackenRow& row) { return row.assigned + row.added; });
  return bracken_table(table, "S");
}

io::BiomTable profile_biom(const Database& database, const SampleProfile& profile, std::string_view sample_id) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::unordered_map<std::uint64_t, const ProfileRow*> rows;
  for (const ProfileRow& row : profile.rows) rows[row.taxid] = &row;
  io::BiomTable table;
  table.id = sample_id;
  table.type = "Taxon table";
  table.sample_ids.emplace_back(sample_id);
  table.values.columns = 1;
  std::vector<std::vector<std::string>> lineages;
  std::vector<double> taxonomic, sequence;
  for (const ListedSpecies& species : listed_species(database)) {
    const Taxon& taxon = taxonomy[species.taxon];
    const auto found = rows.find(taxon.taxid);
    if (found == rows.end()) continue;
    const ProfileRow& row = *found->second;
    table.observation_ids.push_back(std::to_string(taxon.taxid));
    if (row.reads != 0) {
      table.values.column.push_back(0);
      table.values.value.push_back(static_cast<double>(row.reads));
    }
    table.values.row_start.push_back(static_cast<std::int64_t>(table.values.column.size()));
    ++table.values.rows;
    const Lineage lineage = lineage_of(taxonomy, species.taxon);
    std::vector<std::string> names;
    for (std::size_t rank = 0; rank <= kSpeciesRank; ++rank)
      names.push_back(fmt::format("{}__{}", kRankLetters[rank], name_at(taxonomy, lineage, rank)));
    lineages.push_back(std::move(names));
    taxonomic.push_back(row.taxonomic_abundance);
    sequence.push_back(row.sequence_abundance);
  }
  if (table.values.rows != 0) {
    table.observation_metadata.push_back({"taxonomy", std::move(lineages)});
    table.observation_metadata.push_back({"taxonomic_abundance", std::move(taxonomic)});
    table.observation_metadata.push_back({"sequence_abundance", std::move(sequence)});
  }
  return table;
}

void add_kmer_columns(const Database& database, const SampleCounts& counts, SampleProfile& profile) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::vector<std::uint64_t> kmers(taxonomy.size()), distinct(taxonomy.size());
  std::vector<TaxonIndex> ancestor(database.sets());
  for (std::size_t set = 0; set < database.sets(); ++set) {
    const auto members = database.set(set);
    if (members.empty()) continue;
    ancestor[set] = database.genomes()[members[0]].taxon;
    for (const std::uint32_t genome : members)
      ancestor[set] = taxonomy.lowest_common_ancestor(ancestor[set], database.genomes()[genome].taxon);
  }
  counts.for_each_kmer([&](UnitIndex unit, std::uint8_t count) {
    const TaxonIndex taxon = ancestor[database.units()[unit].set];
    kmers[taxon] += count;
    ++distinct[taxon];
  });
  std::vector<TaxonIndex> deepest_first(taxonomy.size());
  for (TaxonIndex i = 0; i < deepest_first.size(); ++i) deepest_first[i] = i;
  std::ranges::stable_sort(deepest_first, std::greater{}, [&](TaxonIndex i) { return taxonomy.depth(i); });
  for (const TaxonIndex i : deepest_first) {
    if (i == 0) continue;
    kmers[taxonomy[i].parent] += kmers[i];
    distinct[taxonomy[i].parent] += distinct[i];
  }
  for (ReportRow& row : profile.report) {
    const auto taxon = row.code == "U" ? std::nullopt : taxonomy.find(row.taxid);
    if (!taxon) continue;
    row.kmers = kmers[*taxon];
    row.distinct_kmers = distinct[*taxon];
  }
}

}  // namespace immucan::microbiome
