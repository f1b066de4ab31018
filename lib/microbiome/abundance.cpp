#include "microbiome/abundance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace immucan::microbiome {

namespace {

/// 31-mers without an error at 0.3 % errors per base; taken where the sample cannot tell.
constexpr double kUsualSurvival = 0.91;
/// Prior of log(depth by k-mers / depth by fragments) where the two differ at all: strains of one species lack up to a
/// third of each other's genes.
constexpr double kContentPriorVariance = 0.09;
/// The counting error understates how far the depth of k-mers strays: overlaps of the same few reads repeat (factor),
/// and survival, repeats and mixed strains are known to a few per cent only (variance of the logarithm).
constexpr double kDepthErrorFactor = 4, kDepthModelVariance = 0.03 * 0.03;
/// Stretches that the sample's strain has and the database lacks show at their ends, by fragments of which one mate
/// matches nowhere: per unit of the excess share of such mates that many times as many fragments are lost. It
/// corresponds to stretches of about 4 kb at usual inserts; measured on real genomes of one species
/// (docs/microbiome-profile.md).
constexpr double kLostPerEmptyMate = 17;
constexpr double kMostLost = 1.5;
/// Where there are no mates to judge: the part of a genome that the database lacks is on average as large as the part
/// of the database's genome that the sample lacks, but smaller for incomplete genomes: half of it (on the logarithmic
/// scale).
constexpr double kMissingShare = 0.5;

/// A stretch is crowded with that many times the fragments expected (and their standard deviation, and one); at least
/// this share of a present species' fragments is taken for its own.
constexpr double kCrowded = 8, kLeastNative = 0.2;
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
      : database_(database), counts_(counts), genomes_(database.genomes()) {}

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
    std::map<TaxonIndex, std::vector<std::uint64_t>> histograms;
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
      auto& histogram = histograms[found->first];
      histogram.resize(256);
      ++histogram[count];
    }
    for (auto& [species, histogram] : histograms) measure_depth(evidence_.at(species), histogram);
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

  static double median_of(const std::vector<std::uint64_t>& histogram) {
    const std::uint64_t seen = std::accumulate(histogram.begin() + 1, histogram.end(), std::uint64_t{0});
    std::uint64_t below = 0;
    for (std::size_t x = 1; x < histogram.size(); ++x)
      if (2 * (below += histogram[x]) >= seen) return static_cast<double>(x);
    return 0;
  }

  static void measure_depth(SpeciesEvidence& evidence, const std::vector<std::uint64_t>& histogram) {
    // k-mers far from the bulk are repeats, of other organisms, or of a rarer strain: fit, cut the tails off, fit
    // again.
    std::size_t low = 1, high = histogram.size() - 2;
    evidence.kmer_depth = median_of(histogram) >= 3 ? median_of(histogram) : truncated_poisson_rate(histogram, 1, high);
    for (int round = 0; round < 8; ++round) {
      const double spread = std::sqrt(evidence.kmer_depth);
      low = static_cast<std::size_t>(std::max(1.0, std::floor(evidence.kmer_depth - 1.5 * spread)));
      high = static_cast<std::size_t>(std::clamp(std::ceil(evidence.kmer_depth + 3.5 * spread + 1), 2.0,
                                                 static_cast<double>(histogram.size() - 2)));
      evidence.kmer_depth = truncated_poisson_rate(histogram, low, high);
    }
    double repeats = 0;
    for (std::size_t x = 2; x <= high; ++x) repeats += static_cast<double>((x - 1) * histogram[x]);
    // Two overlapping reads repeat several k-mers at once: about a quarter of those that a fragment hits.
    const double clump =
        1 + static_cast<double>(evidence.kmer_sum) / (4.0 * std::max(1.0, static_cast<double>(evidence.own_fragments)));
    evidence.kmer_depth_error = repeats > 0 ? std::sqrt(clump / repeats) : 0;
    if (repeats < 2 * clump) evidence.kmer_depth = 0;
  }

  /// Share of k-mers without a sequencing error: where all of a genome is there, the share of k-mers found in reads is
  /// that of k-mers present times survival. Missing parts of the genome make the quotient larger, so the smallest
  /// counts.
  void measure_survival() {
    double smallest = 1;
    bool any = false;
    for (const auto& [species, evidence] : evidence_) {
      if (evidence.kmer_depth < 0.2 || evidence.kmer_depth_error > 0.05 || evidence.own_fragments < 200) continue;
      const double present = static_cast<double>(evidence.kmers_seen) /
                             (static_cast<double>(evidence.kmers) * -std::expm1(-evidence.kmer_depth));
      const double quotient = evidence.hit_rate / present * std::exp(evidence.kmer_depth_error);
      smallest = std::min(smallest, quotient);
      any = true;
    }
    survival_ = any ? std::clamp(smallest, 0.5, 1.0) : kUsualSurvival;
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
      genome.ani = std::pow(std::min(1.0, genome_hit_rate(g) / survival_), 1 / k);
      species.genomes.push_back(genome);
    }
    species.ani = std::pow(std::min(1.0, evidence.hit_rate / survival_), 1 / k);
    const double native =
        std::max(kLeastNative, 1 - foreign_.at(evidence.species) / static_cast<double>(evidence.own_fragments));
    species.coverage *= native;
    for (GenomeAbundance& genome : species.genomes) genome.coverage *= native;
    const Correction correction = depth_correction(evidence, species.coverage);
    species.estimated_fragments = species.fragments * (1 + lost_share(evidence, correction.factor));
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

  /// Fragments per length understate the depth where the sample's strain lacks a part of the database's genome; the
  /// depth of the k-mers that are there does not, but is vague at low depth. Their quotient, shrunk: it is 1 with prior
  /// probability 1/2 (the same genome) and log-normal else.
  /// Fragments of the species that match nowhere, per fragment that does.
  static double lost_share(const SpeciesEvidence& evidence, double correction) {
    const auto judged = static_cast<double>(evidence.judged_mates);
    if (judged * 20 < static_cast<double>(evidence.own_fragments)) return std::pow(correction, kMissingShare) - 1;
    const double share = static_cast<double>(evidence.empty_mates) / judged;
    const double excess = share - evidence.expected_empty - std::sqrt(share / judged);  // less its standard error
    return std::clamp(kLostPerEmptyMate * excess, 0.0, kMostLost);
  }

  struct Correction {
    double factor = 1, log_variance = 0;
  };
  [[nodiscard]] Correction depth_correction(const SpeciesEvidence& evidence, double coverage) const {
    if (evidence.kmer_depth <= 0 || coverage <= 0) return {};
    const double kmers_per_base = static_cast<double>(counts_.base_lookups) * database_.parameters().density /
                                  std::max(1.0, static_cast<double>(counts_.bases));
    const double log_quotient = std::log(evidence.kmer_depth / (kmers_per_base * survival_) / coverage);
    const double error2 =
        kDepthErrorFactor * evidence.kmer_depth_error * evidence.kmer_depth_error + kDepthModelVariance;
    const auto density = [&](double variance) {
      return std::exp(-0.5 * log_quotient * log_quotient / variance) / std::sqrt(variance);
    };
    const double same = density(error2), different = density(error2 + kContentPriorVariance);
    const double weight = different / (same + different + 1e-300);
    const double shrink = kContentPriorVariance / (kContentPriorVariance + error2);
    const double mean = weight * log_quotient * shrink;
    if (mean <= 0) return {};  // a genome of which more than all is there does not exist
    const double spread = log_quotient * shrink;
    return {std::exp(mean), weight * (error2 * shrink + spread * spread) - mean * mean};
  }

  const Database& database_;
  const SampleCounts& counts_;
  std::span<const GenomeRecord> genomes_;
  std::map<TaxonIndex, SpeciesEvidence> evidence_;
  std::map<TaxonIndex, std::uint64_t> lookups_;
  std::vector<GenomeKmers> genome_kmers_;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> bin_kmers_;
  std::vector<double> fragments_;
  std::vector<char> crowded_;             ///< per bin
  std::map<TaxonIndex, double> foreign_;  ///< fragments too many in crowded bins
  double survival_ = kUsualSurvival;
};

}  // namespace

