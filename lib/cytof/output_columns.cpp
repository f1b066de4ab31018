#include "cytof/output_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ordered_batches.h"
#include "core/text.h"

namespace immucan::cytof {
namespace {

constexpr double kUsualRange = 262144;  ///< where $PnR is no number
constexpr std::uint64_t kWholeInFloat = (std::uint64_t{1} << 24) - 1;

/// Written so that NaN changes nothing and the loop is one of minima and maxima.
void widen(std::vector<ColumnRange>& ranges, const double* row) {
  for (std::size_t c = 0; c < ranges.size(); ++c) {
    ranges[c].lowest = row[c] < ranges[c].lowest ? row[c] : ranges[c].lowest;
    ranges[c].highest = row[c] > ranges[c].highest ? row[c] : ranges[c].highest;
  }
}

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
  const std::size_t count = columns.empty() ? set.parameters.size() : columns.size();
  std::vector<ColumnRange> ranges(count, {kInfinity, -kInfinity});
  io::FcsEvents events(file, set, columns);
  struct Batch {
    io::FcsBlock block;
    std::vector<ColumnRange> ranges;
  };
  core::ordered_batches<Batch>(
      {.threads = context.threads, .interrupt = &context.interrupt},
      [&](Batch& batch) { return events.next(batch.block); },
      [&](Batch& batch) {
        batch.ranges.assign(count, {kInfinity, -kInfinity});
        for (std::size_t i = 0; i < batch.block.events; ++i) {
          widen(batch.ranges, batch.block.values.data() + i * batch.block.columns);
        }
      },
      [&](Batch& batch) {
        for (std::size_t c = 0; c < count; ++c) {
          ranges[c].lowest = std::min(ranges[c].lowest, batch.ranges[c].lowest);
          ranges[c].highest = std::max(ranges[c].highest, batch.ranges[c].highest);
        }
        context.progress.update("measuring", batch.block.first_event, set.events);
      });
  return ranges;
}

}  // namespace immucan::cytof
