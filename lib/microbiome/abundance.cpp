#include "microbiome/abundance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "microbiome/kmer_depth.h"

namespace immucan::microbiome {

namespace {

/// Species that tell about errors: how well the depth of their k-mers must be known, and how many fragments they have.
constexpr double kSurvivalDepthError = 0.05;
constexpr std::uint64_t kSurvivalFragments = 200;
/// Stretches that the sample's strain has and the database lacks show at their ends, by fragments of which one mate
/// matches nowhere: per unit of the excess share of such mates that many times as many fragments are lost. It
/// corresponds to stretches of about 4 kb at usual inserts; measured on real genomes of one species
/// (docs/microbiome-profile.md).
constexpr double kLostPerEmptyMate = 14;
constexpr double kMostLost = 1.5;
/// Where there are no mates to judge: the part of a genome that the database lacks is on average as large as the part
/// of the database's genome that the sample lacks, but smaller for incomplete genomes: half of it (on the logarithmic
/// scale).
constexpr double kMissingShare = 0.5;

/// Depth is measured on k-mers that all genomes of the species share, where these are that share of its k-mers.
constexpr double kCoreShare = 0.1;
/// Dispersion of k-mer counts from which on several strains are taken for the reason.
constexpr double kMixedStrains = 1.1;
constexpr std::uint64_t kSmallGenome = 100000;
/// A species of which more than this share of fragments shows no k-mer cannot be measured anyway.
constexpr double kMostUnseen = 0.5;

/// A stretch is crowded with that many times the fragments expected (and their standard deviation, and one); at least
/// this share of a present species' fragments is taken for its own.
constexpr double kCrowded = 8, kLeastNative = 0.2;
/// With less than that share outside crowded stretches these are not repeats.
constexpr double kMostlyForeign = 0.5;
/// A strain is reported from that many fragments and that share of its species' on.
constexpr double kFewestOfStrain = 5, kSmallestStrain = 0.02;

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
      : database_(database),
        counts_(counts),
        genomes_(database.genomes()),
        species_genomes_(database.taxonomy().size()) {
    for (const GenomeRecord& genome : genomes_)
      if (genome.is_host == 0) ++species_genomes_[genome.species];
  }

  SampleAbundance run() {
    collect_evidence();
    SampleAbundance result;
    for (auto& [species, evidence] : evidence_) evidence.present = is_present(evidence);
    measure_depths();
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
    for (const auto& species : result.species) {
      result.known_fragments += species.fragments;
      result.estimated_fragments += species.estimated_fragments;
    }
    result.kmer_survival = survival_;
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
      evidence.judged_mates += counts.judged_mates;
      evidence.empty_mates += counts.empty_mates;
      evidence.mean_lookups += static_cast<double>(counts.judged_lookups);
      lookups_[species] += counts.base_lookups;
      evidence.hit_rate += static_cast<double>(counts.base_hits);
    }
    count_kmers();
    for (auto& [species, evidence] : evidence_) {
      evidence.hit_rate /= std::max(1.0, static_cast<double>(lookups_[species]));
      estimate_unseen(evidence);
      choose_reference(evidence);
      count_loci(evidence);
      expect_empty_mates(evidence);
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
        for (const std::uint32_t genome : database_.set(record.set)) bin_kmers_[genome][record.bin] += record.kmers;
    }
  }

  /// Fragments show only where a k-mer is found. What share do not, by differences and errors alone, and what share of
  /// k-mers would be found in all?
  void estimate_unseen(SpeciesEvidence& evidence) const {
    evidence.intact = evidence.hit_rate;
    if (counts_.reads == 0) return;
    const auto reads = static_cast<double>(counts_.reads);
    const auto length =
        std::min<std::size_t>(static_cast<std::size_t>(static_cast<double>(counts_.bases) / reads), 500);
    const double lookups = std::min(static_cast<double>(counts_.base_lookups) / reads, 100.0);
    const double mates = reads / static_cast<double>(std::max<std::uint64_t>(1, counts_.fragments));
    for (int round = 0; round < 4; ++round) {
      const double empty = empty_read_probability(evidence.intact, database_.parameters().k, length, lookups);
      evidence.unseen = std::min(kMostUnseen, std::pow(empty, mates));
      evidence.intact = evidence.hit_rate * (1 - evidence.unseen);
    }
  }

