#pragma once
// The parts of an index in memory, on the way from genome and genes to the file.
#include <cstdint>
#include <string>
#include <vector>

#include "scrna/reference_index.h"
#include "sequence/gene_model.h"
#include "sequence/packed_sequence.h"

namespace immucan::scrna {

/// Positions are 32-bit.
inline constexpr std::uint64_t kMaximalText = 0xffffffffU - 64;

struct Chromosome {
  std::string name;
  std::uint32_t begin = 0, size = 0;  ///< in the text
};

/// The genome as text; pieces between unknown bases carry seeds.
struct GenomeText {
  std::vector<Chromosome> chromosomes;
  sequence::PackedSequence text;
  std::vector<sequence::TextPiece> pieces;
  [[nodiscard]] const Chromosome* find(const std::string& name) const;
  /// Adds bases behind the text, and the pieces between their unknown ones. Chromosomes are the caller's.
  void append(const std::string& bases);
};

/// Junction contigs, appended to the text.
struct JunctionContigs {
  std::vector<std::uint32_t> begins;  ///< in the text; one more than contigs
  std::vector<std::uint32_t> block_starts{0};
  std::vector<GenomeBlock> blocks;
  std::vector<std::uint32_t> gene_starts{0}, genes;
  std::uint64_t junctions = 0;
};

/// Owned form of SegmentTable.
struct OwnedSegments {
  std::vector<std::uint32_t> breakpoints, gene_starts, coarse;
  std::vector<SegmentGene> genes;
};

/// For every junction of every transcript the `reach` bases of transcript to either side of it, over further junctions
/// where exons are short, and into the genome beyond the ends of the transcript. Equal ones are kept once.
[[nodiscard]] JunctionContigs add_junction_contigs(GenomeText& genome, const sequence::GeneModel& model,
                                                   std::uint32_t reach);
[[nodiscard]] OwnedSegments make_segments(const GenomeText& genome, const sequence::GeneModel& model, bool reverse);

}  // namespace immucan::scrna
