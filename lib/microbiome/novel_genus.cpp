#include "microbiome/novel_genus.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "microbiome/unseen.h"

namespace immucan::microbiome {

namespace {

constexpr std::uint64_t kFewestFragments = 10;
constexpr double kLeastIdentity = 0.80, kSpeciesIdentity = 0.95;

struct Sums {
  NovelGenus genus;
  std::uint64_t most_own = 0;  ///< fragments of `nearest`
  double hits = 0, lookups = 0;
};

}  // namespace

TaxonIndex genus_of(const Taxonomy& taxonomy, TaxonIndex species) {
  return taxonomy.ancestor_of_rank(species, "genus").value_or(taxonomy[species].parent);
}

std::vector<NovelGenus> find_novel_genera(const Database& database, const SampleCounts& counts,
                                          std::span<const SpeciesEvidence> evidence, double kmer_survival) {
  const Taxonomy& taxonomy = database.taxonomy();
  std::map<TaxonIndex, Sums> sums;
  std::vector<char> present(taxonomy.size());
  for (const SpeciesEvidence& species : evidence) {
    if (species.present) present[species.species] = 1;
    if (!species.relative) continue;
    Sums& entry = sums[genus_of(taxonomy, species.species)];
    if (species.own_fragments <= entry.most_own) continue;
    entry.most_own = species.own_fragments;
    entry.genus.nearest = species.species;
  }
  sums.erase(0);  // a species without a genus
  if (sums.empty()) return {};
  for (std::uint32_t number = 0; number < counts.class_counts.size(); ++number) {
    const ClassCounts& fragments = counts.class_counts[number];
    if (fragments.fragments == 0) continue;
    const auto members = counts.class_members(number);
    const auto species = [&](std::uint32_t genome) { return database.genomes()[genome].species; };
    const auto found = sums.find(genus_of(taxonomy, species(members[0])));
    if (found == sums.end() || std::ranges::any_of(members, [&](std::uint32_t genome) {
          return present[species(genome)] != 0 || genus_of(taxonomy, species(genome)) != found->first;
        }))
      continue;
    found->second.genus.fragments += fragments.fragments;
    found->second.hits += static_cast<double>(fragments.base_hits);
    found->second.lookups += static_cast<double>(fragments.base_lookups);
  }
  std::vector<NovelGenus> novel;
  for (auto& [genus, entry] : sums) {
    if (entry.genus.fragments < kFewestFragments || entry.lookups <= 0) continue;
    // Fragments with many k-mers looked up are seen more easily, so hits are set against the lookups of all.
    const ReadShape shape = read_shape(database, counts);
    const double lookups = static_cast<double>(entry.genus.fragments) * shape.lookups * shape.mates;
    const UnseenShare share = unseen_share_of_mean(std::min(1.0, entry.hits / std::max(1.0, lookups)), shape);
    entry.genus.genus = genus;
    // What divergence hides lies among the fragments that match nothing.
    entry.genus.estimated_fragments =
        std::min(static_cast<double>(entry.genus.fragments) / (1 - share.unseen),
                 static_cast<double>(entry.genus.fragments + counts.unclassified_fragments));
    entry.genus.ani = std::pow(std::min(1.0, share.intact / kmer_survival), 1.0 / database.parameters().k);
    if (entry.genus.ani >= kLeastIdentity && entry.genus.ani < kSpeciesIdentity) novel.push_back(entry.genus);
  }
  std::ranges::sort(novel, {}, [&](const NovelGenus& entry) { return taxonomy[entry.genus].taxid; });
  return novel;
}

}  // namespace immucan::microbiome
