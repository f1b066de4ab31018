#pragma once
// From search results to reported matches: where a peptide lies in the database, how well it fits, how far to believe
// it.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/run_context.h"
#include "peptide/rescoring.h"
#include "peptide/search.h"

namespace immucan::peptide {

/// The rank-1 match of one spectrum.
struct Psm {
  std::uint32_t spectrum = 0;  ///< index into the store
  Candidate candidate;
  MatchDetail detail;
  double score = 0;                ///< what the q-values rest on
  double delta_score = 0;          ///< to the best other sequence, relative to the score; 1 without one
  double calculated_mass = 0;      ///< neutral, Da
  double precursor_error_ppm = 0;  ///< after the isotope error, signed
  std::uint32_t compared = 0;
  double expected_matches = 0;          ///< mean matched fragments over all candidates of the spectrum
  std::vector<std::uint32_t> proteins;  ///< indices, ascending: of the target sequence, for decoys too
  std::uint32_t peptide_class = 0;      ///< index into PsmSet::classes
  MatchConfidence confidence;
};

struct PsmSet {
  std::vector<Psm> psms;             ///< in order of the store; spectra without a candidate are left out
  std::vector<std::string> classes;  ///< "canonical" first, others by name
};

/// Proteins (indices, ascending) that hold each sequence, by hash with I = L, at any place.
[[nodiscard]] std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> locate_sequences(
    const ProteinDatabase& database, const std::vector<std::pair<std::uint64_t, std::uint8_t>>& sequences,
    const core::RunContext& context);

/// Rank-1 matches with details, proteins, classes; `score` is the search score. A peptide is canonical when any protein
/// of class "canonical" holds it; otherwise its class is the first by name.
[[nodiscard]] PsmSet assemble_psms(const ProteinDatabase& database, const SpectrumStore& store,
                                   const SearchOptions& options, const std::vector<SpectrumResult>& results,
                                   const core::RunContext& context);

/// Fills `confidence` from `score`.
void assign_confidence(PsmSet& set, const SpectrumStore& store);

/// Letters as in the database; the permutation for a decoy.
[[nodiscard]] std::string peptide_letters(const ProteinDatabase& database, const Candidate& candidate, Enzyme enzyme);
/// ProForma: "[+42.0106]-PEPTM[+15.9949]IDE"; fixed modifications are not written.
[[nodiscard]] std::string modified_letters(const std::string& letters, const Candidate& candidate,
                                           const MassTable& masses);

}  // namespace immucan::peptide
