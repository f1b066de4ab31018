#include "search_options.h"

#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace immucan::tools {
namespace {

using peptide::Modification;

std::vector<Modification> modifications(const std::vector<std::string>& texts, std::string_view option) {
  std::vector<Modification> out;
  for (const std::string& text : texts) {
    const auto modification = peptide::parse_modification(text);
    if (!modification) {
      core::raise_usage(std::string(option) + " '" + core::printable(text) +
                        "' is not a modification. Write residues and mass, for example M+15.9949, STY+79.966331, "
                        "n+42.010565.");
    }
    out.push_back(*modification);
  }
  return out;
}

std::vector<int> isotope_list(const std::string& text) {
  std::vector<int> out;
  for (const std::string_view part : core::split(text, ',')) {
    const auto value = core::parse_int(core::trim(part));
    if (!value || *value < -3 || *value > 5) {
      core::raise_usage("--isotope-errors '" + core::printable(text) +
                        "' is not a list of whole numbers from -3 to 5. Write for example 0,1.");
    }
    out.push_back(static_cast<int>(*value));
  }
  return out;
}

double positive(double value, double most, std::string_view option) {
  if (!(value > 0) || value > most) {
    core::raise_usage(std::string(option) + " must lie above 0 and not above " + core::format_double(most) + " (" +
                      core::format_double(value) + ").");
  }
  return value;
}

int within(std::int64_t value, std::int64_t low, std::int64_t high, std::string_view option) {
  if (value < low || value > high) {
    core::raise_usage(std::string(option) + " must lie from " + std::to_string(low) + " to " + std::to_string(high) +
                      " (" + std::to_string(value) + ").");
  }
  return static_cast<int>(value);
}

}  // namespace

std::string preset_of(const SearchArguments& arguments) {
  if (arguments.preset) return *arguments.preset;
  return arguments.enzyme && *arguments.enzyme == "none" ? "hla1" : "tryptic";
}

void declare_search(cli::OptionSet& set, SearchArguments& arguments) {
  set.group("Input");
  set.inputs("RUN", arguments.runs, "Spectra: mzML or MGF, plain or compressed");
  set.option("-f,--fasta", arguments.databases, "Protein sequences, FASTA; may be given again", true);
  set.group("Output");
  set.output_folder(arguments.output);
  set.option("--sample", arguments.sample, "Sample id of the features table [name of the first run]");
  set.choice("--specimen", arguments.specimen, {"tissue", "blood", "stool", "saliva"}, "Where the sample is from");
  set.flag("--keep-decoys", arguments.keep_decoys, "Write decoy matches too");
  set.group("Algorithm");
  set.option(
      "--preset", arguments.preset,
      "tryptic: trypsin, 7-50 residues, C+57.021464 fixed; hla1: no enzyme, 8-12 residues; hla2: no enzyme, 8-25 "
      "[tryptic; hla1 with --enzyme none]");
  set.option("--enzyme", arguments.enzyme, "none or trypsin");
  set.option("--fixed-mod", arguments.fixed_mods,
             "Fixed modification such as C+57.021464; replaces those of the preset");
  set.option("--variable-mod", arguments.variable_mods,
             "Variable modification such as M+15.9949; replaces those of the preset [M+15.9949]");
  set.flag("--no-mods", arguments.no_mods, "No modifications but those given");
  set.option("--max-variable-mods", arguments.max_variable_mods, "Variable modifications per peptide, 0 to 4 [2]");
  set.option("--precursor-ppm", arguments.precursor_ppm, "Precursor tolerance, ppm [10; tryptic 20]");
  set.option("--fragment-ppm", arguments.fragment_ppm, "Fragment tolerance, ppm [15; tryptic 20]");
  set.option("--fragment-da", arguments.fragment_da, "Fragment tolerance, Da (ion traps: 0.5)");
  set.option("--isotope-errors", arguments.isotope_errors,
             "13C peaks that may have been isolated instead of the first [0,1; tryptic -1,0,1,2,3]");
  set.option("--min-length", arguments.min_length, "Shortest peptide");
  set.option("--max-length", arguments.max_length, "Longest peptide, at most 60");
  set.option("--missed-cleavages", arguments.missed_cleavages, "Missed cleavages, with an enzyme [2]");
  set.option("--min-peaks", arguments.min_peaks, "Spectra with fewer peaks are left out");
  set.option("--max-peaks", arguments.max_peaks, "Most intense peaks that are used");
  set.option("--min-matched", arguments.min_matched, "Fragments a candidate must match");
  set.flag("--rescore,!--no-rescore", arguments.rescore,
           "Learn from decoys which matches to believe, where there are enough of them");
}

