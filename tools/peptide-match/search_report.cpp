#include "search_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_set>

#include "core/text.h"
#include "io/features_table.h"
#include "report/multiqc.h"

namespace immucan::tools {
namespace {

using peptide::Psm;

/// Text of a field: a tab or a line end would break the table.
std::string field(std::string text) {
  for (char& c : text) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::string names_of(const peptide::ProteinDatabase& database, const Psm& psm) {
  std::string out;
  for (const std::uint32_t protein : psm.proteins) {
    if (!out.empty()) out += ';';
    if (psm.candidate.is_decoy()) out += "DECOY_";
    out += database.proteins()[protein].accession;
  }
  return out;
}

std::set<std::string> genes_of(const peptide::ProteinDatabase& database, const Psm& psm) {
  std::set<std::string> genes;
  for (const std::uint32_t protein : psm.proteins) genes.insert(database.proteins()[protein].gene);
  return genes;
}

double rounded(double value, double scale) {
  return std::round(value * scale) / scale;
}

}  // namespace

SearchCounts count_matches(const SearchOutcome& outcome) {
  SearchCounts counts;
  counts.peptides_of_class.assign(outcome.set.classes.size(), 0);
  std::unordered_set<std::uint64_t> peptides;
  std::vector<double> errors;
  for (const Psm& psm : outcome.set.psms) {
    if (psm.candidate.is_decoy()) continue;
    ++counts.matches;
    if (psm.confidence.q_value <= kReportFdr) {
      ++counts.matches_1pct;
      errors.push_back(psm.precursor_error_ppm);
    }
    if (psm.confidence.peptide_q_value <= kReportFdr && peptides.insert(psm.candidate.identity).second) {
      ++counts.peptides_1pct;
      ++counts.peptides_of_class[psm.peptide_class];
    }
  }
  counts.median_error_ppm = std::numeric_limits<double>::quiet_NaN();
  if (!errors.empty()) {
    std::sort(errors.begin(), errors.end());
    counts.median_error_ppm = (errors[(errors.size() - 1) / 2] + errors[errors.size() / 2]) / 2;
  }
  return counts;
}

void write_psms(core::OutputFile& out, const SearchOutcome& outcome, bool keep_decoys) {
  out.write(
      "run\tscan\tcharge\tpeptide\tmodified_peptide\tproteins\tclass\tscore\tq_value\tpep\tis_decoy\tpeptide_q_value\t"
      "genes\thyperscore\tdelta_score\tprecursor_mz\tcalculated_mass\tprecursor_error_ppm\tisotope_error\t"
      "retention_seconds\tmatched_b\tmatched_y\texplained_intensity\tfragment_error_ppm\tspectrum_id\n");
  std::string line;
  for (const Psm& psm : outcome.set.psms) {
    if (psm.candidate.is_decoy() && !keep_decoys) continue;
    const auto& spectrum = outcome.store.spectra[psm.spectrum];
    const std::string letters =
        peptide::peptide_letters(outcome.database, psm.candidate, outcome.options.digestion.enzyme);
    line.clear();
    const auto text = [&](std::string_view value) {
      line += value;
      line += '\t';
    };
    const auto number = [&](double value) { text(core::format_double(value)); };
    text(field(outcome.store.runs[spectrum.run]));
    text(std::to_string(spectrum.scan));
    text(std::to_string(psm.candidate.charge));
    text(letters);
    text(peptide::modified_letters(letters, psm.candidate, outcome.options.masses));
    text(field(names_of(outcome.database, psm)));
    text(field(outcome.set.classes[psm.peptide_class]));
    number(rounded(psm.score, 1e6));
    number(psm.confidence.q_value);
    number(psm.confidence.pep);
    text(psm.candidate.is_decoy() ? "1" : "0");
    number(psm.confidence.peptide_q_value);
    std::string genes;
    for (const std::string& gene : genes_of(outcome.database, psm)) genes += (genes.empty() ? "" : ";") + gene;
    text(field(genes));
    number(rounded(psm.candidate.score, 1e6));
    number(rounded(psm.delta_score, 1e6));
    number(spectrum.precursor_mz);
    number(rounded(psm.calculated_mass, 1e6));
    number(rounded(psm.precursor_error_ppm, 1e4));
    text(std::to_string(psm.candidate.isotope));
    number(spectrum.retention_seconds);
    text(std::to_string(psm.detail.match.b));
    text(std::to_string(psm.detail.match.y));
    number(rounded(psm.detail.explained, 1e6));
    number(rounded(psm.detail.mean_error_ppm, 1e4));
    line += field(spectrum.id);
    line += '\n';
    out.write(line);
  }
}

void write_search_features(core::OutputFile& out, const SearchOutcome& outcome, const SearchCounts& counts,
                           const std::string& sample, const std::string& specimen) {
  std::map<std::string, double> values;
  values[io::feature_name("peptide", specimen, "neoantigen", "count")] = 0;
  for (std::size_t i = 0; i < outcome.set.classes.size(); ++i) {
    const std::string& name = outcome.set.classes[i];
    values[io::feature_name("peptide", specimen, name == "variant" ? "neoantigen" : name, "count")] =
        static_cast<double>(counts.peptides_of_class[i]);
  }
  std::map<std::string, std::uint64_t> of_gene;
  for (const peptide::Protein& protein : outcome.database.proteins()) {
    of_gene[io::feature_name("peptide", specimen, protein.gene, "log1p_psms")];
  }
  for (const Psm& psm : outcome.set.psms) {
    if (psm.candidate.is_decoy() || psm.confidence.q_value > kReportFdr) continue;
    for (const std::string& gene : genes_of(outcome.database, psm)) {
      ++of_gene[io::feature_name("peptide", specimen, gene, "log1p_psms")];
    }
  }
  std::vector<io::FeatureValue> rows;
  for (const auto& [feature, value] : values) rows.push_back({sample, feature, value});
  for (const auto& [feature, psms] : of_gene) {
    rows.push_back({sample, feature, std::log1p(static_cast<double>(psms))});
  }
  io::write_features(out, std::move(rows));
}

report::QcFragment search_qc(const SearchOutcome& outcome, const SearchCounts& counts, const std::string& sample) {
  const double searched = static_cast<double>(outcome.store.spectra.size());
  const auto& classes = outcome.set.classes;
  const auto variant = std::find(classes.begin(), classes.end(), "variant");
  const double variants =
      variant == classes.end()
          ? 0
          : static_cast<double>(counts.peptides_of_class[static_cast<std::size_t>(variant - classes.begin())]);
  return {"peptide_match",
          "Peptide search",
          sample,
          {{"ms2_spectra", "MS2", "Fragment spectra read", static_cast<double>(outcome.store.ms2)},
           {"searched", "Searched", "Fragment spectra with precursor and enough peaks", searched},
           {"psms_1pct", "PSMs", "Matches at 1 % FDR", static_cast<double>(counts.matches_1pct)},
           {"identified_fraction", "Identified", "Share of searched spectra with a match at 1 % FDR",
            static_cast<double>(counts.matches_1pct) / searched},
           {"peptides_1pct", "Peptides", "Distinct sequences at 1 % peptide-level FDR",
            static_cast<double>(counts.peptides_1pct)},
           {"variant_peptides_1pct", "Variant peptides", "Distinct sequences of class variant at 1 % class-wise FDR",
            variants},
           {"median_error_ppm", "Mass error", "Median precursor error of matches at 1 % FDR, ppm",
            counts.median_error_ppm}}};
}

}  // namespace immucan::tools
