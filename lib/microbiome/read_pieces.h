#pragma once
// Unmatched mates joined to pieces of unknown sequence, by the k-mers they share and by their partners: what is needed
// to tell whose they are, not the sequence itself.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "microbiome/composition.h"
#include "microbiome/unmatched_reads.h"

namespace immucan::microbiome {

/// A mate in a piece whose partner matches the database.
struct PieceAnchor {
  std::uint32_t class_number = 0;  ///< of its fragment, or UnmatchedReads::kWeakPartner
  bool at_end = false;             ///< it lies near the end of the piece to which its partner points
  bool left = false;               ///< that end
};

struct ReadPiece {
  std::uint32_t mates = 0;
  std::uint32_t fragments = 0;     ///< with both mates in it
  std::uint32_t length = 0;        ///< bases, of the layout: too short where repeats fold it
  std::uint32_t first_anchor = 0;  ///< in ReadPieces::anchors
  std::uint32_t anchors = 0;
  /// Mean number of mates that hold a k-mer of it, by how often those were seen that were seen twice and more; 0
  /// where too few were. It does not depend on the layout.
  double kmer_depth = 0;
  double log_error = 0;           ///< standard error of its logarithm
  std::uint32_t composition = 0;  ///< in ReadPieces::compositions; kNoComposition for small pieces
  static constexpr std::uint32_t kNoComposition = 0xffffffff;
};

struct ReadPieces {
  std::vector<ReadPiece> pieces;  ///< by their first mate
  std::vector<PieceAnchor> anchors;
  std::vector<Composition> compositions;
  double insert = 0;       ///< median distance of the outer ends of two mates; 350 where too few tell it
  double read_length = 0;  ///< mean
  [[nodiscard]] std::span<const PieceAnchor> anchors_of(const ReadPiece& piece) const {
    return std::span(anchors).subspan(piece.first_anchor, piece.anchors);
  }
};

inline constexpr unsigned kPieceKmer = 31;     ///< k-mers that join mates
inline constexpr unsigned kPieceDensity = 16;  ///< one in so many is looked at
/// Pieces of fewer mates get neither depth nor composition.
inline constexpr std::uint32_t kJudgedMates = 8;

/// Memory: about 30 bytes per mate for the k-mers and 10 for the layout.
[[nodiscard]] ReadPieces join_reads(const UnmatchedReads& reads);

}  // namespace immucan::microbiome
