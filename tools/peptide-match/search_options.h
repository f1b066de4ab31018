#pragma once
// What the user may say to `search`, and what it becomes.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/program.h"
#include "peptide/search.h"

namespace immucan::tools {

/// As given on the command line: what is not given comes from the preset.
struct SearchArguments {
  std::vector<std::filesystem::path> databases, runs;
  std::filesystem::path output;
  std::string sample, specimen = "tissue";
  std::optional<std::string> preset, enzyme;
  std::vector<std::string> fixed_mods, variable_mods;
  bool no_mods = false;
  std::optional<double> precursor_ppm, fragment_ppm, fragment_da;
  std::optional<std::string> isotope_errors;
  std::optional<std::int64_t> min_length, max_length, missed_cleavages, max_variable_mods;
  std::int64_t min_peaks = 10, max_peaks = 150, min_matched = 4;
  bool keep_decoys = false, rescore = true;
};

void declare_search(cli::OptionSet& set, SearchArguments& arguments);

/// Preset, then everything given. Usage error (64) on what cannot be.
[[nodiscard]] peptide::SearchOptions resolve(const SearchArguments& arguments);
/// "tryptic" unless --preset or --enzyme none says otherwise.
[[nodiscard]] std::string preset_of(const SearchArguments& arguments);

}  // namespace immucan::tools
