#pragma once
// One sample as a page to look at: what became of the reads, who is there, and how sure that is.
#include <string>
#include <string_view>

#include "microbiome/database.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

/// HTML without any request to elsewhere.
[[nodiscard]] std::string profile_page(const Database& database, const SampleProfile& profile,
                                       std::string_view sample_id, std::string_view program);

}  // namespace immucan::microbiome
