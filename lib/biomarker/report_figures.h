#pragma once
// The pictures of a report, from its data. Orders and cuts are stated beside each function.
#include <string>
#include <vector>

#include "biomarker/report_data.h"

namespace immucan::biomarker {

[[nodiscard]] std::string cohort_flow_figure(const ReportData& data, const ReportOptions& options);
[[nodiscard]] std::string overlap_figure(const ReportData& data, const ReportOptions& options);
/// Patients by the levels of a clinical column, split by response; empty when there is no such column.
[[nodiscard]] std::string composition_figure(const ReportData& data, const std::string& column,
                                             const std::string& title);

/// Features that figures may show: tested, not confounded, in the order of the table; at most `count`.
[[nodiscard]] std::vector<AssociationRow> top_rows(const std::vector<AssociationRow>& rows, std::size_t count);

/// Odds ratios (response) or hazard ratios (survival) per standard deviation, confounded features as open marks.
[[nodiscard]] std::string effect_figure(const std::vector<AssociationRow>& rows, const ReportOptions& options,
                                        bool survival);
/// Values of a feature in responders and non-responders.
[[nodiscard]] std::string strip_figure(const ReportData& data, const AssociationRow& row);
/// Oriented so that the area is at least one half; the subtitle says in which direction.
[[nodiscard]] std::string roc_figure(const ReportData& data, const AssociationRow& row);
/// Above the median against the rest; the median is that of all patients with a value, whatever their outcome.
[[nodiscard]] std::string survival_figure(const ReportData& data, const ReportOptions& options,
                                          const AssociationRow& row, const std::string& arm = {});
/// Hazard ratio per standard deviation in either arm; open marks where the interaction is not below `level`.
[[nodiscard]] std::string interaction_figure(const std::vector<AssociationRow>& rows, double level);
/// z-scores of patients × features; responders first, then by the mean of the z-scores signed by direction.
[[nodiscard]] std::string heatmap_figure(const ReportData& data, const ReportOptions& options,
                                         const std::vector<AssociationRow>& rows);

}  // namespace immucan::biomarker
