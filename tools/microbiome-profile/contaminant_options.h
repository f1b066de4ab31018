#pragma once
// What 'profile' and 'merge' ask about controls.
#include <filesystem>
#include <optional>
#include <string>

#include "cli/program.h"
#include "microbiome/contaminants.h"

namespace immucan::microbiome_profile {

struct ControlOptions {
  std::optional<std::filesystem::path> table;
  std::string tests = "auto";
  double fdr = 0.05;
};

void declare_controls(ControlOptions& options, cli::OptionSet& set);
/// 64 on a rate that is none.
[[nodiscard]] microbiome::ContaminantOptions contaminant_options(const ControlOptions& options);

}  // namespace immucan::microbiome_profile