  void expect_empty_mates(SpeciesEvidence& evidence) const {
    if (evidence.judged_mates == 0) return;
    evidence.mean_lookups /= static_cast<double>(evidence.judged_mates);
    const auto length = static_cast<std::size_t>(counts_.bases / std::max<std::uint64_t>(1, 2 * counts_.fragments));
    evidence.expected_empty = empty_read_probability(evidence.hit_rate, database_.parameters().k,
                                                     std::min<std::size_t>(length, 500), evidence.mean_lookups);
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

  /// How often the k-mers of each present species' reference were seen, and what that says about depth.
  void measure_depths() {
    std::map<TaxonIndex, std::vector<std::uint64_t>> histograms, core_histograms;
    crowded_.assign(database_.bins(), 0);
    for (const auto& [species, evidence] : evidence_)
      if (evidence.present) foreign_[species] = mark_crowded(evidence);
    const std::vector<TaxonIndex> set_species = species_of_sets(database_);
    for (std::uint64_t entry = 0; entry < counts_.entry_counts.size(); ++entry) {
      const std::uint8_t count = counts_.entry_counts[entry];
      if (count == 0) continue;
      const UnitRecord& unit = database_.units()[database_.index().unit_at(entry)];
      const std::uint32_t set = unit.set;
      const auto found = evidence_.find(set_species[set]);
      if (crowded_[unit.bin] != 0 || found == evidence_.end() || !found->second.present) continue;
      if (!std::ranges::binary_search(database_.set(set), found->second.reference)) continue;
      const auto add = [&](std::vector<std::uint64_t>& histogram) {
        histogram.resize(256);
        ++histogram[count];
      };
      add(histograms[found->first]);
      if (database_.set(set).size() == species_genomes_[found->first]) add(core_histograms[found->first]);
    }
    // What all genomes of the species share, all its strains in the sample will hold.
    for (auto& [species, histogram] : histograms) {
      const auto& core = core_histograms[species];
      const auto sum = [](const auto& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
      };
      const bool enough = static_cast<double>(sum(core)) >= kCoreShare * static_cast<double>(sum(histogram));
      set_depth(evidence_.at(species), enough ? core : histogram);
    }
    measure_survival();
  }

  /// Stretches of the reference in which far more fragments lie than elsewhere hold repeats, plasmids or genes that an
  /// unknown relative shares. Marks them; returns how many fragments there are too many.
  double mark_crowded(const SpeciesEvidence& evidence) {
    const auto& bins = bin_kmers_[evidence.reference];
    std::vector<std::pair<double, std::uint32_t>> rates;
    for (const auto& [bin, kmers] : bins) rates.emplace_back(counts_.bin_fragments[bin] / kmers, bin);
    std::ranges::sort(rates);
    double fragments = 0, total = 0;
    for (std::size_t i = 0; i < rates.size() - rates.size() / 10; ++i) {
      fragments += counts_.bin_fragments[rates[i].second];
      total += bins.at(rates[i].second);
    }
    double foreign = 0;
    for (const auto& [bin, kmers] : bins) {
      const double expected = fragments / std::max(1.0, total) * kmers, seen = counts_.bin_fragments[bin];
      if (seen <= kCrowded * (expected + std::sqrt(expected) + 1)) continue;
      crowded_[bin] = 1;
      foreign += seen - expected;
    }
    return foreign;
  }

  void set_depth(SpeciesEvidence& evidence, std::span<const std::uint64_t> histogram) const {
    // Two overlapping reads repeat several k-mers at once: about a quarter of those that a fragment hits.
    const double clump =
        1 + static_cast<double>(evidence.kmer_sum) / (4.0 * std::max(1.0, static_cast<double>(evidence.own_fragments)));
    const KmerDepth depth = fit_kmer_depth(histogram, clump);
    evidence.kmer_dispersion = depth.dispersion;
    evidence.kmer_depth = depth.depth;
    evidence.kmer_depth_error = depth.log_error;
  }

  void measure_survival() {
    std::vector<SurvivalQuotient> quotients;
    for (const auto& [species, evidence] : evidence_) {
      if (!evidence.present || evidence.kmer_depth < 0.2 || evidence.kmer_depth_error > kSurvivalDepthError ||
          evidence.own_fragments < kSurvivalFragments)
        continue;
      const double present = static_cast<double>(evidence.kmers_seen) /
                             (static_cast<double>(evidence.kmers) * -std::expm1(-evidence.kmer_depth));
      quotients.push_back({evidence.intact / present, evidence.kmer_depth_error});
    }
    survival_ = estimate_survival(quotients);
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
      genome.ani = std::pow(std::min(1.0, genome_hit_rate(g) * (1 - evidence.unseen) / survival_), 1 / k);
      species.genomes.push_back(genome);
    }
    species.ani = std::pow(std::min(1.0, evidence.intact / survival_), 1 / k);
    const double native =
        std::max(kLeastNative, 1 - foreign_.at(evidence.species) / static_cast<double>(evidence.own_fragments));
    const double seen = 1 - evidence.unseen;
    species.coverage *= native / seen;
    for (GenomeAbundance& genome : species.genomes) genome.coverage *= native / seen;
    const ContentCorrection correction = depth_correction(evidence, species.coverage);
    // Repeats are the species' own sequence though they say nothing about its copies; most of a species is no repeat.
    const double own = native < kMostlyForeign ? native : 1;
    species.estimated_fragments = species.fragments * own / seen * (1 + lost_share(evidence, correction.factor));
    species.coverage *= correction.factor;
    species.variance *= correction.factor * correction.factor;
    species.variance += species.coverage * species.coverage * correction.log_variance;
    for (GenomeAbundance& genome : species.genomes) {
      genome.coverage *= correction.factor;
      genome.estimated_fragments = genome.fragments * species.estimated_fragments / species.fragments;
    }
    // A few fragments of a strain are as well those of its sisters: they stay with the species.
    std::erase_if(species.genomes, [&](const GenomeAbundance& genome) {
      return genome.fragments < kFewestOfStrain || genome.fragments < kSmallestStrain * species.fragments;
    });
    return species;
  }

