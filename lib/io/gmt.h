#pragma once
// Gene sets: GMT (one set per line: name, description, genes) or a long table with the columns `set` and `gene`.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

struct GeneSet {
  std::string name, description;
  std::vector<std::string> genes;  ///< distinct, in the order of the file
};

struct GeneSets {
  std::string file;
  std::vector<GeneSet> sets;
  std::size_t repeated_genes = 0;  ///< genes named twice in one set, kept once
};

/// 65 on a line with fewer than three columns, a missing or repeated set name, an empty or missing gene between others,
/// control characters, or a file without sets. Empty fields at the end of a line are ignored.
[[nodiscard]] GeneSets read_gene_sets(std::unique_ptr<ByteSource> source);
[[nodiscard]] GeneSets read_gene_sets(const std::filesystem::path& path, core::RunContext& context);

}  // namespace immucan::io
