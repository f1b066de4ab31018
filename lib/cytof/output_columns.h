#pragma once
// Columns of an FCS file that is written from the columns of another.
#include <cstddef>
#include <vector>

#include "core/run_context.h"
#include "io/fcs.h"
#include "io/fcs_writer.h"

namespace immucan::cytof {

/// All columns of a data set with the $PnR that it stores.
[[nodiscard]] std::vector<io::FcsColumn> same_columns(const io::FcsDataset& set);

/// kFloat where float32 holds every value that the data set can hold (float32, integers of up to 24 bits), else
/// kDouble.
[[nodiscard]] io::FcsType exact_type(const io::FcsDataset& set);

struct ColumnRange {
  double lowest, highest;  ///< +infinity and -infinity where there is no event
};
/// Of every column, or of those listed, in one reading. NaN is passed over.
[[nodiscard]] std::vector<ColumnRange> column_ranges(io::FcsFile& file, const std::vector<std::size_t>& columns,
                                                     core::RunContext& context);

}  // namespace immucan::cytof
