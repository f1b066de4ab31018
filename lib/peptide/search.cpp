#include "peptide/search.h"

#include <algorithm>
#include <cmath>

#include "core/ordered_batches.h"
#include "peptide/slab.h"

namespace immucan::peptide {
namespace {

/// How many of each variable modification a peptide carries.
struct Combination {
  std::vector<std::uint8_t> counts;
  Mass delta = 0;
};

std::vector<Combination> combinations(const std::vector<Modification>& variable, int most) {
  std::vector<Combination> all{{std::vector<std::uint8_t>(variable.size(), 0), 0}};
  for (std::size_t m = 0; m < variable.size(); ++m) {
    const std::size_t known = all.size();
    for (std::size_t i = 0; i < known; ++i) {
      int used = 0;
      for (const std::uint8_t count : all[i].counts) used += count;
      Combination next = all[i];
      while (used++ < most) {
        ++next.counts[m];
        next.delta += variable[m].delta;
        all.push_back(next);
      }
    }
  }
  return all;
}

/// A precursor window, moved to the mass of the peptide without variable modifications.
struct Query {
  Mass low = 0, high = 0;
  std::uint32_t spectrum = 0;
  std::uint16_t combination = 0;
  std::uint8_t charge = 0;
  std::int8_t isotope = 0;
};

std::vector<Query> make_queries(const SpectrumStore& store, const SearchOptions& options,
                                const std::vector<Combination>& combos) {
  std::vector<Query> queries;
  for (std::uint32_t s = 0; s < store.spectra.size(); ++s) {
    const SearchSpectrum& spectrum = store.spectra[s];
    for (const int charge : spectrum.charges.empty() ? options.unknown_charges : spectrum.charges) {
      const double neutral = (spectrum.precursor_mz - kProtonDa) * charge;
      const Mass window = to_mass(spectrum.precursor_mz * charge * options.precursor_ppm * 1e-6);
      for (const int isotope : options.isotope_errors) {
        const Mass center = to_mass(neutral - isotope * kIsotopeDa);
        for (std::size_t c = 0; c < combos.size(); ++c) {
          const Mass base = center - combos[c].delta;
          if (base - window <= 0) continue;
          queries.push_back({base - window, base + window, s, static_cast<std::uint16_t>(c),
                             static_cast<std::uint8_t>(charge), static_cast<std::int8_t>(isotope)});
        }
      }
    }
  }
  std::sort(queries.begin(), queries.end(), [](const Query& a, const Query& b) {
    if (a.low != b.low) return a.low < b.low;
    if (a.spectrum != b.spectrum) return a.spectrum < b.spectrum;
    if (a.combination != b.combination) return a.combination < b.combination;
    return a.charge != b.charge ? a.charge < b.charge : a.isotope < b.isotope;
  });
  return queries;
}

constexpr std::uint64_t kDecoySalt = 0xA5A5A5A55A5A5A5AULL;

/// Ties are broken by the sequences' hashes: no side is favoured and the order of arrival does not matter.
bool better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.identity != b.identity) return a.identity < b.identity;
  if (a.charge != b.charge) return a.charge < b.charge;
  if (a.isotope != b.isotope) return std::abs(a.isotope) < std::abs(b.isotope);
  for (std::size_t i = 0; i < kMaxVariableMods; ++i) {
    if (a.placements[i].site != b.placements[i].site) return a.placements[i].site < b.placements[i].site;
  }
  return a.begin < b.begin;
}

void offer(SpectrumResult& result, const Candidate& candidate) {
  std::size_t at = result.count;
  for (std::size_t i = 0; i < result.count; ++i) {
    if (result.best[i].identity != candidate.identity) continue;
    if (!better(candidate, result.best[i])) return;
    at = i;  // the same sequence in a better form: move it up
    break;
  }
  if (at == SpectrumResult::kKept) {
    if (!better(candidate, result.best[at - 1])) return;
    --at;
  } else if (at == result.count) {
    ++result.count;
  }
  while (at > 0 && better(candidate, result.best[at - 1])) {
    result.best[at] = result.best[at - 1];
    --at;
  }
  result.best[at] = candidate;
}

/// Calls `use` with every way to put the combination on the residues; at most kMostForms.
class Placer {
 public:
  static constexpr std::size_t kMostForms = 128;

  Placer(const std::vector<Modification>& variable, const Combination& combination)
      : variable_(variable), combination_(combination) {}

