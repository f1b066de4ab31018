#include "simulate/peptide.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "simulate/names.h"
#include "simulate/spectrum.h"

namespace immucan::simulate {
namespace {

constexpr std::string_view kResidues = "LSEAGVKTPRDIQNFYHMCW";
/// Composition of human proteins in per mille, in the order of kResidues.
constexpr std::array<double, 20> kComposition = {100, 83, 71, 70, 66, 60, 57, 53, 63, 56,
                                                 47,  43, 48, 36, 36, 27, 26, 21, 23, 12};

/// Anchors of six common alleles: residues allowed at position 2 and at the last one.
struct Motif {
  std::string_view second, last;
};
constexpr std::array<Motif, 6> kMotifs = {
    {{"LM", "VLI"}, {"TS", "Y"}, {"LVT", "KR"}, {"P", "LM"}, {"E", "FYWL"}, {"RY", "LYF"}}};
constexpr std::array<std::size_t, 4> kLengths = {8, 9, 10, 11};
constexpr std::size_t kFlank = 10;
/// Variants of a patient in the FASTA beyond those presented.
constexpr std::size_t kSilentVariants = 4;

bool fits(std::string_view peptide, const Motif& motif) {
  return motif.second.find(peptide[1]) != std::string_view::npos &&
         motif.last.find(peptide.back()) != std::string_view::npos;
}

bool is_planted(std::string_view gene) {
  return std::any_of(planted_features().begin(), planted_features().end(), [&](const PlantedFeature& feature) {
    return feature.modality == "peptide" && feature.entity == gene;
  });
}

double feature_level(const Cohort& cohort, const SamplePlan& sample, std::string_view entity) {
  for (const PlantedFeature& feature : planted_features()) {
    if (feature.modality == "peptide" && feature.entity == entity) return sample_level(cohort, sample, feature.feature);
  }
  return 0;
}

/// Spectra like those of peptides, but of none that a database holds: what the estimate of false matches is made for.
std::string foreign_peptide(core::Random& random) {
  std::string peptide(kLengths[random.below(kLengths.size())], 'A');
  for (char& residue : peptide) residue = kResidues[random.categorical(kComposition)];
  return peptide;
}

/// Abundance of a gene's peptides before patient noise: a long tail, most genes seldom seen.
double base_abundance(std::string_view gene) {
  core::Random random = stream(0, fmt::format("abundance {}", gene));
  return random.lognormal(0, 1.2);
}

}  // namespace

Proteome::Proteome(const Cohort& cohort) {
  core::Random random = stream(cohort.options.seed, "reference proteome");
  const auto add = [&](std::string_view gene) {
    std::string sequence = "M";
    const std::size_t length = 150 + random.below(350);
    while (sequence.size() < length) sequence += kResidues[random.categorical(kComposition)];
    proteins_.push_back({gene, std::move(sequence)});
  };
  for (const GeneName& gene : genes()) add(gene.name);
  for (const std::string_view gene : further_genes()) add(gene);
  for (std::size_t patient = 0; patient < cohort.patients.size(); ++patient) {
    core::Random typing = stream(cohort.options.seed, fmt::format("hla {}", patient));
    std::vector<std::size_t> all = {0, 1, 2, 3, 4, 5};
    typing.shuffle(std::span(all));
    all.resize(4);
    alleles_.push_back(std::move(all));
    draw_variants(cohort, patient);
  }
}

std::vector<std::string> Proteome::ligands(std::string_view sequence, std::size_t patient) const {
  std::vector<std::string> found;
  for (const std::size_t length : kLengths) {
    for (std::size_t i = 0; i + length <= sequence.size(); ++i) {
      const std::string_view peptide = sequence.substr(i, length);
      if (std::any_of(alleles_[patient].begin(), alleles_[patient].end(),
                      [&](std::size_t allele) { return fits(peptide, kMotifs[allele]); })) {
        found.emplace_back(peptide);
      }
    }
  }
  return found;
}

/// As many presented variants as the patient's level asks for (and some in reserve for other visits), none shared.
void Proteome::draw_variants(const Cohort& cohort, std::size_t patient) {
  core::Random random = stream(cohort.options.seed, fmt::format("variants {}", patient));
  double level = 0;
  for (std::size_t k = 0; k < planted_features().size(); ++k) {
    if (planted_features()[k].entity == "neoantigen") level = cohort.patients[patient].levels[k];
  }
  const auto wanted = static_cast<std::size_t>(std::lround(level));
  std::vector<Variant> variants;
  std::size_t silent = 0;
  while (variants.size() < wanted + silent || silent < kSilentVariants) {
    Variant variant{.protein = random.below(proteins_.size()), .position = 0, .to = 'A', .window = {}, .ligands = {}};
    const std::string& sequence = proteins_[variant.protein].sequence;
    variant.position = kFlank + random.below(sequence.size() - 2 * kFlank);
    variant.to = kResidues[random.below(kResidues.size())];
    const char from = sequence[variant.position];
    // Leucine and isoleucine weigh the same: a spectrum cannot tell such a variant from the wild type.
    if (variant.to == from || (variant.to == 'I' && from == 'L') || (variant.to == 'L' && from == 'I')) continue;
    variant.window = sequence.substr(variant.position - kFlank, 2 * kFlank + 1);
    variant.window[kFlank] = variant.to;
    for (std::string& peptide : ligands(variant.window, patient)) {
      const std::size_t at = variant.window.find(peptide);
      if (at <= kFlank && kFlank < at + peptide.size()) variant.ligands.push_back(std::move(peptide));
    }
    if (variant.ligands.empty()) {
      if (silent == kSilentVariants) continue;
      ++silent;
    } else if (variants.size() == wanted + silent) {
      continue;
    }
    variants.push_back(std::move(variant));
  }
  variants_.push_back(std::move(variants));
}

SimulatedFile Proteome::file() const {
  std::string out;
  for (std::size_t i = 0; i < proteins_.size(); ++i) {
    append_fasta(
        out,
        fmt::format("sim|SIMP{:05}|{}_HUMAN synthetic sequence GN={}", i + 1, proteins_[i].gene, proteins_[i].gene),
        proteins_[i].sequence);
  }
  std::size_t number = 0;
  for (const std::vector<Variant>& variants : variants_) {
    for (const Variant& variant : variants) {
      const Protein& protein = proteins_[variant.protein];
      append_fasta(
          out,
          fmt::format("sim|SIMV{:05}|{}_{}{}{} synthetic variant window GN={} class=variant", ++number, protein.gene,
                      protein.sequence[variant.position], variant.position + 1, variant.to, protein.gene),
          variant.window);
    }
  }
  return {"reference/proteome.fasta", out};
}

SimulatedFile Proteome::simulate(const Cohort& cohort, const SamplePlan& sample) const {
  const Sizes size = sizes(cohort.options);
  core::Random random = stream(cohort.options.seed, sample.id);
  std::vector<std::string> peptides;

  // Planted genes first; the others fill up to a total that does not depend on them.
  const auto total = static_cast<std::size_t>(std::lround(size.canonical_spectra * random.lognormal(0, 0.15)));
  std::vector<double> weights;
  std::vector<std::vector<std::string>> presented;
  for (const Protein& protein : proteins_) {
    presented.push_back(ligands(protein.sequence, sample.patient));
    const bool planted = is_planted(protein.gene);
    weights.push_back(planted || presented.back().empty() ? 0
                                                          : base_abundance(protein.gene) * random.lognormal(0, 0.3));
    if (!planted || presented.back().empty()) continue;
    const std::uint64_t spectra = random.poisson(feature_level(cohort, sample, protein.gene));
    for (std::uint64_t k = 0; k < spectra; ++k)
      peptides.push_back(presented.back()[random.below(presented.back().size())]);
  }
  while (peptides.size() < total) {
    const std::vector<std::string>& choice = presented[random.categorical(weights)];
    peptides.push_back(choice[random.below(choice.size())]);
  }
  for (const Variant& variant : variants_[sample.patient]) {
    if (!variant.ligands.empty()) peptides.push_back(variant.ligands[random.below(variant.ligands.size())]);
  }

  for (std::size_t k = 0; k < size.foreign_spectra; ++k) peptides.push_back(foreign_peptide(random));
  std::vector<Spectrum> spectra;
  for (const std::string& peptide : peptides) spectra.push_back(peptide_spectrum(random, peptide));
  for (std::size_t k = 0; k < size.noise_spectra; ++k) spectra.push_back(noise_spectrum(random));
  std::stable_sort(spectra.begin(), spectra.end(),
                   [](const Spectrum& a, const Spectrum& b) { return a.retention_minutes < b.retention_minutes; });
  return {raw_files(sample)[0].path, gzip(mzml(spectra, sample.id))};
}

}  // namespace immucan::simulate
