#pragma once
// What the report says, section by section, as one HTML file.
#include <string>

#include "biomarker/report_data.h"
#include "core/run_context.h"

namespace immucan::biomarker {

/// The whole page; the same bytes for the same inputs. `context` gives the version and the digests of what was read.
[[nodiscard]] std::string report_page(const ReportData& data, const ReportOptions& options,
                                      const core::RunContext& context);

}  // namespace immucan::biomarker
