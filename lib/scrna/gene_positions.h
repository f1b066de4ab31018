#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/tenx.h"

namespace immucan::scrna {

struct GenePosition {
  std::string chromosome;
  std::uint64_t start = 0;
};

/// Where genes lie, by id and by name. Of two genes of one name the first counts.
using GenePositions = std::unordered_map<std::string, GenePosition>;

/// A table with the columns `gene`, `chromosome` and `start` (a whole number, 0 or more). 65 on a missing value, a gene
/// twice, or no row.
[[nodiscard]] GenePositions read_gene_positions(std::unique_ptr<io::ByteSource> source);
/// Ids and names of a GTF.
[[nodiscard]] GenePositions positions_of_annotation(const std::filesystem::path& gtf, core::RunContext& context);
/// Ids and names of an index made by `scrna-count index`.
[[nodiscard]] GenePositions positions_of_index(const std::filesystem::path& index, core::RunContext& context);

/// Of each feature, by its id, else its name.
[[nodiscard]] std::vector<std::optional<GenePosition>> positions_of_features(
    const GenePositions& positions, const std::vector<io::TenxFeature>& features);

}  // namespace immucan::scrna
