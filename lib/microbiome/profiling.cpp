#include "microbiome/profiling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/ordered_batches.h"
#include "microbiome/apportion.h"

namespace immucan::microbiome {

SampleCounts count_sample(const Database& database, const std::vector<io::FastqLane>& lanes, core::RunContext& context,
                          const FragmentSink& sink) {
  struct Batch {
    io::FastqBatch reads;
    FragmentScanner scanner;
  };
  SampleCounts counts(database);
  io::FastqBatchReader reader(lanes, {.allow_fasta = true}, context);
  core::ordered_batches<Batch>(
      {.threads = context.threads, .interrupt = &context.interrupt, .background = reader.background()},
      [&](Batch& batch) { return reader.next(batch.reads); },
      [&](Batch& batch) {
        io::parse(batch.reads);
        batch.scanner.clear();
        const io::FastqBlock& first = batch.reads.mates[0];
        const io::FastqBlock* second = batch.reads.mates.size() > 1 ? &batch.reads.mates[1] : nullptr;
        for (std::size_t i = 0; i < first.size(); ++i)
          batch.scanner.add(database, first.sequence(i), second != nullptr ? second->sequence(i) : std::string_view{});
        batch.scanner.resolve(database);
      },
      [&](Batch& batch) {
        counts.add(batch.scanner);
        const auto sequence = [&](std::size_t mate) {
          return [&batch, mate](std::size_t i) {
            return batch.reads.mates.size() > mate ? batch.reads.mates[mate].sequence(i) : std::string_view{};
          };
        };
        counts.add_sequences(batch.scanner, sequence(0), sequence(1));
        if (sink) sink(batch.reads, batch.scanner, counts);
        counts.reads += batch.reads.size() * batch.reads.mates.size();
        context.progress.update("fragments", counts.fragments);
      });
  context.progress.finish();
  return counts;
}

namespace {

/// Sums over the tree, node by node.
struct Clades {
  std::vector<std::uint64_t> direct, reads;
  std::vector<double> coverage, variance, fragments, ani;
  std::vector<std::vector<TaxonIndex>> children;
};

class ProfileMaker {
 public:
  ProfileMaker(const Database& database, const SampleCounts& counts, const SampleAbundance& abundance)
      : database_(database), taxonomy_(database.taxonomy()), counts_(counts), abundance_(abundance) {}

  SampleProfile run() {
    fill_totals();
    place_on_tree();
    for (const SpeciesAbundance& species : abundance_.species) total_coverage_ += species.coverage;
    for (const SpeciesAbundance& species : abundance_.species) total_variance_ += species.variance;
    visit_rows(0);
    profile_.report.push_back(
        {profile_.unclassified_fragments, profile_.unclassified_fragments, "U", 0, 0, "unclassified"});
    codes_ = rank_codes(taxonomy_);
    if (clades_.reads[0] != 0) visit_report(0, 0);
    for (const SpeciesAbundance& species : abundance_.species) {
      const double share = total_coverage_ > 0 ? species.coverage / total_coverage_ : 0;
      if (share > 0) profile_.shannon -= share * std::log(share);
    }
    profile_.evidence = abundance_.evidence;
    profile_.novel = abundance_.novel;
    return std::move(profile_);
  }

