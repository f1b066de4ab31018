#include "microbiome/abundance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace immucan::microbiome {

namespace {

/// k-mers of one genome that no other species holds.
struct GenomeKmers {
  std::uint64_t kmers = 0, seen = 0, sum = 0;
};

struct UnitCounts {
  std::vector<std::uint32_t> seen;
  std::vector<std::uint64_t> sum;
};

UnitCounts count_units(const Database& database, const SampleCounts& counts) {
  UnitCounts units{std::vector<std::uint32_t>(database.units().size()),
                   std::vector<std::uint64_t>(database.units().size())};
  for (std::uint64_t entry = 0; entry < counts.entry_counts.size(); ++entry) {
    if (counts.entry_counts[entry] == 0) continue;
    const UnitIndex unit = database.index().unit_at(entry);
    ++units.seen[unit];
    units.sum[unit] += counts.entry_counts[entry];
  }
  return units;
}

/// The species of every set, or kMixed.
std::vector<TaxonIndex> species_of_sets(const Database& database) {
  std::vector<TaxonIndex> species(database.sets(), SampleCounts::kMixed);
  for (std::size_t set = 0; set < species.size(); ++set) {
    const auto members = database.set(set);
    species[set] = database.genomes()[members[0]].species;
    for (const std::uint32_t genome : members)
      if (database.genomes()[genome].species != species[set]) species[set] = SampleCounts::kMixed;
  }
  return species;
}

class Estimator {
 public:
  Estimator(const Database& database, const SampleCounts& counts)
      : database_(database), counts_(counts), genomes_(database.genomes()) {}

  SampleAbundance run() {
    collect_evidence();
    SampleAbundance result;
    for (auto& [species, evidence] : evidence_) evidence.present = is_present(evidence);
    fit();
    for (auto& [species, evidence] : evidence_) {
      result.evidence.push_back(evidence);
      if (evidence.present) result.species.push_back(describe(evidence));
    }
    const auto by_taxid = [&](TaxonIndex a, TaxonIndex b) {
      return database_.taxonomy()[a].taxid < database_.taxonomy()[b].taxid;
    };
    std::ranges::sort(result.evidence, by_taxid, &SpeciesEvidence::species);
    std::ranges::sort(result.species, by_taxid, [](const SpeciesAbundance& s) { return s.evidence.species; });
    for (const auto& species : result.species) result.known_fragments += species.fragments;
    return result;
  }

 private:
  void collect_evidence() {
    for (std::uint32_t number = 0; number < counts_.class_counts.size(); ++number) {
      const ClassCounts& counts = counts_.class_counts[number];
      const TaxonIndex species = counts_.class_species(number);
      if (counts.fragments == 0 || species == SampleCounts::kMixed) continue;
      SpeciesEvidence& evidence = evidence_[species];
      evidence.species = species;
      evidence.own_fragments += counts.fragments;
      evidence.strong_fragments += counts.strong;
      lookups_[species] += counts.base_lookups;
      evidence.hit_rate += static_cast<double>(counts.base_hits);
    }
    count_kmers();
    for (auto& [species, evidence] : evidence_) {
      evidence.hit_rate /= std::max(1.0, static_cast<double>(lookups_[species]));
      choose_reference(evidence);
      count_loci(evidence);
    }
  }

  void count_kmers() {
    const UnitCounts units = count_units(database_, counts_);
    const std::vector<TaxonIndex> set_species = species_of_sets(database_);
    genome_kmers_.resize(genomes_.size());
    for (std::size_t unit = 1; unit < units.seen.size(); ++unit) {
      const UnitRecord& record = database_.units()[unit];
      if (set_species[record.set] == SampleCounts::kMixed) continue;
      for (const std::uint32_t genome : database_.set(record.set)) {
        GenomeKmers& kmers = genome_kmers_[genome];
        kmers.kmers += record.kmers;
        kmers.seen += units.seen[unit];
        kmers.sum += units.sum[unit];
      }
      // Bins carry the k-mers of the species that are found nowhere else.
      if (evidence_.contains(set_species[record.set]))
        for (const std::uint32_t genome : database_.set(record.set))
          if (evidence_.at(set_species[record.set]).present || true) bin_kmers_[genome][record.bin] += record.kmers;
    }
  }

  void choose_reference(SpeciesEvidence& evidence) {
    double best = -1;
    for (std::uint32_t genome = 0; genome < genomes_.size(); ++genome) {
      if (genomes_[genome].species != evidence.species || genomes_[genome].is_host != 0) continue;
      const GenomeKmers& kmers = genome_kmers_[genome];
      const double share = static_cast<double>(kmers.seen) / std::max(1.0, static_cast<double>(kmers.kmers));
      if (share <= best) continue;
      best = share;
      evidence.reference = genome;
      evidence.kmers = kmers.kmers;
      evidence.kmers_seen = kmers.seen;
      evidence.kmer_sum = kmers.sum;
    }
  }