  template <class Use>
  void place(std::span<const Residue> residues, Candidate& candidate, Use&& use) {
    forms_ = 0;
    step(residues, candidate, 0, 0, 0, use);
  }

 private:
  template <class Use>
  void step(std::span<const Residue> residues, Candidate& candidate, std::size_t m, int done, std::size_t from,
            Use& use) {
    if (m == variable_.size()) {
      if (forms_++ < kMostForms) use(candidate);
      return;
    }
    if (done == combination_.counts[m]) {
      step(residues, candidate, m + 1, 0, 0, use);
      return;
    }
    const Modification& modification = variable_[m];
    for (std::size_t site = from; site < residues.size() + 2 && forms_ < kMostForms; ++site) {
      const bool n_end = site == residues.size(), c_end = site == residues.size() + 1;
      if (n_end   ? !modification.n_terminal
          : c_end ? !modification.c_terminal
                  : !modification.residues[residues[site]]) {
        continue;
      }
      const auto code = n_end   ? PlacedModification::kNTerminus
                        : c_end ? PlacedModification::kCTerminus
                                : static_cast<std::uint8_t>(site);
      bool taken = false;
      for (std::size_t i = 0; i < candidate.placed; ++i) taken = taken || candidate.placements[i].site == code;
      if (taken) continue;
      candidate.placements[candidate.placed++] = {code, static_cast<std::uint8_t>(m)};
      step(residues, candidate, m, done + 1, site + 1, use);
      candidate.placements[--candidate.placed] = {};
    }
  }

  const std::vector<Modification>& variable_;
  const Combination& combination_;
  std::size_t forms_ = 0;
};

/// Compares one spectrum with the slab; `queries` are those of the spectrum that reach into it.
class SpectrumScorer {
 public:
  SpectrumScorer(const SearchOptions& options, const std::vector<Combination>& combos)
      : options_(options), combos_(combos), matcher_(options.fragment) {}

  void score(const SpectrumStore& store, const Slab& slab, std::span<const Query> queries, SpectrumResult& result) {
    const SearchSpectrum& spectrum = store.spectra[queries.front().spectrum];
    matcher_.load(store.mz_of(spectrum), store.intensity_of(spectrum));
    for (const Query& query : queries) {
      const auto first = std::lower_bound(slab.mass.begin(), slab.mass.end(), query.low);
      for (auto at = first; at != slab.mass.end() && *at <= query.high; ++at) {
        const SlabPeptide& peptide = slab.peptides[static_cast<std::size_t>(at - slab.mass.begin())];
        const Residue* residues = slab.arena.data() + peptide.residues;
        compare(peptide, {residues, peptide.length}, Candidate::kTarget, query, result);
        if (peptide.attempt < kDecoyAttempts) {
          compare(peptide, {residues + peptide.length, peptide.length}, peptide.attempt, query, result);
        }
      }
    }
  }

 private:
  void compare(const SlabPeptide& peptide, std::span<const Residue> residues, std::uint8_t attempt, const Query& query,
               SpectrumResult& result) {
    Candidate candidate;
    candidate.begin = peptide.begin;
    candidate.length = peptide.length;
    candidate.attempt = attempt;
    candidate.charge = query.charge;
    candidate.isotope = query.isotope;
    if (query.combination == 0) {
      compare_form(peptide, residues, candidate, result);
      return;
    }
    Placer placer(options_.masses.variable, combos_[query.combination]);
    placer.place(residues, candidate,
                 [&](const Candidate& placed) { compare_form(peptide, residues, placed, result); });
  }

  void compare_form(const SlabPeptide& peptide, std::span<const Residue> residues, const Candidate& form,
                    SpectrumResult& result) {
    const PeptideForm masses = candidate_form(residues, form, options_.masses);
    const int charges = fragment_charges(form.charge);
    const int bits = matcher_.count_bits(masses, charges);
    ++result.compared;
    result.matched_sum += static_cast<std::uint64_t>(bits);
    if (bits < options_.min_matched) return;
    const FragmentMatch match = matcher_.match(masses, charges);
    if (match.b + match.y < options_.min_matched) return;
    Candidate candidate = form;
    candidate.score = match.score;
    candidate.identity = form.is_decoy() ? sequence_hash(residues) ^ kDecoySalt : peptide.hash;
    offer(result, candidate);
  }

  const SearchOptions& options_;
  const std::vector<Combination>& combos_;
  FragmentMatcher matcher_;
};

