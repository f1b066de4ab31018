#pragma once
#include <string>

#include "microbiome/database.h"

namespace immucan::microbiome {

/// What a database holds, as JSON: versions, digest, size, parameters, numbers of genomes, species, taxa, bases and
/// k-mers, the host.
[[nodiscard]] std::string database_info(const Database& database);

/// Reads all that a mapped database holds and that loading does not look at: the sampled k-mers and the stored units.
/// 65 where something is wrong.
void check_database(const Database& database, core::RunContext& context);

}  // namespace immucan::microbiome