  void count_loci(SpeciesEvidence& evidence) {
    const auto& bins = bin_kmers_[evidence.reference];
    double fragments = 0, total = 0;
    for (const auto& [bin, kmers] : bins) {
      fragments += counts_.bin_strong[bin];
      evidence.loci += counts_.bin_strong[bin] != 0 ? 1 : 0;
      total += kmers;
    }
    for (const auto& [bin, kmers] : bins) evidence.expected_loci += 1 - std::exp(-fragments * kmers / total);
  }

  [[nodiscard]] static bool is_present(const SpeciesEvidence& evidence) {
    return evidence.strong_fragments >= 2 && evidence.loci >= 2 &&
           static_cast<double>(evidence.loci) >= 0.4 * evidence.expected_loci;
  }

  /// EM over the genomes of present species: a fragment of a class comes from genome g in proportion to its depth.
  void fit() {
    fragments_.assign(genomes_.size(), 0.0);
    std::vector<char> active(genomes_.size());
    for (std::size_t g = 0; g < genomes_.size(); ++g) {
      const auto found = evidence_.find(genomes_[g].species);
      active[g] = genomes_[g].is_host == 0 && found != evidence_.end() && found->second.present ? 1 : 0;
    }
    struct Class {
      double fragments;
      std::vector<std::uint32_t> genomes;
    };
    std::vector<Class> classes;
    for (std::uint32_t number = 0; number < counts_.class_counts.size(); ++number) {
      if (counts_.class_counts[number].fragments == 0) continue;
      Class entry{static_cast<double>(counts_.class_counts[number].fragments), {}};
      for (const std::uint32_t genome : counts_.class_members(number))
        if (active[genome] != 0) entry.genomes.push_back(genome);
      if (!entry.genomes.empty()) classes.push_back(std::move(entry));
    }
    for (const Class& entry : classes)
      for (const std::uint32_t genome : entry.genomes)
        fragments_[genome] += entry.fragments / static_cast<double>(entry.genomes.size());
    std::vector<double> next(genomes_.size());
    for (int iteration = 0; iteration < 300; ++iteration) {
      std::ranges::fill(next, 0.0);
      for (const Class& entry : classes) {
        double sum = 0;
        for (const std::uint32_t genome : entry.genomes) sum += depth(genome);
        if (sum <= 0) continue;
        for (const std::uint32_t genome : entry.genomes) next[genome] += entry.fragments * depth(genome) / sum;
      }
      double change = 0;
      for (std::size_t g = 0; g < genomes_.size(); ++g) change = std::max(change, std::abs(next[g] - fragments_[g]));
      fragments_.swap(next);
      if (change < 1e-3) break;
    }
  }

  [[nodiscard]] double depth(std::uint32_t genome) const {
    return fragments_[genome] / static_cast<double>(genomes_[genome].length);
  }

  SpeciesAbundance describe(const SpeciesEvidence& evidence) const {
    SpeciesAbundance species;
    species.evidence = evidence;
    const double fragment_length =
        static_cast<double>(counts_.bases) / std::max(1.0, static_cast<double>(counts_.fragments));
    const double k = database_.parameters().k;
    for (std::uint32_t g = 0; g < genomes_.size(); ++g) {
      if (genomes_[g].species != evidence.species || fragments_[g] <= 0) continue;
      species.fragments += fragments_[g];
      GenomeAbundance genome;
      genome.genome = g;
      genome.fragments = fragments_[g];
      genome.coverage = depth(g) * fragment_length;
      species.coverage += genome.coverage;
      species.variance += genome.coverage * fragment_length / static_cast<double>(genomes_[g].length);
      const GenomeKmers& kmers = genome_kmers_[g];
      genome.ani = std::pow(truncated_poisson(kmers.kmers, kmers.seen, kmers.sum).present, 1 / k);
      species.genomes.push_back(genome);
    }
    species.ani = std::pow(evidence.hit_rate, 1 / k);
    return species;
  }

  const Database& database_;
  const SampleCounts& counts_;
  std::span<const GenomeRecord> genomes_;
  std::map<TaxonIndex, SpeciesEvidence> evidence_;
  std::map<TaxonIndex, std::uint64_t> lookups_;
  std::vector<GenomeKmers> genome_kmers_;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> bin_kmers_;
  std::vector<double> fragments_;
};

}  // namespace

KmerRate truncated_poisson(std::uint64_t kmers, std::uint64_t seen, std::uint64_t sum) {
  if (kmers == 0 || seen == 0) return {};
  const double mean = static_cast<double>(sum) / static_cast<double>(seen);
  if (mean <= 1.0) return {0, std::numeric_limits<double>::quiet_NaN()};
  double low = 0, high = mean;  // λ/(1-e^-λ) rises from 1 and stays above λ
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (middle / -std::expm1(-middle) < mean ? low : high) = middle;
  }
  const double present = static_cast<double>(seen) / (static_cast<double>(kmers) * -std::expm1(-low));
  return {low, std::min(present, 1.0)};
}

SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts) {
  return Estimator(database, counts).run();
}

}  // namespace immucan::microbiome
