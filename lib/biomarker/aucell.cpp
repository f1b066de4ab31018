#include "biomarker/aucell.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ordered_batches.h"
#include "stats/ranks.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSamplesPerBlock = 16;

ScoreTable empty_table(const io::MatrixTable& matrix, const std::vector<SetRows>& sets) {
  ScoreTable table;
  table.samples = matrix.column_names;
  for (const SetRows& set : sets) table.sets.push_back(set.name);
  table.values.assign(table.sets.size() * table.samples.size(), kNan);
  return table;
}

/// Sum over i = first … last of max(0, top - i).
double area(double first, double last, double top) {
  last = std::min(last, top - 1);
  return last < first ? 0 : (last - first + 1) * (2 * top - first - last) / 2;
}

void place_areas(std::span<const std::uint32_t> ascending, std::span<const double> values, double top,
                 std::span<double> areas) {
  const auto genes = values.size();
  for (std::size_t begin = 0; begin < genes;) {
    std::size_t end = begin + 1;
    while (end < genes && values[ascending[end]] == values[ascending[begin]]) ++end;
    const double shared = area(static_cast<double>(genes - end + 1), static_cast<double>(genes - begin), top) /
                          static_cast<double>(end - begin);
    for (std::size_t i = begin; i < end; ++i) areas[ascending[i]] = shared;
    begin = end;
  }
}

}  // namespace

ScoreTable aucell_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, double top_share,
                         unsigned threads, const core::InterruptSource* interrupt) {
  ScoreTable table = empty_table(matrix, sets);
  const std::size_t samples = matrix.columns(), genes = matrix.rows();
  const double top = std::ceil(top_share * static_cast<double>(genes));
  core::parallel_for(
      threads, (samples + kSamplesPerBlock - 1) / kSamplesPerBlock,
      [&](std::size_t block) {
        const std::size_t first = block * kSamplesPerBlock, count = std::min(kSamplesPerBlock, samples - first);
        std::vector<double> values(genes * count), areas(genes);
        for (std::size_t gene = 0; gene < genes; ++gene) {
          const auto row = matrix.row(gene);
          for (std::size_t i = 0; i < count; ++i) values[i * genes + gene] = row[first + i];
        }
        stats::RadixArgsort sorter;
        for (std::size_t i = 0; i < count; ++i) {
          const auto sample = std::span<const double>(values).subspan(i * genes, genes);
          place_areas(sorter.sort(sample), sample, top, areas);
          for (std::size_t set = 0; set < sets.size(); ++set) {
            if (!sets[set].scored) continue;
            double sum = 0;
            for (const std::uint32_t gene : sets[set].rows) sum += areas[gene];
            const double greatest = area(1, static_cast<double>(sets[set].rows.size()), top);
            if (greatest > 0) table.at(set, first + i) = sum / greatest;
          }
        }
      },
      interrupt);
  return table;
}

ScoreTable mean_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                       const core::InterruptSource* interrupt) {
  ScoreTable table = empty_table(matrix, sets);
  core::parallel_for(
      threads, sets.size(),
      [&](std::size_t set) {
        if (!sets[set].scored) return;
        for (std::size_t i = 0; i < matrix.columns(); ++i) {
          double sum = 0;
          for (const std::uint32_t gene : sets[set].rows) sum += matrix.row(gene)[i];
          table.at(set, i) = sum / static_cast<double>(sets[set].rows.size());
        }
      },
      interrupt);
  return table;
}

}  // namespace immucan::biomarker
