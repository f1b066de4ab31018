#pragma once
// What both annotation formats share once their rows have been read.
#include <cstdint>
#include <vector>

#include "sequence/gene_model.h"

namespace immucan::sequence {

/// A transcript as its rows gave it.
struct RawTranscript {
  Transcript transcript;         ///< exons in any order
  std::vector<Interval> coding;  ///< CDS and stop codon: stand in for exons where there are none
  std::uint64_t line = 0;
};

/// Sorts and joins exons, sets gene bodies, drops genes without exons. 65 on exons of a transcript that overlap, and
/// when nothing is left.
void finish_model(std::vector<RawTranscript> transcripts, GeneModel& model);

}  // namespace immucan::sequence
