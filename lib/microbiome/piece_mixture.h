#pragma once
// Pieces of unmatched reads that hang on nothing, divided among the present species, the host and unknown genomes, by
// their depth and tetranucleotides: an expectation maximisation in which unknown genomes are added one by one, as
// genomes are binned from metagenomes.
#include <span>
#include <vector>

#include "microbiome/composition.h"
#include "microbiome/depth_profile.h"

namespace immucan::microbiome {

struct MixturePiece {
  double log_depth = 0, log_variance = 0;
  double bases = 0;  ///< estimated length
  Composition composition{};
};

struct MixtureSpecies {
  DepthProfile depths;
  Composition genome{}, lacking{};  ///< of what the database holds, and of what it lacks
  double expected_bases = 0;        ///< of the pieces; what is far more is not believed
};

/// Factor by which a species' pieces may exceed what was expected.
inline constexpr double kMostExpected = 3;

/// Probability that a piece is of a species: [piece * species.size() + species]. `host` may be null.
[[nodiscard]] std::vector<float> divide_pieces(std::span<const MixturePiece> pieces,
                                               std::span<const MixtureSpecies> species, const Composition* host);

/// Log likelihood of a composition of a piece of so many bases; neighbouring words are not independent, nor are genes
/// alike, so that twelve bases count as one word.
[[nodiscard]] double composition_likelihood(const Composition& piece, double bases, const Composition& of);

}  // namespace immucan::microbiome
