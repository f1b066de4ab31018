#pragma once
// Options that the commands of one question share: what is read, and against which outcome.
#include "biomarker/cohort_analysis.h"
#include "biomarker/survival_model.h"
#include "cli/program.h"

namespace immucan::tools {

/// Features, clinical table, samples. Ends within the heading "Input", so that a command can add its own.
void declare_cohort_input(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options);
void declare_visit(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options);
void declare_response(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options);
/// Follow-up, its event and the landmark.
void declare_survival(cli::OptionSet& set, biomarker::CohortAnalysisOptions& options);
/// The table and its follow-up. Ends within the heading "Input".
void declare_survival_table(cli::OptionSet& set, biomarker::SurvivalTableOptions& options);
void declare_ties(cli::OptionSet& set, std::string& ties);

}  // namespace immucan::tools
