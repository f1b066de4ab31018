#include "microbiome/species_list.h"

#include <algorithm>
#include <limits>
#include <map>

namespace immucan::microbiome {

std::vector<ListedSpecies> listed_species(const Database& database) {
  std::map<std::uint64_t, std::pair<ListedSpecies, double>> species;
  for (const GenomeRecord& genome : database.genomes()) {
    if (genome.is_host != 0) continue;
    auto& [entry, genomes] = species[database.taxonomy()[genome.species].taxid];
    entry.taxon = genome.species;
    entry.genome_length += static_cast<double>(genome.length);
    genomes += 1;
  }
  std::vector<ListedSpecies> list;
  for (auto& [taxid, entry] : species) list.push_back({entry.first.taxon, entry.first.genome_length / entry.second});
  return list;
}

double detectable_bases(const SampleProfile& profile) {
  if (profile.fragments == 0) return std::numeric_limits<double>::quiet_NaN();
  return kDetectableFragments * static_cast<double>(profile.bases) / static_cast<double>(profile.fragments);
}

double total_coverage(const Database& database, const SampleProfile& profile) {
  std::unordered_map<std::uint64_t, double> coverage;
  for (const ProfileRow& row : profile.rows) coverage[row.taxid] = row.coverage;
  double sum = 0;
  for (const ListedSpecies& species : listed_species(database)) {
    const auto found = coverage.find(database.taxonomy()[species.taxon].taxid);
    if (found != coverage.end()) sum += found->second;
  }
  return sum;
}

}  // namespace immucan::microbiome
