// The first byte chooses: a controls table, a profile to merge, a summary.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "microbiome/contaminants.h"
#include "microbiome/profile_merge.h"

using namespace immucan;

namespace {

void check_controls(const std::vector<microbiome::ControlRow>& rows) {
  for (const auto& row : rows)
    if (row.sample_id.empty() || row.control.empty() || (row.concentration && !(*row.concentration > 0))) std::abort();
  // Whatever the table says, p is a probability or nothing.
  std::vector<std::vector<double>> shares(3, std::vector<double>(rows.size()));
  for (std::size_t s = 0; s < rows.size(); ++s) {
    shares[0][s] = static_cast<double>(s % 5) / 10;
    shares[1][s] = static_cast<double>(s * 7 % 3) / 10;
    shares[2][s] = 1 - shares[0][s] - shares[1][s];
  }
  try {
    for (const auto& score : microbiome::score_contaminants(shares, rows, {}))
      for (const double p : {score.p, score.fdr, score.p_frequency, score.p_prevalence, score.p_enrichment,
                             score.decontam_frequency, score.decontam_prevalence})
        if (!std::isnan(p) && !(p >= -1e-9 && p <= 1 + 1e-9)) std::abort();
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kUsage) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] % 3 == 0) check_controls(microbiome::read_controls(io::open_memory(text)));
    if (data[0] % 3 == 1) {
      auto table = microbiome::read_profile_table(io::open_memory(text), "species");
      table.sample.id = "s";
      const std::size_t rows = table.rows.size();
      const auto merged = microbiome::merge_tables({std::move(table)});
      if (merged.taxa.size() != rows || merged.taxonomic_abundance.size() != rows) std::abort();
      (void)microbiome::merged_tsv(merged, microbiome::Measure::kDetectionLimit);
    }
    if (data[0] % 3 == 2) {
      microbiome::MergedSample sample;
      microbiome::read_summary(text, "s", sample);
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