  /// Share of the k-mers found, over the classes the genome is in.
  [[nodiscard]] double genome_hit_rate(std::uint32_t genome) const {
    double hits = 0, lookups = 0;
    for (std::uint32_t number = 0; number < counts_.class_counts.size(); ++number) {
      if (!std::ranges::binary_search(counts_.class_members(number), genome)) continue;
      hits += static_cast<double>(counts_.class_counts[number].base_hits);
      lookups += static_cast<double>(counts_.class_counts[number].base_lookups);
    }
    return lookups > 0 ? hits / lookups : 0;
  }

  /// Fragments of the species that match nowhere, per fragment that does.
  static double lost_share(const SpeciesEvidence& evidence, double correction) {
    const auto judged = static_cast<double>(evidence.judged_mates);
    if (judged * 20 < static_cast<double>(evidence.own_fragments)) return std::pow(correction, kMissingShare) - 1;
    const double share = static_cast<double>(evidence.empty_mates) / judged;
    const double excess = share - evidence.expected_empty - 0.5 * std::sqrt(share / judged);
    return std::clamp(kLostPerEmptyMate * excess, 0.0, kMostLost);
  }

  /// Fragments cannot reach over the ends of a molecule, so its middle is deeper than the mean. Contigs of a small
  /// genome are taken for molecules (segments of a virus), those of a large one for pieces of one. The share of a
  /// fragment in the length of a contig.
  [[nodiscard]] double ends_share(std::uint32_t number) const {
    const GenomeRecord& genome = genomes_[number];
    if (genome.length > kSmallGenome) return 0;
    const double contig = static_cast<double>(genome.length) / std::max<std::uint32_t>(1, genome.contigs);
    const double fragment =
        static_cast<double>(counts_.bases) / std::max<double>(1, static_cast<double>(counts_.fragments));
    return std::min(0.5, fragment / contig);
  }

  /// Fragments per length understate the depth where the sample's strain lacks a part of the database's genome; the
  /// depth of the k-mers that are there does not, but is vague at low depth.
  [[nodiscard]] ContentCorrection depth_correction(const SpeciesEvidence& evidence, double coverage) const {
    if (evidence.kmer_depth <= 0 || coverage <= 0) return {};
    const double kmers_per_base = static_cast<double>(counts_.base_lookups) * database_.parameters().density /
                                  std::max(1.0, static_cast<double>(counts_.bases));
    const double ends = ends_share(evidence.reference);
    const double quotient = evidence.kmer_depth / (kmers_per_base * survival_) / coverage * (1 - ends);
    // More than all of a genome can only be there where the species' genomes differ in length; and where strains of
    // different depth are mixed, the mean over k-mers is less than the depth of all of them.
    return content_correction(quotient, evidence.kmer_depth_error, 0.5 * ends,
                              species_genomes_[evidence.species] > 1 && evidence.kmer_dispersion < kMixedStrains);
  }

  const Database& database_;
  const SampleCounts& counts_;
  std::span<const GenomeRecord> genomes_;
  std::map<TaxonIndex, SpeciesEvidence> evidence_;
  std::vector<std::uint32_t> species_genomes_;  ///< by taxon: how many genomes of the species are in the database
  std::map<TaxonIndex, std::uint64_t> lookups_;
  std::vector<GenomeKmers> genome_kmers_;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> bin_kmers_;
  std::vector<double> fragments_;
  std::vector<char> crowded_;             ///< per bin
  std::map<TaxonIndex, double> foreign_;  ///< fragments too many in crowded bins
  double survival_ = 1;
};

}  // namespace

SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts) {
  return Estimator(database, counts).run();
}

}  // namespace immucan::microbiome