/// Queries that reach into the range, those of one spectrum together.
std::vector<Query> queries_of(const std::vector<Query>& queries, MassRange range, Mass widest) {
  const auto by_low = [](const Query& query, Mass mass) { return query.low < mass; };
  const auto first = std::lower_bound(queries.begin(), queries.end(), range.low - widest, by_low);
  const auto last = std::lower_bound(first, queries.end(), range.high, by_low);
  std::vector<Query> here;
  for (auto at = first; at != last; ++at) {
    if (at->high >= range.low) here.push_back(*at);
  }
  std::stable_sort(here.begin(), here.end(), [](const Query& a, const Query& b) { return a.spectrum < b.spectrum; });
  return here;
}

}  // namespace

void candidate_residues(const ProteinDatabase& database, const Candidate& candidate, Enzyme enzyme,
                        std::span<Residue> residues) {
  const std::span<const Residue> target(database.codes() + candidate.begin, candidate.length);
  if (candidate.is_decoy()) {
    make_decoy(target, sequence_hash(target), enzyme, candidate.attempt, residues);
  } else {
    std::copy(target.begin(), target.end(), residues.begin());
  }
}

PeptideForm candidate_form(std::span<const Residue> residues, const Candidate& candidate, const MassTable& masses) {
  PeptideForm form;
  form.length = residues.size();
  for (std::size_t i = 0; i < residues.size(); ++i) form.mass[i] = masses.residue[residues[i]];
  form.mass[0] += masses.n_terminal;
  form.mass[residues.size() - 1] += masses.c_terminal;
  for (std::size_t i = 0; i < candidate.placed; ++i) {
    const PlacedModification& placed = candidate.placements[i];
    const std::size_t site = placed.site == PlacedModification::kNTerminus   ? 0
                             : placed.site == PlacedModification::kCTerminus ? residues.size() - 1
                                                                             : placed.site;
    form.mass[site] += masses.variable[placed.modification].delta;
  }
  return form;
}

std::vector<SpectrumResult> search(const ProteinDatabase& database, const SpectrumStore& store,
                                   const SearchOptions& options, core::RunContext& context, SearchSummary& summary) {
  constexpr std::size_t kSpectraPerTask = 16;
  const auto combos = combinations(options.masses.variable, options.max_variable_mods);
  const auto queries = make_queries(store, options, combos);
  std::vector<SpectrumResult> results(store.spectra.size());
  if (queries.empty()) return results;
  Mass largest = 0, widest = 0;
  for (const Query& query : queries) {
    largest = std::max(largest, query.high);
    widest = std::max(widest, query.high - query.low);
  }
  MassCoverage coverage(largest);
  for (const Query& query : queries) coverage.add(query.low, query.high);
  const auto slabs = plan_slabs(database, options.digestion, options.masses, coverage, options.slab_peptides, context);
  summary.slabs = slabs.size();
  Slab slab;
  for (std::size_t number = 0; number < slabs.size(); ++number) {
    context.progress.update("searching", number, slabs.size());
    fill_slab(database, options.digestion, options.masses, coverage, slabs[number], context, slab);
    summary.peptides += slab.peptides.size();
    for (const SlabPeptide& peptide : slab.peptides)
      summary.without_decoy += peptide.attempt == kDecoyAttempts ? 1U : 0U;
    const auto here = queries_of(queries, slabs[number], widest);
    std::vector<std::size_t> starts;  // of the spectra in `here`
    for (std::size_t i = 0; i < here.size(); ++i) {
      if (i == 0 || here[i].spectrum != here[i - 1].spectrum) starts.push_back(i);
    }
    starts.push_back(here.size());
    const std::size_t spectra = starts.size() - 1;
    core::parallel_for(
        context.threads, (spectra + kSpectraPerTask - 1) / kSpectraPerTask,
        [&](std::size_t task) {
          SpectrumScorer scorer(options, combos);
          for (std::size_t i = task * kSpectraPerTask; i < std::min(spectra, (task + 1) * kSpectraPerTask); ++i) {
            const std::span<const Query> own(here.data() + starts[i], starts[i + 1] - starts[i]);
            scorer.score(store, slab, own, results[own.front().spectrum]);
          }
        },
        &context.interrupt);
  }
  context.progress.finish();
  for (const SpectrumResult& result : results) summary.compared += result.compared;
  return results;
}

}  // namespace immucan::peptide
