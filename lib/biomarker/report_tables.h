#pragma once
// The tables of a report.
#include <vector>

#include "biomarker/report_data.h"
#include "report/html_page.h"

namespace immucan::biomarker {

[[nodiscard]] report::HtmlTable response_table(const std::vector<AssociationRow>& rows, double level);
[[nodiscard]] report::HtmlTable survival_table(const std::vector<AssociationRow>& rows, double level);
[[nodiscard]] report::HtmlTable interaction_table(const std::vector<AssociationRow>& rows, double level);
/// Batches of each modality against response, samples of the visit.
[[nodiscard]] report::HtmlTable batch_table(const ReportData& data, const ReportOptions& options);
/// One table per tool; values beyond five robust standard deviations of the others stand out.
[[nodiscard]] std::vector<report::HtmlTable> qc_tables(const std::vector<report::QcFragment>& fragments);
[[nodiscard]] report::HtmlTable input_table(const std::vector<core::FileRecord>& inputs);

}  // namespace immucan::biomarker
