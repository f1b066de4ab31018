#pragma once
// Everything a report speaks about, read and joined: cohort, features of one visit, association tables, quality
// metrics.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "biomarker/cohort_features.h"
#include "core/run_context.h"
#include "io/samples_table.h"
#include "io/tsv.h"
#include "report/multiqc.h"

namespace immucan::biomarker {

struct ReportOptions {
  std::filesystem::path features, clinical, samples, output;
  std::optional<std::filesystem::path> response_associations, survival_associations, interactions;
  std::vector<std::filesystem::path> qc;  ///< folders searched for *_mqc.json
  std::string title = "Biomarker report";
  std::string visit = "naive";
  std::string aggregate = "refuse";
  std::string response = "response", time = "os_days", event = "os_event", arm = "arm";
  double fdr = 0.05;
  std::int64_t top = 15;  ///< features in the ranked figures and the heatmap
};

/// A row of an association table; NaN = NA or a column that the table does not have.
struct AssociationRow {
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::string feature, test, flag, claim, arm_reference, arm_other;
  bool randomised = false;
  double n = kNan, effect = kNan, lower = kNan, upper = kNan, p = kNan, fdr = kNan;
  double responders = kNan, nonresponders = kNan, median_responders = kNan, median_nonresponders = kNan;
  double auc = kNan, auc_lower = kNan, auc_upper = kNan;
  double events = kNan;
  double interaction = kNan, p_interaction = kNan, fdr_interaction = kNan;
  double effect_reference = kNan, lower_reference = kNan, upper_reference = kNan;
  double effect_other = kNan, lower_other = kNan, upper_other = kNan;
  double batch_p = kNan, p_batch_adjusted = kNan;

  [[nodiscard]] bool confounded() const { return flag.find("batch_confounded") != std::string::npos; }
};
/// 65 on a missing column, text where a number is needed, a feature twice. Order of the file is kept.
[[nodiscard]] std::vector<AssociationRow> read_associations(const std::filesystem::path& path,
                                                            core::RunContext& context);

enum class Response : std::uint8_t { kResponder, kNonResponder, kUnknown };

struct ReportData {
  io::Table clinical;
  std::vector<io::Sample> samples;
  CohortFeatures cohort;
  // Of each row of clinical.tsv.
  std::vector<Response> response;
  std::vector<double> time;  ///< NaN = not known
  std::vector<std::uint8_t> event;
  std::vector<std::string> arm;        ///< empty = not known
  std::vector<std::uint8_t> sampled;   ///< has a sample of the visit
  std::vector<std::uint8_t> measured;  ///< has features of the visit
  bool has_survival = false;
  std::vector<AssociationRow> by_response, by_survival, interactions;
  std::vector<report::QcFragment> qc;
};
[[nodiscard]] ReportData read_report_data(const ReportOptions& options, core::RunContext& context);

/// What a feature is called on the page.
struct FeatureLabel {
  std::string name;      ///< "CXCL13, tissue"
  std::string modality;  ///< "scrna", empty where the name has another form
  std::string measure;   ///< "expression, ln(1 + CPM)"
};
[[nodiscard]] FeatureLabel feature_label(const std::string& feature);
/// "CyTOF", "scRNA-seq", "HLA peptides", "microbiome", else the word itself.
[[nodiscard]] std::string modality_name(const std::string& modality);
/// A fixed colour per modality.
[[nodiscard]] std::string modality_colour(const std::string& modality);

}  // namespace immucan::biomarker
