#include "cytof/output_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace immucan::cytof {
namespace {

constexpr double kUsualRange = 262144;  ///< where $PnR is no number
constexpr std::uint64_t kWholeInFloat = (std::uint64_t{1} << 24) - 1;

}  // namespace

std::vector<io::FcsColumn> same_columns(const io::FcsDataset& set) {
  std::vector<io::FcsColumn> columns;
  for (std::size_t i = 0; i < set.parameters.size(); ++i) {
    const io::FcsParameter& parameter = set.parameters[i];
    const double stored = core::parse_double(parameter.range).value_or(kUsualRange);
    columns.push_back({parameter.name, parameter.marker, std::isfinite(stored) ? stored : kUsualRange, i});
  }
  return columns;
}

io::FcsType exact_type(const io::FcsDataset& set) {
  const bool single = std::ranges::all_of(set.parameters, [](const io::FcsParameter& parameter) {
    if (parameter.type == io::FcsType::kInteger) return parameter.bytes <= 3 || parameter.mask <= kWholeInFloat;
    return parameter.type == io::FcsType::kFloat;
  });
  return single ? io::FcsType::kFloat : io::FcsType::kDouble;
}

std::vector<ColumnRange> column_ranges(io::FcsFile& file, const std::vector<std::size_t>& columns,
                                       core::RunContext& context) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const io::FcsDataset& set = file.single();
  std::vector<ColumnRange> ranges(columns.empty() ? set.parameters.size() : columns.size(), {kInfinity, -kInfinity});
  io::FcsEvents events(file, set, columns);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("measuring", block.first_event, set.events);
    for (std::size_t i = 0; i < block.events; ++i) {
      const double* row = block.values.data() + i * block.columns;
      for (std::size_t c = 0; c < ranges.size(); ++c) {
        // Written so that NaN changes nothing and the loop is one of minima and maxima.
        ranges[c].lowest = row[c] < ranges[c].lowest ? row[c] : ranges[c].lowest;
        ranges[c].highest = row[c] > ranges[c].highest ? row[c] : ranges[c].highest;
      }
    }
  }
  return ranges;
}

}  // namespace immucan::cytof