 private:
  void fill_totals() {
    profile_.fragments = counts_.fragments;
    profile_.reads = counts_.reads;
    profile_.bases = counts_.bases;
    profile_.host_fragments = counts_.host_fragments;
    const std::uint64_t microbial = counts_.fragments - counts_.host_fragments;
    profile_.classified_fragments =
        std::min(microbial, static_cast<std::uint64_t>(std::llround(abundance_.known_fragments)));
    profile_.unclassified_fragments = microbial - profile_.classified_fragments;
    const auto share = [](std::uint64_t part, std::uint64_t whole) {
      return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    profile_.host_fraction = share(profile_.host_fragments, profile_.fragments);
    profile_.classified_fraction = share(profile_.classified_fragments, profile_.fragments);
    const double known = std::min(abundance_.estimated_fragments, static_cast<double>(microbial));
    if (profile_.fragments != 0) profile_.known_fraction = known / static_cast<double>(profile_.fragments);
    if (microbial != 0) profile_.unknown_fraction = 1 - known / static_cast<double>(microbial);
  }

  void place_on_tree() {
    const std::size_t n = taxonomy_.size();
    clades_.direct.assign(n, 0);
    clades_.coverage.assign(n, 0.0);
    clades_.variance.assign(n, 0.0);
    clades_.fragments.assign(n, 0.0);
    clades_.ani.assign(n, std::numeric_limits<double>::quiet_NaN());
    clades_.children.resize(n);
    for (TaxonIndex i = 1; i < n; ++i) clades_.children[taxonomy_[i].parent].push_back(i);
    if (database_.has_host()) clades_.direct[database_.genomes()[0].taxon] += counts_.host_fragments;
    std::vector<double> shares;
    for (const SpeciesAbundance& species : abundance_.species) shares.push_back(species.fragments);
    const auto reads = apportion(profile_.classified_fragments, shares);
    for (std::size_t s = 0; s < reads.size(); ++s) place_species(abundance_.species[s], reads[s]);
    clades_.reads = clades_.direct;
    std::vector<TaxonIndex> deepest_first(n);
    std::iota(deepest_first.begin(), deepest_first.end(), TaxonIndex{0});
    std::ranges::stable_sort(deepest_first,
                             [&](TaxonIndex a, TaxonIndex b) { return taxonomy_.depth(a) > taxonomy_.depth(b); });
    for (const TaxonIndex i : deepest_first) {
      if (i == 0) continue;
      const TaxonIndex parent = taxonomy_[i].parent;
      clades_.reads[parent] += clades_.reads[i];
      clades_.coverage[parent] += clades_.coverage[i];
      clades_.variance[parent] += clades_.variance[i];
      clades_.fragments[parent] += clades_.fragments[i];
    }
    for (auto& children : clades_.children)
      std::ranges::sort(children, [&](TaxonIndex a, TaxonIndex b) {
        return clades_.reads[a] != clades_.reads[b] ? clades_.reads[a] > clades_.reads[b]
                                                    : taxonomy_[a].taxid < taxonomy_[b].taxid;
      });
  }

  /// Strains with a node of their own below the species take their part; the rest stays at the species.
  void place_species(const SpeciesAbundance& species, std::uint64_t reads) {
    const TaxonIndex node = species.evidence.species;
    std::vector<double> shares;
    double reported = 0, reported_estimate = 0, reported_coverage = 0, reported_variance = 0;
    for (const GenomeAbundance& genome : species.genomes) {
      shares.push_back(genome.fragments);
      reported += genome.fragments;
      reported_estimate += genome.estimated_fragments;
    }
    shares.push_back(std::max(0.0, species.fragments - reported));
    const auto parts = apportion(reads, shares);
    clades_.ani[node] = species.ani;
    for (std::size_t g = 0; g < species.genomes.size(); ++g) {
      const GenomeAbundance& genome = species.genomes[g];
      const TaxonIndex taxon = database_.genomes()[genome.genome].taxon;
      const double share = species.fragments > 0 ? genome.fragments / species.fragments : 0;
      clades_.direct[taxon] += parts[g];
      clades_.coverage[taxon] += genome.coverage;
      clades_.variance[taxon] += species.variance * share;
      clades_.fragments[taxon] += genome.estimated_fragments;
      if (taxon != node) clades_.ani[taxon] = genome.ani;
      reported_coverage += genome.coverage;
      reported_variance += species.variance * share;
    }
    clades_.direct[node] += parts.back();
    clades_.coverage[node] += std::max(0.0, species.coverage - reported_coverage);
    clades_.variance[node] += std::max(0.0, species.variance - reported_variance);
    clades_.fragments[node] += std::max(0.0, species.estimated_fragments - reported_estimate);
  }

  void visit_rows(TaxonIndex node) {
    if (clades_.fragments[node] <= 0) return;
    if (node != 0) profile_.rows.push_back(row(node));
    for (const TaxonIndex child : clades_.children[node]) visit_rows(child);
  }

  [[nodiscard]] ProfileRow row(TaxonIndex node) const {
    ProfileRow row;
    row.taxid = taxonomy_[node].taxid;
    row.rank = taxonomy_[node].rank;
    row.name = taxonomy_[node].name;
    row.reads = clades_.reads[node] - host_reads_below(node);
    row.coverage = clades_.coverage[node];
    row.ani = clades_.ani[node];
    row.sequence_abundance =
        abundance_.known_fragments > 0 ? clades_.fragments[node] / abundance_.estimated_fragments : 0;
    if (total_coverage_ <= 0) return row;
    const double share = row.coverage / total_coverage_;
    row.taxonomic_abundance = share;
    // Variance of a ratio part / (part + rest), both estimated independently; the interval is symmetric on the logit
    // scale, so that it stays within 0 and 1 and is skewed where few fragments were seen.
    const double rest_variance = std::max(0.0, total_variance_ - clades_.variance[node]);
    const double variance = ((1 - share) * (1 - share) * clades_.variance[node] + share * share * rest_variance) /
                            (total_coverage_ * total_coverage_);
    if (share <= 0 || share >= 1) {
      row.lower = row.upper = share;
      return row;
    }
    const double logit = std::log(share / (1 - share));
    const double spread = 1.959963984540054 * std::sqrt(variance) / (share * (1 - share));
    row.lower = 1 / (1 + std::exp(-(logit - spread)));
    row.upper = 1 / (1 + std::exp(-(logit + spread)));
    return row;
  }

  [[nodiscard]] std::uint64_t host_reads_below(TaxonIndex node) const {
    if (!database_.has_host()) return 0;
    for (TaxonIndex at = database_.genomes()[0].taxon;; at = taxonomy_[at].parent) {
      if (at == node) return counts_.host_fragments;
      if (at == 0) return 0;
    }
  }

  void visit_report(TaxonIndex node, unsigned depth) {
    profile_.report.push_back(
        {clades_.reads[node], clades_.direct[node], codes_[node], taxonomy_[node].taxid, depth, taxonomy_[node].name});
    for (const TaxonIndex child : clades_.children[node])
      if (clades_.reads[child] != 0) visit_report(child, depth + 1);
  }

  const Database& database_;
  const Taxonomy& taxonomy_;
  const SampleCounts& counts_;
  const SampleAbundance& abundance_;
  SampleProfile profile_;
  Clades clades_;
  std::vector<std::string> codes_;
  double total_coverage_ = 0, total_variance_ = 0;
};

}  // namespace

SampleProfile make_profile(const Database& database, const SampleCounts& counts, const SampleAbundance& abundance) {
  return ProfileMaker(database, counts, abundance).run();
}

}  // namespace immucan::microbiome
