#include "microbiome/piece_mixture.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace immucan::microbiome {

namespace {

constexpr double kBasesPerWord = 12, kLongestJudged = 15000;
/// SD of the logarithm of depth within a genome, besides the sampling of reads.
constexpr double kDepthSpread = 0.07, kProfileSpread = 0.05;
/// Host: any depth around this one. The rest: anything, at a price.
constexpr double kHostDepth = 4, kRestDepth = 3, kWideSpread = 1.2, kHostWeight = 0.05, kRestWeight = 3e-3,
                 kRestPrice = 3;
constexpr std::size_t kMostGenomes = 14;
constexpr int kRounds = 4, kLastRounds = 8;
/// An unknown genome is sought as long as so many bases are explained by nothing.
constexpr double kLeastUnexplained = 20000, kLongestSeed = 10000;
constexpr double kPriorBases = 5000, kLeastGenome = 1000;
/// Responsibilities below this are taken for 0 when compositions are averaged.
constexpr float kNegligible = 1e-3F;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Matrix<float, 1, Eigen::Dynamic>;
constexpr auto kWords = static_cast<Eigen::Index>(kTetranucleotides);

Row as_row(const Composition& composition) {
  return Eigen::Map<const Row>(composition.data(), kWords);
}

/// Logarithms of shares, none of them 0.
Row log_shares(const Row& shares) {
  return ((shares.array() + 1e-5F) / (1 + 1e-5F * static_cast<float>(kTetranucleotides))).log().matrix();
}

double effective_words(double bases) {
  return std::min(bases, kLongestJudged) / kBasesPerWord;
}

class Mixture {
 public:
  Mixture(std::span<const MixturePiece> pieces, std::span<const MixtureSpecies> species, const Composition* host)
      : pieces_(pieces), shares_(static_cast<Eigen::Index>(pieces.size()), kWords) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      shares_.row(index(i)) = as_row(pieces[i].composition);
      words_.push_back(effective_words(pieces[i].bases));
      total_bases_ += pieces[i].bases;
    }
    mean_ = Row::Zero(kWords);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      mean_ += shares_.row(index(i)) * static_cast<float>(pieces[i].bases / total_bases_);
    for (const MixtureSpecies& one : species) {
      expected_.push_back(one.expected_bases);
      species_weights_.push_back(one.expected_bases / total_bases_);
    }
    score_species(species);
    score_others(host);
  }

  std::vector<float> run() {
    for (std::size_t genomes = 0;; ++genomes) {
      const bool last = genomes == kMostGenomes;
      for (int round = 0; round < (last ? kLastRounds : kRounds); ++round) iterate();
      if (last || !add_genome()) break;
    }
    std::vector<float> result(pieces_.size() * expected_.size());
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      for (std::size_t s = 0; s < expected_.size(); ++s)
        result[i * expected_.size() + s] = memberships_(index(i), index(s));
    return result;
  }

 private:
  struct Genome {
    double log_depth = 0, weight = 0;
    Row composition;
  };

  static Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

  [[nodiscard]] double depth_likelihood(const MixturePiece& piece, double log_depth, double spread) const {
    const double variance = piece.log_variance + spread * spread, distance = piece.log_depth - log_depth;
    return -0.5 * (distance * distance / variance + std::log(variance));
  }

  void score_species(std::span<const MixtureSpecies> species) {
    species_scores_.resize(index(pieces_.size()), index(species.size()));
    for (std::size_t s = 0; s < species.size(); ++s) {
      const Eigen::VectorXf genome = shares_ * log_shares(as_row(species[s].genome)).transpose();
      const Eigen::VectorXf lacking = shares_ * log_shares(as_row(species[s].lacking)).transpose();
      for (std::size_t i = 0; i < pieces_.size(); ++i) {
        const double composition = std::max(genome[index(i)], lacking[index(i)]);
        const double depth = species[s].depths.log_density(pieces_[i].log_depth,
                                                           pieces_[i].log_variance + kProfileSpread * kProfileSpread);
        species_scores_(index(i), index(s)) = static_cast<float>(depth + words_[i] * composition);
      }
    }
  }

  void score_others(const Composition* host) {
    const Eigen::VectorXf rest = shares_ * log_shares(mean_).transpose();
    Eigen::VectorXf hosts;
    if (host != nullptr) hosts = shares_ * log_shares(as_row(*host)).transpose();
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      rest_scores_.push_back(std::log(kRestWeight) - kRestPrice + words_[i] * rest[index(i)] +
                             depth_likelihood(pieces_[i], std::log(kRestDepth), kWideSpread));
      if (host != nullptr)
        host_scores_.push_back(std::log(kHostWeight) + words_[i] * hosts[index(i)] +
                               depth_likelihood(pieces_[i], std::log(kHostDepth), kWideSpread));
    }
  }

  /// Columns: species, unknown genomes, host, rest.
  void expect() {
    const std::size_t species = expected_.size(), genomes = genomes_.size(), columns = species + genomes + 2;
    Matrix scores(index(genomes), kWords);
    for (std::size_t g = 0; g < genomes; ++g) scores.row(index(g)) = log_shares(genomes_[g].composition);
    Matrix compositions;
    if (genomes != 0) compositions.noalias() = shares_ * scores.transpose();
    memberships_.resize(index(pieces_.size()), index(columns));
    std::vector<double> row(columns), log_weights;
    for (const double weight : species_weights_) log_weights.push_back(std::log(weight));
    for (const Genome& genome : genomes_) log_weights.push_back(std::log(genome.weight));
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      for (std::size_t s = 0; s < species; ++s) row[s] = log_weights[s] + species_scores_(index(i), index(s));
      for (std::size_t g = 0; g < genomes; ++g)
        row[species + g] = log_weights[species + g] + words_[i] * compositions(index(i), index(g)) +
                           depth_likelihood(pieces_[i], genomes_[g].log_depth, kDepthSpread);
      row[species + genomes] = host_scores_.empty() ? -1e30 : host_scores_[i];
      row[species + genomes + 1] = rest_scores_[i];
      const double most = *std::ranges::max_element(row);
      double sum = 0;
      for (double& value : row) {
        value = value < most - 50 ? 0 : std::exp(value - most);
        sum += value;
      }
      for (std::size_t c = 0; c < columns; ++c) memberships_(index(i), index(c)) = static_cast<float>(row[c] / sum);
    }
  }

  void iterate() {
    expect();
    const std::size_t species = expected_.size();
    double all = total_bases_;
    for (const double bases : expected_) all += bases;
    bases_.assign(static_cast<std::size_t>(memberships_.cols()), 0.0);
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      for (std::size_t c = 0; c < bases_.size(); ++c) bases_[c] += pieces_[i].bases * memberships_(index(i), index(c));
    for (std::size_t s = 0; s < species; ++s)
      species_weights_[s] = (std::min(bases_[s], kMostExpected * expected_[s]) + expected_[s]) / all;
    for (std::size_t g = 0; g < genomes_.size(); ++g) {
      genomes_[g].weight = (bases_[species + g] + 500) / all;
      if (bases_[species + g] > kLeastGenome) average(genomes_[g], index(species + g));
    }
  }

  void average(Genome& genome, Eigen::Index column) const {
    double depth = 0, weights = 0, bases = kPriorBases;
    Row composition = mean_ * static_cast<float>(kPriorBases);
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const float membership = memberships_(index(i), column);
      if (membership < kNegligible) continue;
      const double share = membership * pieces_[i].bases;
      const double weight = share / (pieces_[i].log_variance + kDepthSpread * kDepthSpread);
      depth += weight * pieces_[i].log_depth;
      weights += weight;
      bases += share;
      composition += shares_.row(index(i)) * static_cast<float>(share);
    }
    if (weights <= 0) return;
    genome.log_depth = depth / weights;
    genome.composition = composition / static_cast<float>(bases);
  }

  /// Begins with the piece that holds most of what nothing explains, or a species holds beyond what was expected.
  bool add_genome() {
    const std::size_t species = expected_.size(), rest = bases_.size() - 1;
    std::vector<double> beyond(species);
    for (std::size_t s = 0; s < species; ++s)
      beyond[s] = std::max(0.0, bases_[s] - kMostExpected * expected_[s]) / std::max(1.0, bases_[s]);
    double unexplained = 0, most = 0;
    std::size_t seed = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      double share = memberships_(index(i), index(rest));
      for (std::size_t s = 0; s < species; ++s) share += beyond[s] * memberships_(index(i), index(s));
      const double bases = share * pieces_[i].bases, worth = bases * std::min(pieces_[i].bases, kLongestSeed);
      unexplained += bases;
      if (worth <= most) continue;
      most = worth;
      seed = i;
    }
    if (unexplained < kLeastUnexplained) return false;
    const auto bases = static_cast<float>(std::min(pieces_[seed].bases, kLongestSeed));
    const auto prior = static_cast<float>(kPriorBases);
    genomes_.push_back(
        {pieces_[seed].log_depth, 0.02, (shares_.row(index(seed)) * bases + mean_ * prior) / (bases + prior)});
    return true;
  }

  std::span<const MixturePiece> pieces_;
  Matrix shares_;              ///< pieces × words
  std::vector<double> words_;  ///< that count, per piece
  double total_bases_ = 0;
  Row mean_;
  std::vector<double> expected_, species_weights_;
  Matrix species_scores_;
  std::vector<double> host_scores_, rest_scores_;
  std::vector<Genome> genomes_;
  Matrix memberships_;
  std::vector<double> bases_;  ///< per column of memberships_
};

}  // namespace

double composition_likelihood(const Composition& piece, double bases, const Composition& of) {
  return effective_words(bases) * as_row(piece).dot(log_shares(as_row(of)));
}

std::vector<float> divide_pieces(std::span<const MixturePiece> pieces, std::span<const MixtureSpecies> species,
                                 const Composition* host) {
  if (pieces.empty() || species.empty()) return std::vector<float>(pieces.size() * species.size());
  return Mixture(pieces, species, host).run();
}

}  // namespace immucan::microbiome
