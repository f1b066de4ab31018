#include "microbiome/abundance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "microbiome/kmer_depth.h"
#include "microbiome/missing_content.h"
#include "microbiome/novel_genus.h"
#include "microbiome/unseen.h"

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
/// The least share of a genome that a strain of the species holds, for the test of an even spread, and a probability
/// below which fragments are taken for clustered.
constexpr double kLeastContent = 0.4, kUnlikelyClustering = 0.002;
/// Identity of strains at the edge of their species, and of near relatives outside it; how much more similar a relative
/// looks whose fragments pick the best of several species; the prior (logarithm of 4) for a strain, or against it where
/// the genus holds a relative.
constexpr double kStrainIdentity = 0.965, kRelativeIdentity = 0.935, kPickedIdentity = 0.005, kIdentityOdds = 1.386;
constexpr double kLongRead = 1000;  ///< bases
/// What the lengths of strains' genomes, repeats and mixed strains add to the error of a depth (SD of the logarithm).
constexpr double kModelError = 0.03;
/// Mobile elements are seldom longer (bases).
constexpr double kElementLength = 5000;
/// Fragments that several species share are given to one in proportion to those of its own, with this much freedom.
constexpr double kShareFreedom = 1.5, kLeastOwnShare = 0.02;

/// Different own k-mers of a present species, where sampling is too thin for strong fragments of three.
constexpr std::uint64_t kFewestPooledKmers = 6;
/// Where that share of the k-mers seen was seen more than once (at a depth of 1.6), a strain of the species shows four
/// fifths of those it has: that share at least of what the least similar and least complete strain would show.
constexpr double kSeenAgain = 0.6, kShown = 0.8, kLeastContained = 0.6;

/// A stretch is crowded with that many times the fragments expected (and their standard deviation, and one); at least
/// this share of a present species' fragments is taken for its own.
constexpr double kCrowded = 8, kLeastNative = 0.2;
/// With less than that share outside crowded stretches these are not repeats.
constexpr double kMostlyForeign = 0.5;
/// A strain is reported from that many fragments and that share of its species' on.
constexpr double kFewestOfStrain = 5, kSmallestStrain = 0.02;

/// k-mers of one genome that no other species holds.
struct GenomeKmers {
  std::uint64_t kmers = 0, seen = 0, repeated = 0, sum = 0;
};

struct UnitCounts {
  std::vector<std::uint32_t> seen, repeated;
  std::vector<std::uint64_t> sum;
};

UnitCounts count_units(const Database& database, const SampleCounts& counts) {
  const std::size_t n = database.units().size();
  UnitCounts units{std::vector<std::uint32_t>(n), std::vector<std::uint32_t>(n), std::vector<std::uint64_t>(n)};
  counts.for_each_kmer([&](UnitIndex unit, std::uint8_t count) {
    ++units.seen[unit];
    units.repeated[unit] += count > 1 ? 1 : 0;
    units.sum[unit] += count;
  });
  return units;
}