peptide::SearchOptions resolve(const SearchArguments& arguments) {
  const std::string preset = preset_of(arguments);
  if (preset != "tryptic" && preset != "hla1" && preset != "hla2") {
    core::raise_usage("--preset '" + core::printable(preset) + "' is not known. Choose tryptic, hla1 or hla2.");
  }
  if (arguments.enzyme && *arguments.enzyme != "none" && *arguments.enzyme != "trypsin") {
    core::raise_usage("--enzyme '" + core::printable(*arguments.enzyme) + "' is not known. Choose none or trypsin.");
  }
  if (arguments.fragment_ppm && arguments.fragment_da) {
    core::raise_usage("--fragment-ppm and --fragment-da exclude each other. Give one.");
  }
  const bool tryptic = preset == "tryptic";
  peptide::SearchOptions options;
  auto& digestion = options.digestion;
  const std::string enzyme = arguments.enzyme.value_or(tryptic ? "trypsin" : "none");
  digestion.enzyme = enzyme == "trypsin" ? peptide::Enzyme::kTrypsin : peptide::Enzyme::kNone;
  const int longest = tryptic ? 50 : preset == "hla2" ? 25 : 12;
  digestion.min_length = within(arguments.min_length.value_or(tryptic ? 7 : 8), 5, 60, "--min-length");
  digestion.max_length = within(arguments.max_length.value_or(longest), 5, 60, "--max-length");
  if (digestion.min_length > digestion.max_length) {
    core::raise_usage("--min-length " + std::to_string(digestion.min_length) + " exceeds --max-length " +
                      std::to_string(digestion.max_length) + ".");
  }
  digestion.missed_cleavages = within(arguments.missed_cleavages.value_or(2), 0, 10, "--missed-cleavages");
  std::vector<std::string> fixed = arguments.fixed_mods, variable = arguments.variable_mods;
  if (!arguments.no_mods) {
    if (fixed.empty() && tryptic) fixed = {"C+57.021464"};
    if (variable.empty()) variable = {"M+15.9949"};
  }
  options.masses = peptide::MassTable(modifications(fixed, "--fixed-mod"), modifications(variable, "--variable-mod"));
  for (std::size_t code = 0; code < peptide::kResidueCodes; ++code) {
    if (peptide::residue_mass(static_cast<peptide::Residue>(code)) > 0 && options.masses.residue[code] <= 0) {
      core::raise_usage("--fixed-mod makes the mass of residue " + std::string(1, static_cast<char>('A' + code)) +
                        " negative.");
    }
  }
  options.max_variable_mods = within(arguments.max_variable_mods.value_or(2), 0,
                                     static_cast<std::int64_t>(peptide::kMaxVariableMods), "--max-variable-mods");
  options.precursor_ppm = positive(arguments.precursor_ppm.value_or(tryptic ? 20 : 10), 1000, "--precursor-ppm");
  options.fragment.ppm = positive(arguments.fragment_ppm.value_or(tryptic ? 20 : 15), 1000, "--fragment-ppm");
  options.fragment.da = arguments.fragment_da ? positive(*arguments.fragment_da, 2, "--fragment-da") : 0;
  options.isotope_errors = isotope_list(arguments.isotope_errors.value_or(tryptic ? "-1,0,1,2,3" : "0,1"));
  options.preparation.min_peaks = static_cast<std::size_t>(within(arguments.min_peaks, 1, 1000, "--min-peaks"));
  options.preparation.max_peaks = static_cast<std::size_t>(within(arguments.max_peaks, 10, 10000, "--max-peaks"));
  options.min_matched = within(arguments.min_matched, 1, 50, "--min-matched");
  return options;
}

}  // namespace immucan::tools
