#pragma once
// MultiQC custom-content fragments (*_mqc.json): one small table of metrics for one sample, read back by our own
// report.
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"

namespace immucan::report {

struct QcMetric {
  std::string name;         ///< snake_case key, the same for every sample
  std::string title;        ///< column heading
  std::string description;  ///< what it is, with its unit
  double value = 0;
};

/// `id`: tool and command in snake_case, e.g. "scrna_count". NaN values are left out.
[[nodiscard]] std::string multiqc_fragment(std::string_view id, std::string_view section_name,
                                           std::string_view sample_id, const std::vector<QcMetric>& metrics);

struct QcFragment {
  std::string id, section_name, sample_id;
  std::vector<QcMetric> metrics;
};

/// What a command with an output folder leaves for MultiQC: SAMPLE.ID_mqc.json and, once per folder,
/// TOOL_mqc_versions.yml, from which MultiQC lists the software versions.
void add_qc(core::OutputSet& outputs, const QcFragment& fragment);

/// Reads a fragment written by multiqc_fragment; 65 on anything else. `name` is for the message.
[[nodiscard]] std::vector<QcFragment> parse_multiqc_fragment(std::string_view json, std::string_view name);

}  // namespace immucan::report
