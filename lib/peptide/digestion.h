#pragma once
// Peptides of a database inside a mass range, without ever holding them all: a two-pointer walk over prefix masses
// costs one step per residue plus one per peptide in the range.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "peptide/masses.h"
#include "peptide/protein_database.h"

namespace immucan::peptide {

enum class Enzyme {
  kNone,     ///< every window
  kTrypsin,  ///< after K or R, not before P
};

struct DigestionOptions {
  Enzyme enzyme = Enzyme::kNone;
  int min_length = 8, max_length = 12;
  int missed_cleavages = 2;             ///< enzymes only
  bool clip_initial_methionine = true;  ///< enzymes only: also without the first M
};

/// One occurrence of a peptide.
struct PeptideSite {
  Mass mass = 0;            ///< neutral, with fixed modifications
  std::uint64_t hash = 0;   ///< of the residues with I = L
  std::uint32_t begin = 0;  ///< in the database text
  std::uint8_t length = 0;
};

/// Hash of a residue string with I = L; the one digestion computes by prefix differences.
[[nodiscard]] std::uint64_t sequence_hash(std::span<const Residue> residues);

/// Calls `emit` for every peptide of segments [first, last) with low <= mass < high, in text order.
void digest(const ProteinDatabase& database, const DigestionOptions& options, const MassTable& masses,
            std::size_t first_segment, std::size_t last_segment, Mass low, Mass high,
            const std::function<void(const PeptideSite&)>& emit);

/// Segments cut into about `parts` runs of equal residues: begins, plus the end.
[[nodiscard]] std::vector<std::size_t> partition_segments(const ProteinDatabase& database, std::size_t parts);

}  // namespace immucan::peptide