double truncated_poisson_rate(std::span<const std::uint64_t> histogram, std::size_t low, std::size_t high) {
  double seen = 0, sum = 0;
  high = std::min(high, histogram.size() - 1);
  for (std::size_t x = low; x <= high; ++x) {
    seen += static_cast<double>(histogram[x]);
    sum += static_cast<double>(x) * static_cast<double>(histogram[x]);
  }
  if (seen == 0 || sum <= seen * static_cast<double>(low)) return 0;
  const double wanted = sum / seen;
  const auto mean = [&](double lambda) {
    double term = 1, weights = 0, moment = 0;  // λ^x / x! up to a factor
    for (std::size_t x = low; x <= high; ++x) {
      if (x > low) term *= lambda / static_cast<double>(x);
      weights += term;
      moment += term * static_cast<double>(x);
    }
    return moment / weights;
  };
  double least = 1e-9, most = 2.0 * static_cast<double>(high) + 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (least + most) / 2;
    (mean(middle) < wanted ? least : most) = middle;
  }
  return least;
}

double empty_read_probability(double intact, unsigned k, std::size_t length, double lookups) {
  if (length < k || intact <= 0) return 1;
  // Walk along the read from difference to difference: a run of m equal bases holds m - k + 1 intact k-mers, each of
  // which is sampled with the same probability.
  const double equal = std::pow(std::min(intact, 1.0), 1.0 / k), different = 1 - equal;
  const double missed = std::exp(-lookups / static_cast<double>(length - k + 1));
  std::vector<double> run(length + 1);  // probability of m equal bases and none of their k-mers sampled
  for (std::size_t m = 0; m <= length; ++m)
    run[m] = std::pow(equal, static_cast<double>(m)) * (m < k ? 1 : std::pow(missed, static_cast<double>(m - k + 1)));
  std::vector<double> none(length + 1, 1.0);
  for (std::size_t n = 1; n <= length; ++n) {
    double sum = run[n];
    for (std::size_t m = 0; m < n; ++m) sum += run[m] * different * none[n - m - 1];
    none[n] = sum;
  }
  return none[length];
}

SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts) {
  return Estimator(database, counts).run();
}

}  // namespace immucan::microbiome
