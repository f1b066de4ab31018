#include "microbiome/missing_content.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "microbiome/depth_profile.h"
#include "microbiome/piece_mixture.h"
#include "microbiome/read_pieces.h"
#include "microbiome/stretch_lengths.h"

namespace immucan::microbiome {

namespace {

/// Pieces of so many mates have a depth that can be held against a species'.
constexpr std::uint32_t kJudgedByDepth = 12;
constexpr double kDepthSpread = 0.06, kSpeciesSpread = 0.07, kLeastSupport = 0.03;
/// A species' own depth counts as much as so many pieces.
constexpr double kOwnDepthWeight = 2;
/// Pieces below this depth are not divided: they are too small to tell anything.
constexpr double kLeastPieceDepth = 1;
/// Bases for each mate that holds a piece, beyond which it is not believed to hang on them; the second for pieces of a
/// strain less deep than the species.
constexpr double kBasesPerAnchor = 60000, kBasesPerStrainAnchor = 15000, kBasesPerModeAnchor = 40000;
/// Anchors that an end of a strain should have, as a share of those expected.
constexpr double kLeastAnchors = 0.3, kEnoughAnchors = 1.0;
constexpr double kHostOdds = 6;
/// Bases of the species' genomes that count in the composition of what is missing; a piece counts so much at most.
constexpr double kGenomeBases = 20000, kMostOfOnePiece = 10000, kSomeBases = 2000;
/// The division is taken with this weight, by depth, what the lengths of stretches let expect with the rest: division
/// needs pieces, which small depths lack.
constexpr double kLeastDivision = 0.3, kDivisionPerDepth = 0.3, kMostDivision = 0.8;
constexpr double kFewFragments = 20, kMostInSmallPieces = 0.75;

class ContentEstimator {
 public:
  ContentEstimator(const SampleCounts& counts, std::span<const ContentQuery> queries, double survival)
      : counts_(counts),
        queries_(queries),
        kept_(counts.unmatched.kept_share()),
        pieces_(join_reads(counts.unmatched)) {
    const double read = std::max(1.0, pieces_.read_length), k = kPieceKmer;
    shape_ = {read, std::max(pieces_.insert, read + 1), k + 3.4 * kPieceDensity};
    depth_per_kmer_ = read / std::max(1.0, read - k + 1) / survival;
    for (std::size_t q = 0; q < queries.size(); ++q) query_of_[queries[q].species] = q;
    content_.resize(queries.size());
    host_ = counts.host_words();
  }

  std::vector<double> run() {
    find_depths();
    find_compositions();
    for (const ReadPiece& piece : pieces_.pieces) sort_out(piece);
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      Content& content = content_[q];
      content.beyond = queries_[q].excess * fragments_beyond(content.walks, shape_);
      content.anchored = std::max(0.0, content.anchored - queries_[q].hidden * kept_);
    }
    divide();
    std::vector<double> result;
    for (std::size_t q = 0; q < queries_.size(); ++q) result.push_back(sum_up(q) / kept_);
    return result;
  }

 private:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  struct Owner {
    std::size_t query = kNobody;
    std::uint32_t anchors = 0, at_ends = 0;
    bool left = false, right = false;
  };
  struct Content {
    DepthProfile depths;
    Composition genome{}, lacking{};
    std::array<double, kTetranucleotides> lacking_bases{};
    double anchored = 0;  ///< fragments in pieces that hang on the species
    double beyond = 0;    ///< fragments elsewhere, by the lengths of stretches
    double divided = 0;   ///< fragments in pieces that hang on nothing, by their depth and composition
    std::vector<StretchWalk> walks;
  };

  [[nodiscard]] double depth_of(std::size_t query) const { return queries_[query].depth * kept_; }
  [[nodiscard]] double depth_of(const ReadPiece& piece) const { return piece.kmer_depth * depth_per_kmer_; }
  [[nodiscard]] double bases_of(const ReadPiece& piece) const {
    return std::min(piece.mates * shape_.read / depth_of(piece), 3e6);
  }
  static double variance_of(const ReadPiece& piece) { return piece.log_error * piece.log_error; }

