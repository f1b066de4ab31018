#pragma once
// Scores of the panel whose gene tables come from the user: the immunophenoscore and TIDE.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "biomarker/io_panel.h"
#include "io/tsv.h"

namespace immucan::biomarker {

struct IpsItem {
  std::string name, group;  ///< group: MHC, CP, EC or SC
  double weight = 1;
  std::vector<std::string> genes;
};
/// Columns gene_name, name, class, weight (Charoentong et al. 2017); 65 on other classes or two weights of one item.
[[nodiscard]] std::vector<IpsItem> read_ips_genes(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] std::vector<IpsItem> read_ips_genes(const io::Table& table);
/// Genes of log2(TPM + 1) are standardised over all genes of their sample; one sample is enough. Rows IPS_MHC, IPS_CP,
/// IPS_EC, IPS_SC, IPS_AZ (their sum) and IPS (0 … 10).
[[nodiscard]] ScoreTable immunophenoscore(const io::MatrixTable& tpm, const std::vector<IpsItem>& items,
                                          const PanelOptions& options);

struct TideModel {
  std::string name;
  std::map<std::string, std::pair<double, double>> genes;  ///< dysfunction, exclusion
  double dysfunction_sd = 1, exclusion_sd = 1;
};
/// Columns gene, dysfunction, exclusion; the row named SD holds the standard deviations.
[[nodiscard]] TideModel read_tide_model(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] TideModel read_tide_model(const io::Table& table);
/// Rows TIDE_dysfunction, TIDE_exclusion, TIDE_CTL (1 or 0) and TIDE; NA with one sample, since each gene's mean over
/// the samples is subtracted.
[[nodiscard]] ScoreTable tide_scores(const io::MatrixTable& tpm, const TideModel& model, const PanelOptions& options,
                                     const core::Log& log);

/// Appends the rows of `more`, a table of the same samples.
void append_rows(ScoreTable& table, const ScoreTable& more);

}  // namespace immucan::biomarker
