#pragma once
// Spectra against a database, precursor first: peptides are made in slabs of ascending mass, each slab meets the
// spectra whose precursor windows reach into it, and is forgotten. Memory: spectra + one slab, whatever the database.
#include <array>
#include <cstdint>
#include <vector>

#include "core/run_context.h"
#include "peptide/decoys.h"
#include "peptide/digestion.h"
#include "peptide/masses.h"
#include "peptide/protein_database.h"
#include "peptide/runs.h"
#include "peptide/scoring.h"

namespace immucan::peptide {

inline constexpr std::size_t kMaxVariableMods = 4;

struct SearchOptions {
  DigestionOptions digestion;
  MassTable masses;
  double precursor_ppm = 10;
  FragmentTolerance fragment;
  std::vector<int> isotope_errors{0, 1};      ///< 13C peaks that may have been taken for the monoisotopic one
  std::vector<int> unknown_charges{2, 3, 4};  ///< tried where the file names none
  int max_variable_mods = 2;                  ///< per peptide, at most kMaxVariableMods
  PreparationOptions preparation;
  int min_matched = 4;  ///< fragments a candidate must match
  std::size_t slab_peptides = std::size_t{1} << 20;
};

/// A variable modification at its place. Sites: 0-based residue, or one of the ends.
struct PlacedModification {
  static constexpr std::uint8_t kNTerminus = 0xFE, kCTerminus = 0xFF;
  std::uint8_t site = 0;
  std::uint8_t modification = 0;  ///< index into MassTable::variable
};

struct Candidate {
  double score = 0;
  std::uint64_t identity = 0;  ///< hash of the sequence with I = L; of the decoy's own sequence for decoys
  std::uint32_t begin = 0;     ///< of the target in the database text
  std::uint8_t length = 0;
  std::uint8_t attempt = kTarget;  ///< permutation of a decoy
  std::uint8_t charge = 0;
  std::int8_t isotope = 0;
  std::uint8_t placed = 0;
  std::array<PlacedModification, kMaxVariableMods> placements{};

  static constexpr std::uint8_t kTarget = 0xFF;
  [[nodiscard]] bool is_decoy() const { return attempt != kTarget; }
};

/// The best candidates of one spectrum, of different sequences, best first.
struct SpectrumResult {
  static constexpr std::size_t kKept = 3;
  std::array<Candidate, kKept> best{};
  std::uint8_t count = 0;
  std::uint32_t compared = 0;     ///< candidates in the precursor windows, decoys included
  std::uint64_t matched_sum = 0;  ///< fragments matched (bit map) over all of them
};

struct SearchSummary {
  std::uint64_t peptides = 0;  ///< target sequences inside the precursor windows, each once
  std::uint64_t compared = 0;  ///< spectrum–candidate pairs, decoys included
  std::uint64_t without_decoy = 0;
  std::size_t slabs = 0;
};

/// One result per spectrum of the store. The same for any number of threads.
[[nodiscard]] std::vector<SpectrumResult> search(const ProteinDatabase& database, const SpectrumStore& store,
                                                 const SearchOptions& options, core::RunContext& context,
                                                 SearchSummary& summary);

/// The residues a candidate stands for (the permutation, for a decoy).
void candidate_residues(const ProteinDatabase& database, const Candidate& candidate, Enzyme enzyme,
                        std::span<Residue> residues);
/// Masses per residue with fixed and placed modifications.
[[nodiscard]] PeptideForm candidate_form(std::span<const Residue> residues, const Candidate& candidate,
                                         const MassTable& masses);

}  // namespace immucan::peptide
