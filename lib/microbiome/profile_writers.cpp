#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/text.h"
#include "microbiome/lineage.h"
#include "microbiome/profiling.h"
#include "microbiome/species_list.h"

namespace immucan::microbiome {

namespace {

/// Seven significant digits are more than the data hold and keep the files readable.
void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NA";
    return;
  }
  core::append_double(out, core::parse_double(fmt::format("{:.6e}", value)).value_or(value));
}

}  // namespace

std::string profile_tsv(const Database& database, const SampleProfile& profile) {
  const Taxonomy& taxonomy = database.taxonomy();
  const double bases = detectable_bases(profile), coverage = total_coverage(database, profile);
  std::unordered_map<std::uint64_t, double> lengths;
  for (const ListedSpecies& species : listed_species(database))
    lengths[taxonomy[species.taxon].taxid] = species.genome_length;
  std::string out =
      "taxid\trank\tname\ttaxonomic_abundance\tsequence_abundance\treads\tcoverage\tani\tlower\tupper\t"
      "detection_limit\tgenome_length\tlineage\n";
  for (const ProfileRow& row : profile.rows) {
    out += fmt::format("{}\t{}\t{}\t", row.taxid, row.rank, row.name);
    append_number(out, row.taxonomic_abundance);
    out += '\t';
    append_number(out, row.sequence_abundance);
    out += fmt::format("\t{}\t", row.reads);
    append_number(out, row.coverage);
    const auto length = lengths.find(row.taxid);
    const double missing = std::numeric_limits<double>::quiet_NaN();
    const double limit = length == lengths.end() ? missing : detection_limit(bases, length->second, coverage);
    for (const double value :
         {row.ani, row.lower, row.upper, limit, length == lengths.end() ? missing : length->second}) {
      out += '\t';
      append_number(out, value);
    }
    const auto taxon = taxonomy.find(row.taxid);
    const std::string lineage = taxon ? lineage_text(taxonomy, lineage_of(taxonomy, *taxon)) : std::string{};
    out += fmt::format("\t{}\n", lineage.empty() ? "NA" : lineage);
  }
  return out;
}

std::string kraken_report(const SampleProfile& profile) {
  return write_kraken_report(profile.report, profile.fragments, false);
}

std::string evidence_tsv(const Database& database, const SampleProfile& profile) {
  std::string out =
      "taxid\tname\tpresent\tfragments\tstrong_fragments\tplaces\tloci\texpected_loci\tclustering\tkmers\tkmers_seen\t"
      "kmer_sum\thit_rate\tintact\tsimilarity_margin\trelative\tjudged_mates\tempty_mates\texpected_"
      "empty\treference\tmissing_fragments\n";
  for (const SpeciesEvidence& e : profile.evidence) {
    const Taxon& taxon = database.taxonomy()[e.species];
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t", taxon.taxid, taxon.name, e.present ? 1 : 0, e.own_fragments,
                       e.strong_fragments, e.places, e.loci);
    append_number(out, e.expected_loci);
    out += '\t';
    append_number(out, e.clustering);
    out += fmt::format("\t{}\t{}\t{}\t", e.kmers, e.kmers_seen, e.kmer_sum);
    for (const double value : {e.hit_rate, e.intact, e.similarity_margin}) {
      append_number(out, value);
      out += '\t';
    }
    out += fmt::format("{}\t{}\t{}\t", e.relative ? 1 : 0, e.judged_mates, e.empty_mates);
    append_number(out, e.expected_empty);
    out += fmt::format("\t{}\t", database.genome_name(e.reference));
    append_number(out, e.missing_fragments);
    out += '\n';
  }
  return out;
}

std::string novel_tsv(const Database& database, const SampleProfile& profile) {
  std::string out = "genus_taxid\tgenus\tnearest_taxid\tnearest_species\tfragments\testimated_fraction\tani\n";
  for (const NovelGenus& novel : profile.novel) {
    const Taxon& genus = database.taxonomy()[novel.genus];
    const Taxon& nearest = database.taxonomy()[novel.nearest];
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t", genus.taxid, genus.name, nearest.taxid, nearest.name, novel.fragments);
    append_number(out, novel.estimated_fragments / static_cast<double>(std::max<std::uint64_t>(1, profile.fragments)));
    out += '\t';
    append_number(out, novel.ani);
    out += '\n';
  }
  return out;
}

std::string summary_json(const SampleProfile& profile, const Database& database, std::string_view sample_id) {
  std::size_t species = 0;
  for (const SpeciesEvidence& e : profile.evidence) species += e.present ? 1 : 0;
  nlohmann::ordered_json json;
  json["sample_id"] = sample_id;
  json["database"] = database.digest();
  json["input_reads"] = profile.reads;
  json["input_fragments"] = profile.fragments;
  json["input_bases"] = profile.bases;
  json["host_fragments"] = profile.host_fragments;
  json["classified_fragments"] = profile.classified_fragments;
  json["unclassified_fragments"] = profile.unclassified_fragments;
  json["host_fraction"] = profile.host_fraction;
  json["classified_fraction"] = profile.classified_fraction;
  json["known_fraction"] = profile.known_fraction;
  json["unknown_fraction"] = profile.unknown_fraction;
  json["species"] = species;
  json["shannon"] = profile.shannon;
  json["total_coverage"] = total_coverage(database, profile);
  // NaN becomes null.
  json["detectable_bases"] = detectable_bases(profile);
  return json.dump(2) + "\n";
}

}  // namespace immucan::microbiome
