#include "peptide/psms.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/ordered_batches.h"

namespace immucan::peptide {
namespace {

constexpr std::size_t kLocateParts = 64;

std::uint64_t target_hash(const ProteinDatabase& database, const Candidate& candidate) {
  return sequence_hash({database.codes() + candidate.begin, candidate.length});
}

}  // namespace

std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> locate_sequences(
    const ProteinDatabase& database, const std::vector<std::pair<std::uint64_t, std::uint8_t>>& sequences,
    const core::RunContext& context) {
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> found;
  std::set<std::uint8_t> lengths;
  std::vector<std::uint64_t> filter(std::size_t{1} << 14, 0);  // 2^20 bits: most windows stop here
  for (const auto& [hash, length] : sequences) {
    found[hash];
    lengths.insert(length);
    filter[(hash >> 6) & 0x3FFF] |= std::uint64_t{1} << (hash & 63);
  }
  const auto parts = partition_segments(database, kLocateParts);
  std::vector<std::vector<std::pair<std::uint64_t, std::uint32_t>>> hits(parts.size() - 1);
  core::parallel_for(
      context.threads, hits.size(),
      [&](std::size_t part) {
        for (std::size_t s = parts[part]; s < parts[part + 1]; ++s) {
          const std::uint32_t protein = database.segments()[s].protein;
          for (const std::uint8_t length : lengths) {
            const DigestionOptions windows{.enzyme = Enzyme::kNone, .min_length = length, .max_length = length};
            digest(database, windows, MassTable(), s, s + 1, 0, std::numeric_limits<Mass>::max(),
                   [&](const PeptideSite& site) {
                     if (((filter[(site.hash >> 6) & 0x3FFF] >> (site.hash & 63)) & 1U) != 0 &&
                         found.contains(site.hash)) {
                       hits[part].emplace_back(site.hash, protein);
                     }
                   });
          }
        }
      },
      &context.interrupt);
  for (const auto& part : hits) {
    for (const auto& [hash, protein] : part) found[hash].push_back(protein);
  }
  for (auto& [hash, proteins] : found) {
    std::sort(proteins.begin(), proteins.end());
    proteins.erase(std::unique(proteins.begin(), proteins.end()), proteins.end());
  }
  return found;
}

PsmSet assemble_psms(const ProteinDatabase& database, const SpectrumStore& store, const SearchOptions& options,
                     const std::vector<SpectrumResult>& results, const core::RunContext& context) {
  PsmSet set;
  std::vector<std::pair<std::uint64_t, std::uint8_t>> sequences;
  for (std::uint32_t s = 0; s < results.size(); ++s) {
    const SpectrumResult& result = results[s];
    if (result.count == 0) continue;
    Psm psm;
    psm.spectrum = s;
    psm.candidate = result.best[0];
    psm.score = psm.candidate.score;
    psm.delta_score = result.count > 1 ? (psm.score - result.best[1].score) / std::max(psm.score, 1e-9) : 1.0;
    psm.compared = result.compared;
    psm.expected_matches =
        static_cast<double>(result.matched_sum) / std::max(1.0, static_cast<double>(result.compared));
    sequences.emplace_back(target_hash(database, psm.candidate), psm.candidate.length);
    set.psms.push_back(std::move(psm));
  }
  core::parallel_for(
      context.threads, set.psms.size(),
      [&](std::size_t i) {
        Psm& psm = set.psms[i];
        const SearchSpectrum& spectrum = store.spectra[psm.spectrum];
        std::array<Residue, kMaxPeptideLength> residues;
        const std::span<Residue> own(residues.data(), psm.candidate.length);
        candidate_residues(database, psm.candidate, options.digestion.enzyme, own);
        const PeptideForm form = candidate_form(own, psm.candidate, options.masses);
        FragmentMatcher matcher(options.fragment);
        matcher.load(store.mz_of(spectrum), store.intensity_of(spectrum));
        psm.detail = matcher.detail(form, fragment_charges(psm.candidate.charge));
        Mass mass = kWater;
        for (std::size_t k = 0; k < form.length; ++k) mass += form.mass[k];
        psm.calculated_mass = to_da(mass);
        const double observed =
            (spectrum.precursor_mz - kProtonDa) * psm.candidate.charge - psm.candidate.isotope * kIsotopeDa;
        psm.precursor_error_ppm = (observed - psm.calculated_mass) / psm.calculated_mass * 1e6;
      },
      &context.interrupt);
  const auto located = locate_sequences(database, sequences, context);
  std::map<std::string, std::uint32_t> class_index;
  for (const Protein& protein : database.proteins()) class_index.emplace(protein.protein_class, 0);
  set.classes.push_back("canonical");
  for (auto& [name, index] : class_index) {
    if (name == "canonical") continue;
    index = static_cast<std::uint32_t>(set.classes.size());
    set.classes.push_back(name);
  }
  for (std::size_t i = 0; i < set.psms.size(); ++i) {
    Psm& psm = set.psms[i];
    psm.proteins = located.at(sequences[i].first);
    psm.peptide_class = static_cast<std::uint32_t>(set.classes.size() - 1);
    for (const std::uint32_t protein : psm.proteins) {
      psm.peptide_class = std::min(psm.peptide_class, class_index.at(database.proteins()[protein].protein_class));
    }
  }
  return set;
}

void assign_confidence(PsmSet& set, const SpectrumStore& store) {
  std::vector<ScoredMatch> matches;
  matches.reserve(set.psms.size());
  for (const Psm& psm : set.psms) {
    // The order of equal scores comes from the sequence and the scan, not from the side it is on.
    const std::uint64_t tie = psm.candidate.identity ^ (store.spectra[psm.spectrum].scan * 0x9E3779B97F4A7C15ULL);
    matches.push_back({psm.score, psm.candidate.is_decoy(), psm.peptide_class, tie, psm.candidate.identity});
  }
  const auto confidence = target_decoy(matches, static_cast<std::uint32_t>(set.classes.size()));
  for (std::size_t i = 0; i < set.psms.size(); ++i) set.psms[i].confidence = confidence[i];
}

std::string peptide_letters(const ProteinDatabase& database, const Candidate& candidate, Enzyme enzyme) {
  if (!candidate.is_decoy()) return std::string(database.letters(candidate.begin, candidate.length));
  std::array<Residue, kMaxPeptideLength> residues;
  candidate_residues(database, candidate, enzyme, {residues.data(), candidate.length});
  std::string letters;
  for (std::size_t i = 0; i < candidate.length; ++i) letters += static_cast<char>('A' + residues[i]);
  return letters;
}

std::string modified_letters(const std::string& letters, const Candidate& candidate, const MassTable& masses) {
  std::string n_end, c_end;
  std::vector<std::string> after(letters.size());
  for (std::size_t i = 0; i < candidate.placed; ++i) {
    const PlacedModification& placed = candidate.placements[i];
    const std::string text = "[" + masses.variable[placed.modification].label + "]";
    if (placed.site == PlacedModification::kNTerminus) {
      n_end = text + "-";
    } else if (placed.site == PlacedModification::kCTerminus) {
      c_end = "-" + text;
    } else {
      after[placed.site] += text;
    }
  }
  std::string out = n_end;
  for (std::size_t i = 0; i < letters.size(); ++i) out += letters[i] + after[i];
  return out + c_end;
}

}  // namespace immucan::peptide