/// Probability of at least `count` events of a Poisson distribution.
double poisson_tail(double mean, std::uint64_t count) {
  double term = std::exp(-mean), below = 0;
  for (std::uint64_t x = 0; x < count; ++x) {
    below += term;
    term *= mean / static_cast<double>(x + 1);
  }
  return std::max(0.0, 1 - below);
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
    for (std::uint32_t g = 0; g < genomes_.size(); ++g)
      if (genomes_[g].is_host == 0) genomes_of_[genomes_[g].species].push_back(g);
  }

  SampleAbundance run() {
    collect_evidence();
    SampleAbundance result;
    for (auto& [species, evidence] : evidence_) evidence.present = is_spread(evidence);
    measure_depths();
    judge_identities();
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
    find_lost_fragments(result.species);
    for (auto& species : result.species) {
      const auto evidence = std::ranges::find(result.evidence, species.evidence.species, &SpeciesEvidence::species);
      evidence->missing_fragments = species.lost_fragments;
      for (GenomeAbundance& genome : species.genomes)
        genome.estimated_fragments = genome.fragments * species.estimated_fragments / species.fragments;
      result.known_fragments += species.fragments;
      result.estimated_fragments += species.estimated_fragments;
    }
    result.kmer_survival = survival_;
    result.novel = find_novel_genera(database_, counts_, result.evidence, survival_);
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
    genome_kmers_.resize(genomes_.size());
    for (std::size_t unit = 1; unit < units.seen.size(); ++unit) {
      const UnitRecord& record = database_.units()[unit];
      if (database_.set_species(record.set) == SampleCounts::kMixed) continue;
      for (const std::uint32_t genome : database_.set(record.set)) {
        GenomeKmers& kmers = genome_kmers_[genome];
        kmers.kmers += record.kmers;
        kmers.seen += units.seen[unit];
        kmers.repeated += units.repeated[unit];
        kmers.sum += units.sum[unit];
      }
      // Bins carry the k-mers of the species that are found nowhere else.
      const auto found = evidence_.find(database_.set_species(record.set));
      if (found != evidence_.end() && found->second.strong_fragments >= 2)
        for (const std::uint32_t genome : database_.set(record.set)) bin_kmers_[genome][record.bin] += record.kmers;
    }
  }

  /// Fragments show only where a k-mer is found. What share do not, by differences and errors alone, and what share of
  /// k-mers would be found in all?
  void estimate_unseen(SpeciesEvidence& evidence) const {
    const UnseenShare share = unseen_share(evidence.hit_rate, read_shape(database_, counts_));
    evidence.unseen = share.unseen;
    evidence.intact = share.intact;
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
    for (const std::uint32_t genome : genomes_of_[evidence.species]) {
      const GenomeKmers& kmers = genome_kmers_[genome];
      const double share = static_cast<double>(kmers.seen) / std::max(1.0, static_cast<double>(kmers.kmers));
      if (share <= best) continue;
      best = share;
      evidence.reference = genome;
      evidence.kmers = kmers.kmers;
      evidence.kmers_seen = kmers.seen;
      evidence.kmers_repeated = kmers.repeated;
      evidence.kmer_sum = kmers.sum;
    }
  }

  void count_loci(SpeciesEvidence& evidence) {
    const auto& bins = bin_kmers_[evidence.reference];
    double fragments = 0, total = 0;
    std::uint64_t capped = 0;
    for (const auto& [bin, kmers] : bins) {
      fragments += counts_.bin_strong[bin];
      capped += std::min<std::uint32_t>(counts_.bin_strong[bin], 2);
      evidence.loci += counts_.bin_strong[bin] != 0 ? 1 : 0;
      total += kmers;
    }
    evidence.places = count_places(evidence.reference);
    for (const auto& [bin, kmers] : bins) evidence.expected_loci += 1 - std::exp(-fragments * kmers / total);
    // Of few fragments hardly two fall in one stretch, even where the strain holds only a part of the genome. How
    // likely are as many second ones as were seen? A heap of fragments in one stretch counts as one second fragment.
    const double available = kLeastContent * static_cast<double>(bins.size());
    if (2 * static_cast<double>(capped) < available) {
      const auto n = static_cast<double>(capped);
      evidence.clustering = poisson_tail(n - available * -std::expm1(-n / available), capped - evidence.loci);
    }
  }

  /// Stretches with a strong fragment that lie far enough apart not to be of one mobile element.
  [[nodiscard]] std::uint64_t count_places(std::uint32_t number) const {
    const GenomeRecord& genome = genomes_[number];
    const double stretch = static_cast<double>(genome.length) / std::max<std::uint32_t>(1, genome.bins);
    const double apart = std::min(kElementLength, static_cast<double>(genome.length) / 16);
    std::uint64_t places = 0;
    std::uint32_t first = 0;  // of the place that was counted last
    for (const auto& [bin, kmers] : bin_kmers_.at(number)) {
      if (counts_.bin_strong[bin] == 0 || (places != 0 && (bin - first - 1) * stretch < apart)) continue;
      ++places;
      first = bin;
    }
    return places;
  }

  /// Fragments enough, and spread over the genome as those of a present species are.
  [[nodiscard]] bool is_spread(const SpeciesEvidence& evidence) const {
    // Where fragments have too few sampled k-mers to speak for themselves, their k-mers are pooled.
    const bool enough = strong_hits(database_.parameters().density) == 3 || evidence.kmers_seen >= kFewestPooledKmers;
    return enough && evidence.strong_fragments >= 2 && evidence.places >= 2 &&
           static_cast<double>(evidence.loci) >= kLeastContent * evidence.expected_loci &&
           evidence.clustering >= kUnlikelyClustering;
  }

  /// A relative that is not in the database spreads its fragments, too, but matches less well than a strain. Where a
  /// genus holds one, its fragments pick among all species of the genus the one they match best, so these must be
  /// more than as likely.
  void judge_identities() {
    std::set<TaxonIndex> genera;
    for (auto& [species, evidence] : evidence_) {
      if (!evidence.present || holds_enough(evidence)) continue;
      evidence.relative = true;
      evidence.present = false;
      genera.insert(genus_of(database_.taxonomy(), species));
    }
    if (!survival_known_) return;
    for (const bool again : {false, true}) {
      for (auto& [species, evidence] : evidence_) {
        if (!evidence.present || (again && !genera.contains(genus_of(database_.taxonomy(), species)))) continue;
        evidence.similarity_margin = again ? identity_evidence(evidence, kPickedIdentity) - kIdentityOdds
                                           : identity_evidence(evidence, 0) + kIdentityOdds;
        evidence.relative = evidence.similarity_margin < 0;
        evidence.present = !evidence.relative;
        if (evidence.relative) genera.insert(genus_of(database_.taxonomy(), species));
      }
    }
  }

  /// An unknown relative at high depth shows the k-mers that it shares, again and again, and no others.
  [[nodiscard]] bool holds_enough(const SpeciesEvidence& evidence) const {
    const auto seen = static_cast<double>(evidence.kmers_seen);
    if (static_cast<double>(evidence.kmers_repeated) < kSeenAgain * seen) return true;
    const double least = kLeastContained * kLeastContent * std::pow(kStrainIdentity, database_.parameters().k);
    return seen + 3 * std::sqrt(seen) + 3 >= kShown * least * static_cast<double>(evidence.kmers);
  }

  /// Log likelihood ratio of a strain of the species and of another species, from the share of k-mers found. `more`:
  /// how much more similar than usual both look.
  [[nodiscard]] double identity_evidence(const SpeciesEvidence& evidence, double more) const {
    const double k = database_.parameters().k;
    const double strain = survival_ * std::pow(kStrainIdentity + more, k);
    const double other = survival_ * std::pow(kRelativeIdentity + more, k);
    // The k-mers of a fragment stand or fall together: about four count as one.
    const double lookups = static_cast<double>(lookups_.at(evidence.species)) / 4;
    return lookups *
           (evidence.intact * std::log(strain / other) + (1 - evidence.intact) * std::log((1 - strain) / (1 - other)));
  }

  /// How often the k-mers of each present species' reference were seen, and what that says about depth.
  void measure_depths() {
    std::map<TaxonIndex, std::vector<std::uint64_t>> histograms, core_histograms;
    crowded_.assign(database_.bins(), 0);
    for (const auto& [species, evidence] : evidence_)
      if (evidence.present) foreign_[species] = mark_crowded(evidence);
    counts_.for_each_kmer([&](UnitIndex number, std::uint8_t count) {
      const UnitRecord& unit = database_.units()[number];
      const std::uint32_t set = unit.set;
      const auto found = evidence_.find(database_.set_species(set));
      if (crowded_[unit.bin] != 0 || found == evidence_.end() || !found->second.present) return;
      if (!std::ranges::binary_search(database_.set(set), found->second.reference)) return;
      const auto add = [&](std::vector<std::uint64_t>& histogram) {
        histogram.resize(256);
        ++histogram[count];
      };
      add(histograms[found->first]);
      if (database_.set(set).size() == species_genomes_[found->first]) add(core_histograms[found->first]);
    });
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
    // Long reads have errors of another kind than the usual ones, so only the sample itself can tell.
    survival_known_ = !quotients.empty() || read_shape(database_, counts_).length < kLongRead;
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
    for (const auto& [species, evidence] : evidence_)
      if (evidence.present) limit_shared(evidence);
  }

  /// Fragments of conserved genes and mobile elements may be of species that are not in the database. What a species
  /// gets is limited by its own fragments and the share of its k-mers that no other species holds.
  void limit_shared(const SpeciesEvidence& evidence) {
    double fragments = 0;
    for (const std::uint32_t genome : genomes_of_.at(evidence.species)) fragments += fragments_[genome];
    const double own = static_cast<double>(evidence.own_fragments);
    const double own_share = std::max(
        kLeastOwnShare, static_cast<double>(evidence.kmers) / static_cast<double>(genomes_[evidence.reference].kmers));
    const double most = kShareFreedom * (own + 3 * std::sqrt(own) + 3) / own_share;
    if (fragments <= most) return;
    for (const std::uint32_t genome : genomes_of_.at(evidence.species)) fragments_[genome] *= most / fragments;
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
    // Of k-mers found, from fragments that show any to all.
    const double seen_share = evidence.hit_rate > 0 ? evidence.intact / evidence.hit_rate : 1;
    for (const std::uint32_t g : genomes_of_.at(evidence.species)) {
      if (fragments_[g] <= 0) continue;
      species.fragments += fragments_[g];
      GenomeAbundance genome;
      genome.genome = g;
      genome.fragments = fragments_[g];
      genome.coverage = depth(g) * fragment_length;
      species.coverage += genome.coverage;
      species.variance += genome.coverage * fragment_length / static_cast<double>(genomes_[g].length);
      genome.ani = std::pow(std::min(1.0, genome_hit_rate(g) * seen_share / survival_), 1 / k);
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
    const double matched = species.fragments * own / seen;
    species.lost_fragments = matched * lost_share(evidence, correction.factor);
    species.estimated_fragments = matched + species.lost_fragments;
    species.coverage *= correction.factor;
    species.variance *= correction.factor * correction.factor;
    species.variance += species.coverage * species.coverage * (correction.log_variance + kModelError * kModelError);
    for (GenomeAbundance& genome : species.genomes) genome.coverage *= correction.factor;
    // A few fragments of a strain are as well those of its sisters: they stay with the species.
    std::erase_if(species.genomes, [&](const GenomeAbundance& genome) {
      return genome.fragments < kFewestOfStrain || genome.fragments < kSmallestStrain * species.fragments;
    });
    return species;
  }

  /// Puts what the unmatched mates themselves tell in the place of the guess from the ends of stretches, where the
  /// depth suffices; in between, a bit of both.
  void find_lost_fragments(std::vector<SpeciesAbundance>& present) const {
    std::vector<ContentQuery> queries;
    for (const SpeciesAbundance& species : present) {
      const SpeciesEvidence& evidence = species.evidence;
      const double matched = species.estimated_fragments - species.lost_fragments;
      queries.push_back({evidence.species, species.coverage, matched * evidence.unseen, clear_excess(evidence),
                         evidence.kmer_dispersion >= kMixedStrains});
    }
    const auto lost = missing_content(counts_, queries, survival_);
    for (std::size_t i = 0; i < present.size(); ++i) {
      if (std::isnan(lost[i])) continue;
      SpeciesAbundance& species = present[i];
      const double weight =
          std::clamp((species.coverage - kLeastContentDepth) / (kFullContentDepth - kLeastContentDepth), 0.0, 1.0);
      const double more = weight * (lost[i] - species.lost_fragments);
      species.lost_fragments += more;
      species.estimated_fragments += more;
    }
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

  /// Of the mates that match nowhere beside one that does, the share that divergence and errors do not explain.
  static double excess_share(const SpeciesEvidence& evidence) {
    const auto judged = static_cast<double>(evidence.judged_mates);
    const double share = static_cast<double>(evidence.empty_mates) / judged;
    return share - evidence.expected_empty - 0.5 * std::sqrt(share / judged);
  }

  /// 1 where at least a third of those mates is unexplained.
  static double clear_excess(const SpeciesEvidence& evidence) {
    if (evidence.empty_mates == 0) return 0;
    const double share = static_cast<double>(evidence.empty_mates) / static_cast<double>(evidence.judged_mates);
    return std::clamp(3 * excess_share(evidence) / share, 0.0, 1.0);
  }

  /// Fragments of the species that match nowhere, per fragment that does.
  static double lost_share(const SpeciesEvidence& evidence, double correction) {
    const auto judged = static_cast<double>(evidence.judged_mates);
    if (judged * 20 < static_cast<double>(evidence.own_fragments)) return std::pow(correction, kMissingShare) - 1;
    return std::clamp(kLostPerEmptyMate * excess_share(evidence), 0.0, kMostLost);
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
    if (evidence.kmer_depth <= 0 || coverage <= 0) return unknown_content();
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
  std::map<TaxonIndex, std::vector<std::uint32_t>> genomes_of_;
  std::vector<std::uint32_t> species_genomes_;  ///< by taxon: how many genomes of the species are in the database
  std::map<TaxonIndex, std::uint64_t> lookups_;
  std::vector<GenomeKmers> genome_kmers_;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> bin_kmers_;
  std::vector<double> fragments_;
  std::vector<char> crowded_;             ///< per bin
  std::map<TaxonIndex, double> foreign_;  ///< fragments too many in crowded bins
  double survival_ = 1;
  bool survival_known_ = false;
};

}  // namespace

SampleAbundance estimate_abundance(const Database& database, const SampleCounts& counts) {
  return Estimator(database, counts).run();
}

}  // namespace immucan::microbiome
