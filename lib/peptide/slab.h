#pragma once
// All peptides of one mass range with their decoys, ascending by mass.
#include <cstdint>
#include <vector>

#include "core/run_context.h"
#include "peptide/digestion.h"

namespace immucan::peptide {

/// Which masses any precursor window reaches, in steps of 1/256 Da.
class MassCoverage {
 public:
  explicit MassCoverage(Mass largest) : bits_(static_cast<std::size_t>(largest >> kShift) / 64 + 2, 0) {}
  void add(Mass low, Mass high);
  [[nodiscard]] bool holds(Mass mass) const {
    const auto bit = static_cast<std::size_t>(mass >> kShift);
    return bit / 64 < bits_.size() && ((bits_[bit / 64] >> (bit % 64)) & 1U) != 0;
  }
  [[nodiscard]] Mass end() const { return static_cast<Mass>(bits_.size() * 64) << kShift; }

 private:
  static constexpr int kShift = 16;
  std::vector<std::uint64_t> bits_;
};

struct SlabPeptide {
  std::uint64_t hash = 0;
  std::uint32_t begin = 0;     ///< first occurrence in the database text
  std::uint32_t residues = 0;  ///< target residues in `arena`, the decoy's behind them
  std::uint8_t length = 0;
  std::uint8_t attempt = 0;  ///< of the decoy; kDecoyAttempts = none
};

struct Slab {
  std::vector<Mass> mass;
  std::vector<SlabPeptide> peptides;
  std::vector<Residue> arena;
};

struct MassRange {
  Mass low = 0, high = 0;
};

/// Ranges that each hold about `slab_peptides` covered peptides, ascending (a range is at least 1 Da).
[[nodiscard]] std::vector<MassRange> plan_slabs(const ProteinDatabase& database, const DigestionOptions& digestion,
                                                const MassTable& masses, const MassCoverage& coverage,
                                                std::size_t slab_peptides, const core::RunContext& context);

/// Every distinct sequence (I = L) of the range once, with a decoy that equals no target.
void fill_slab(const ProteinDatabase& database, const DigestionOptions& digestion, const MassTable& masses,
               const MassCoverage& coverage, MassRange range, const core::RunContext& context, Slab& slab);

}  // namespace immucan::peptide
