#pragma once
// Reads inside an exon do not show whether their molecule is spliced, but where they lie may: mRNA is primed at its
// tail, so reads of spliced molecules begin within a fragment's length of the end of the transcript, while nascent RNA
// is primed anywhere. Which distance is too far, and whether distance means anything in this library, is learned from
// its reads.
#include <array>
#include <cstdint>
#include <optional>

#include "scrna/reference_index.h"

namespace immucan::scrna {

/// Distances, in bases of transcript, between the end of a read and the end of the transcript that are told apart.
inline constexpr std::array<std::uint32_t, 5> kFarDistances = {350, 450, 600, 900, 1500};
/// The bit of ReadEvidence for "at least kFarDistances[i]"; further ones include nearer ones.
[[nodiscard]] constexpr std::uint8_t far_bit(std::size_t i) {
  return static_cast<std::uint8_t>(8U << i);
}
[[nodiscard]] std::uint8_t far_bits(std::uint32_t distance);

/// Reads of one gene by what they show; sums, so that batches add up in any order.
struct SplicingReads {
  std::uint64_t reads = 0, bases = 0;
  std::uint64_t junction = 0;  ///< over an annotated junction
  std::array<std::uint64_t, kFarDistances.size()> junction_far{}, exonic_far{};
  void add(std::uint8_t evidence, std::size_t length);
  SplicingReads& operator+=(const SplicingReads& other);
};

/// From which of kFarDistances on an exonic read is rather of nascent RNA; nullopt when there is no such distance.
/// Going down from the furthest, as long as nascent RNA explains at least half of the exonic reads between a distance
/// and the next: the sum over genes of (intronic reads / intronic places × exonic places between the two). Reads of
/// spliced RNA would cross junctions there: a distance from which on more than 5 % of the reads that are not intronic
/// do, or fewer than 1,000 reads are exonic, is no evidence (internal priming, 5' libraries). `intronic`: reads over
/// intron bases per gene.
[[nodiscard]] std::optional<std::size_t> far_enough(const ReferenceIndex& index, const SplicingReads& reads,
                                                    std::span<const std::uint32_t> intronic);

}  // namespace immucan::scrna
