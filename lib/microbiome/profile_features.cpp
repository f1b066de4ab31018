#include "microbiome/profile_features.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <unordered_map>

#include "core/text.h"
#include "microbiome/diversity.h"
#include "microbiome/species_list.h"

namespace immucan::microbiome {

namespace {

/// Taxonomic abundances in the order of the species.
std::vector<double> abundances_of(const Database& database, const SampleProfile& profile,
                                  const std::vector<ListedSpecies>& species) {
  std::unordered_map<std::uint64_t, double> rows;
  for (const ProfileRow& row : profile.rows) rows[row.taxid] = row.taxonomic_abundance;
  std::vector<double> values;
  for (const ListedSpecies& entry : species) {
    const auto found = rows.find(database.taxonomy()[entry.taxon].taxid);
    values.push_back(found == rows.end() ? 0 : found->second);
  }
  return values;
}

std::optional<double> unless_nan(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

}  // namespace

std::vector<io::FeatureValue> profile_features(const Database& database, const SampleProfile& profile,
                                               std::string_view sample_id, std::string_view specimen) {
  std::vector<io::FeatureValue> features;
  const auto add = [&](std::string_view entity, std::string_view measure, std::optional<double> value) {
    features.push_back({std::string(sample_id), io::feature_name("microbiome", specimen, entity, measure), value});
  };
  const auto species = listed_species(database);
  const auto values = abundances_of(database, profile, species);
  const double bases = detectable_bases(profile), coverage = total_coverage(database, profile);
  std::vector<double> limits;
  std::map<std::string, int> names;
  for (const ListedSpecies& entry : species) {
    limits.push_back(detection_limit(bases, entry.genome_length, coverage));
    ++names[core::feature_entity(database.taxonomy()[entry.taxon].name)];
  }
  const auto ratios = centred_log_ratios(values, limits);
  const bool any = profile.classified_fragments != 0;
  for (std::size_t i = 0; i < species.size(); ++i) {
    const Taxon& taxon = database.taxonomy()[species[i].taxon];
    // Two species of one name (it happens with placeholders) keep their taxids apart.
    const std::string entity =
        names[core::feature_entity(taxon.name)] > 1 ? fmt::format("{}_{}", taxon.name, taxon.taxid) : taxon.name;
    add(entity, "abundance", any ? std::optional(values[i]) : std::nullopt);
    add(entity, "clr", any ? unless_nan(ratios[i]) : std::nullopt);
  }
  add("community", "shannon", any ? std::optional(shannon(values)) : std::nullopt);
  add("community", "simpson", any ? std::optional(simpson(values)) : std::nullopt);
  add("community", "pielou", any ? unless_nan(pielou_evenness(values)) : std::nullopt);
  add("community", "observed_species", any ? std::optional(static_cast<double>(observed_taxa(values))) : std::nullopt);
  const bool microbial = profile.fragments > profile.host_fragments;
  add("community", "unknown_fraction", microbial ? std::optional(profile.unknown_fraction) : std::nullopt);
  add("community", "host_fraction", profile.fragments != 0 ? std::optional(profile.host_fraction) : std::nullopt);
  return features;
}

report::QcFragment profile_quality(const Database& database, const SampleProfile& profile,
                                   const std::string& sample_id) {
  const auto values = abundances_of(database, profile, listed_species(database));
  return {"microbiome_profile",
          "Microbiome profile",
          sample_id,
          {{"fragments", "Fragments", "Read pairs or single reads", static_cast<double>(profile.fragments)},
           {"host_fraction", "Host", "Share of fragments of the host", profile.host_fraction},
           {"known_fraction", "Known", "Share of fragments of species in the database", profile.known_fraction},
           {"unknown_fraction", "Unknown", "Share of fragments without the host that no species explains",
            profile.unknown_fraction},
           {"species", "Species", "Species present", static_cast<double>(observed_taxa(values))},
           {"shannon", "Shannon", "Shannon diversity of species, natural logarithm", shannon(values)}}};
}

}  // namespace immucan::microbiome
