#pragma once
// Population counts, fractions and marker medians of one sample by a tree of gates.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"

namespace immucan::cytof {

struct PhenotypeOptions {
  std::vector<std::filesystem::path> files;  ///< of one sample
  std::filesystem::path gates;
  std::string sample;  ///< empty: from the first file's name
  std::string specimen = "blood";
  std::string beads = "none";       ///< none, auto, dvs, beta, or masses: beads that are still in the file
  std::optional<double> least_dna;  ///< arcsinh(x/5) of DNA below which an event is debris
  std::string offsets = "auto";
};

struct PopulationResult {
  std::string name, parent;  ///< parent empty = root
  std::uint64_t count = 0, parent_count = 0;
  std::vector<std::optional<double>> medians;  ///< arcsinh(x/5), one per marker
};

struct PhenotypeResult {
  std::string sample;
  std::uint64_t events = 0, beads = 0, debris = 0, cells = 0;
  std::vector<std::string> markers;
  std::vector<PopulationResult> populations;
};

/// Reads the files four times at most (gate, and three times for exact medians); memory does not depend on the events.
[[nodiscard]] PhenotypeResult phenotype_files(const PhenotypeOptions& options, core::RunContext& context);

/// --sample, else the first file's name; usage error for what cannot be part of a file name.
[[nodiscard]] std::string phenotype_sample_id(const PhenotypeOptions& options);

/// SAMPLE.features.tsv, SAMPLE.populations.tsv, SAMPLE.cytof_phenotype_mqc.json.
void write_phenotype(const PhenotypeResult& result, const PhenotypeOptions& options, core::OutputSet& outputs);

}  // namespace immucan::cytof