  /// The species on which most of the piece's anchors hang; of several the first met.
  [[nodiscard]] Owner owner_of(const ReadPiece& piece) const {
    std::vector<Owner> owners;
    for (const PieceAnchor& anchor : pieces_.anchors_of(piece)) {
      const std::size_t query = query_of(anchor);
      if (query == kNobody) continue;
      auto owner = std::ranges::find(owners, query, &Owner::query);
      if (owner == owners.end()) owner = owners.insert(owner, {query, 0, 0, false, false});
      ++owner->anchors;
      owner->at_ends += anchor.at_end ? 1 : 0;
      owner->left |= anchor.at_end && anchor.left;
      owner->right |= anchor.at_end && !anchor.left;
    }
    return owners.empty() ? Owner{} : *std::ranges::max_element(owners, {}, &Owner::anchors);
  }

  [[nodiscard]] std::size_t query_of(const PieceAnchor& anchor) const {
    if (anchor.class_number == UnmatchedReads::kWeakPartner) return kNobody;
    const auto found = query_of_.find(counts_.class_species(anchor.class_number));
    return found == query_of_.end() ? kNobody : found->second;
  }

  /// Depths at which pieces of a species lie: its own, and where strains are mixed those of pieces that hang on it with
  /// as many anchors as a strain of their depth has.
  void find_depths() {
    for (std::size_t q = 0; q < queries_.size(); ++q)
      if (depth_of(q) > 0) content_[q].depths.add(std::log(depth_of(q)), kSpeciesSpread, kOwnDepthWeight);
    for (const ReadPiece& piece : pieces_.pieces) {
      if (piece.kmer_depth <= 0 || piece.mates < kJudgedByDepth || piece.anchors < 2) continue;
      const Owner owner = owner_of(piece);
      if (owner.query == kNobody || !queries_[owner.query].mixed) continue;
      const double depth = depth_of(piece), whole = depth_of(owner.query), bases = bases_of(piece);
      if (depth > 1.2 * whole || depth < 0.08 * whole) continue;
      if (owner.anchors < std::max(2.0, kLeastAnchors * shape_.anchors_per_end(depth))) continue;
      if (bases > kBasesPerModeAnchor * (1 + owner.anchors)) continue;
      if (bases > 3 * shape_.shortest() && 2 * owner.at_ends < owner.anchors) continue;
      content_[owner.query].depths.add(std::log(depth), std::max(0.08, piece.log_error),
                                       std::min(1.0, bases / kSomeBases));
    }
    for (Content& content : content_) content.depths.normalise();
  }

  void find_compositions() {
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      Content& content = content_[q];
      content.genome = composition_of(counts_.words_of(queries_[q].species));
      for (std::size_t w = 0; w < kTetranucleotides; ++w) content.lacking_bases[w] = kGenomeBases * content.genome[w];
    }
    if (host_) host_composition_ = composition_of(*host_);
  }

  /// Gives a piece to the species it hangs on, or leaves it to be divided.
  void sort_out(const ReadPiece& piece) {
    const Owner owner = owner_of(piece);
    const bool judged = piece.kmer_depth > 0 && piece.mates >= kJudgedByDepth;
    if (owner.query == kNobody || (judged && !belongs(piece, owner))) {
      if (piece.kmer_depth > 0 && depth_of(piece) >= kLeastPieceDepth) undecided_.push_back(&piece);
      return;
    }
    Content& content = content_[owner.query];
    content.anchored += piece.fragments;
    double depth = depth_of(owner.query), length = piece.length;
    if (judged) {
      depth = std::min(1.1 * depth, depth_of(piece));
      length = piece.mates * shape_.read / depth;
      const Composition& composition = pieces_.compositions[piece.composition];
      for (std::size_t w = 0; w < kTetranucleotides; ++w)
        content.lacking_bases[w] += std::min(bases_of(piece), kMostOfOnePiece) * composition[w];
    }
    if (length <= shape_.shortest()) return;
    // Repeats fold the layout of some: these go far.
    const bool folded = length > 1.4 * piece.length && length > kSomeBases;
    content.walks.push_back({length, depth, (owner.left && owner.right) || folded});
  }

