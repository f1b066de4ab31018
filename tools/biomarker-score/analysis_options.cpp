#include "analysis_options.h"

namespace immucan::tools {

void declare_cohort_input(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options) {
  set.group("Input");
  set.option("--features", options.cohort.features,
             "Long table (sample_id, feature, value), or wide: names in the first column, then samples", true);
  set.option("--clinical", options.clinical, "clinical.tsv, one row per patient", true);
  set.option("--samples", options.cohort.samples, "samples.tsv; without it sample_id must equal patient_id");
  set.choice("--aggregate", options.cohort.aggregate, {"refuse", "mean", "first"},
             "Two samples with one feature of a patient and visit");
}

void declare_visit(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options) {
  set.option("--visit", options.cohort.visit, "The one visit that is analysed");
}

void declare_response(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options) {
  set.group("Outcome");
  set.option("--response", options.outcome.response, "Column of clinical.tsv: R or NR");
}

void declare_survival(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options) {
  set.group("Outcome");
  set.option("--time", options.outcome.time, "Column of clinical.tsv: follow-up");
  set.option("--event", options.outcome.event, "Column of clinical.tsv: 1 event, 0 end of follow-up");
  set.option("--landmark", options.outcome.landmark,
             "Survival: leave out patients whose follow-up ended by this time, and count from it");
}

void declare_survival_table(cli::OptionSet& set, biomarker::SurvivalTableOptions& options) {
  set.group("Input");
  set.input("TABLE", options.table, "Table with a header");
  set.option("--time", options.time, "Column: follow-up; with --start the end of the interval", true);
  set.option("--event", options.event, "Column: 1 event, 0 end of follow-up", true);
}

void declare_ties(cli::OptionSet& set, std::string& ties) {
  set.choice("--ties", ties, {"efron", "breslow", "exact"}, "Survival: tied times");
}

}  // namespace immucan::tools
