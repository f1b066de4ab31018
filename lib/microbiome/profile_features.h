#pragma once
// What a profile hands on to the cohort and to MultiQC.
#include <string>
#include <string_view>
#include <vector>

#include "io/features_table.h"
#include "microbiome/database.h"
#include "microbiome/profiling.h"
#include "report/multiqc.h"

namespace immucan::microbiome {

/// Every species of the database has an `abundance` (taxonomic; 0 where it was not found, so that samples can be
/// compared) and a `clr` (see centred_log_ratios); `community` has shannon, simpson, pielou, observed_species,
/// unknown_fraction and host_fraction. NA where nothing could be measured.
[[nodiscard]] std::vector<io::FeatureValue> profile_features(const Database& database, const SampleProfile& profile,
                                                             std::string_view sample_id, std::string_view specimen);

[[nodiscard]] report::QcFragment profile_quality(const Database& database, const SampleProfile& profile,
                                                 const std::string& sample_id);

}  // namespace immucan::microbiome
