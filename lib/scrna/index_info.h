#pragma once
#include <string>

#include "scrna/reference_index.h"

namespace immucan::scrna {

/// What an index holds, as JSON: versions, digest, parameters, chromosomes with their lengths, numbers of genes,
/// junction contigs, seeds and features.
[[nodiscard]] std::string index_info(const ReferenceIndex& index);

}  // namespace immucan::scrna