  [[nodiscard]] bool belongs(const ReadPiece& piece, const Owner& owner) const {
    const Content& content = content_[owner.query];
    const double depth = depth_of(piece), bases = bases_of(piece);
    if (content.depths.support(std::log(depth), variance_of(piece) + kDepthSpread * kDepthSpread) < kLeastSupport)
      return false;
    if (bases > kBasesPerAnchor * (1 + owner.anchors)) return false;
    if (depth < 0.8 * depth_of(owner.query) && (owner.anchors < kLeastAnchors * shape_.anchors_per_end(depth) ||
                                                bases > kBasesPerStrainAnchor * (1 + owner.anchors)))
      return false;
    // Genes from elsewhere often have as little G and C as the host: what hangs on enough mates needs no such test.
    if (!host_ || owner.anchors >= std::max(2.0, kEnoughAnchors * shape_.anchors_per_end(depth))) return true;
    const Composition& composition = pieces_.compositions[piece.composition];
    return composition_likelihood(composition, bases, host_composition_) -
               composition_likelihood(composition, bases, content.genome) <=
           kHostOdds;
  }

  void divide() {
    std::vector<MixturePiece> pieces;
    for (const ReadPiece* piece : undecided_)
      pieces.push_back({std::log(depth_of(*piece)), variance_of(*piece), bases_of(*piece),
                        pieces_.compositions[piece->composition]});
    std::vector<MixtureSpecies> species;
    std::vector<std::size_t> taking;
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      if (depth_of(q) < kLeastContentDepth) continue;
      Content& content = content_[q];
      double sum = 0;
      for (const double bases : content.lacking_bases) sum += bases;
      for (std::size_t w = 0; w < kTetranucleotides; ++w)
        content.lacking[w] = static_cast<float>(content.lacking_bases[w] / sum);
      species.push_back({content.depths, content.genome, content.lacking,
                         content.beyond / shape_.fragments_per_base(depth_of(q)) + kSomeBases});
      taking.push_back(q);
    }
    const auto memberships = divide_pieces(pieces, species, host_ ? &host_composition_ : nullptr);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      for (std::size_t s = 0; s < taking.size(); ++s)
        content_[taking[s]].divided += memberships[i * taking.size() + s] * undecided_[i]->fragments;
  }

  [[nodiscard]] double sum_up(std::size_t query) const {
    const Content& content = content_[query];
    const double depth = depth_of(query);
    if (depth < kLeastContentDepth) return std::numeric_limits<double>::quiet_NaN();
    const double small = std::min(kMostInSmallPieces, shape_.in_small_pieces(depth, kJudgedMates));
    const double divided = std::min(content.divided, kMostExpected * content.beyond + kFewFragments) / (1 - small);
    const double weight =
        std::clamp(kLeastDivision + kDivisionPerDepth * (depth - kLeastContentDepth), kLeastDivision, kMostDivision);
    return content.anchored +
           std::exp(weight * std::log(divided + kFewFragments) +
                    (1 - weight) * std::log(content.beyond + kFewFragments)) -
           kFewFragments;
  }

  const SampleCounts& counts_;
  std::span<const ContentQuery> queries_;
  double kept_;
  ReadPieces pieces_;
  MateShape shape_;
  double depth_per_kmer_ = 1;
  std::unordered_map<TaxonIndex, std::size_t> query_of_;
  std::vector<Content> content_;
  const WordCounts* host_ = nullptr;
  Composition host_composition_{};
  std::vector<const ReadPiece*> undecided_;
};

}  // namespace

std::vector<double> missing_content(const SampleCounts& counts, std::span<const ContentQuery> queries,
                                    double survival) {
  const double most = queries.empty() ? 0 : std::ranges::max(queries, {}, &ContentQuery::depth).depth;
  if (counts.unmatched.mates().empty() || most * counts.unmatched.kept_share() < kLeastContentDepth)
    return std::vector<double>(queries.size(), std::numeric_limits<double>::quiet_NaN());
  return ContentEstimator(counts, queries, survival).run();
}

}  // namespace immucan::microbiome
