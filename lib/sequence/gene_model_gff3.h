#pragma once
#include "io/gtf.h"
#include "sequence/gene_model.h"

namespace immucan::sequence {

/// The rest of a GFF3 file whose first row is in `row`.
[[nodiscard]] GeneModel read_gff3_model(io::GtfReader& reader, io::GtfRow& row);

}  // namespace immucan::sequence
