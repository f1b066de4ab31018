#include "biomarker/sample_scores.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/ordered_batches.h"
#include "stats/ranks.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSamplesPerBlock = 16;  // two cache lines of each row are read at once
constexpr double kConstantGene = 1e-10;       // R's GSVA drops genes with a smaller standard deviation

ScoreTable empty_table(const io::MatrixTable& matrix, const std::vector<SetRows>& sets) {
  ScoreTable table;
  table.samples = matrix.column_names;
  for (const SetRows& set : sets) table.sets.push_back(set.name);
  table.values.assign(table.sets.size() * table.samples.size(), kNan);
  return table;
}

/// What one gene contributes in one sample: weight of its rank, and rank counted from the lowest.
struct GeneStep {
  double weight, tail;
};

class SsgseaSample {
 public:
  SsgseaSample(std::size_t genes, double alpha)
      : alpha_(alpha), steps_(genes), power_(genes + 1), cumulative_(genes + 1) {
    cumulative_[0] = 0;
    for (std::size_t rank = 1; rank <= genes; ++rank) {
      power_[rank] = std::pow(static_cast<double>(rank), alpha);
      cumulative_[rank] = cumulative_[rank - 1] + power_[rank];
    }
  }

  void rank(std::span<const double> values, TieOrder ties) {
    const auto order = sorter_.sort(values);
    const std::size_t genes = values.size();
    for (std::size_t begin = 0; begin < genes;) {
      std::size_t end = begin + 1;
      while (end < genes && values[order[end]] == values[order[begin]]) ++end;
      if (ties == TieOrder::kGseapy) {
        const double weight = std::pow(static_cast<double>(begin + 1 + end) / 2, alpha_);
        for (std::size_t i = begin; i < end; ++i) steps_[order[i]] = {weight, static_cast<double>(i + 1)};
      } else if (ties == TieOrder::kGsva) {
        // Descending and stable: within ties the first row stands first, so it has the longest tail.
        const double weight = power_[(begin + 1 + end) / 2];
        for (std::size_t i = begin; i < end; ++i) {
          steps_[order[i]] = {weight, static_cast<double>(end - (i - begin))};
        }
      } else {
        const GeneStep shared{(cumulative_[end] - cumulative_[begin]) / static_cast<double>(end - begin),
                              static_cast<double>(begin + 1 + end) / 2};
        for (std::size_t i = begin; i < end; ++i) steps_[order[i]] = shared;
      }
      begin = end;
    }
  }

  /// Difference of the areas under the walks of the set's genes and of all others.
  [[nodiscard]] double score(const std::vector<std::uint32_t>& rows) const {
    double weighted = 0, weights = 0, tails = 0;
    for (const std::uint32_t row : rows) {
      const GeneStep& step = steps_[row];
      weighted += step.weight * step.tail;
      weights += step.weight;
      tails += step.tail;
    }
    const auto genes = static_cast<double>(steps_.size());
    const double others = genes - static_cast<double>(rows.size());
    if (others <= 0) return kNan;  // no gene outside the set to compare with
    return weighted / weights - (genes * (genes + 1) / 2 - tails) / others;
  }

  [[nodiscard]] std::vector<GeneContribution> contributions(const std::vector<std::uint32_t>& rows) const {
    double weights = 0, tails = 0;
    for (const std::uint32_t row : rows) {
      weights += steps_[row].weight;
      tails += steps_[row].tail;
    }
    const auto genes = static_cast<double>(steps_.size());
    const double elsewhere = (genes * (genes + 1) / 2 - tails) / (genes - static_cast<double>(rows.size()));
    std::vector<GeneContribution> result;
    for (const std::uint32_t row : rows) {
      const GeneStep& step = steps_[row];
      result.push_back({row, step.tail, step.weight / weights * (step.tail - elsewhere)});
    }
    return result;
  }

 private:
  double alpha_;
  stats::RadixArgsort sorter_;
  std::vector<GeneStep> steps_;
  std::vector<double> power_, cumulative_;
};

}  // namespace

ScoreTable ssgsea_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, double alpha, TieOrder ties,
                         unsigned threads, const core::InterruptSource* interrupt) {
  ScoreTable table = empty_table(matrix, sets);
  const std::size_t samples = matrix.columns(), genes = matrix.rows();
  const std::size_t blocks = (samples + kSamplesPerBlock - 1) / kSamplesPerBlock;
  core::parallel_for(
      threads, blocks,
      [&](std::size_t block) {
        const std::size_t first = block * kSamplesPerBlock, count = std::min(kSamplesPerBlock, samples - first);
        std::vector<double> values(genes * count);
        for (std::size_t gene = 0; gene < genes; ++gene) {
          const auto row = matrix.row(gene);
          for (std::size_t i = 0; i < count; ++i) values[i * genes + gene] = row[first + i];
        }
        SsgseaSample sample(genes, alpha);
        for (std::size_t i = 0; i < count; ++i) {
          sample.rank(std::span(values).subspan(i * genes, genes), ties);
          for (std::size_t set = 0; set < sets.size(); ++set) {
            if (sets[set].scored) table.at(set, first + i) = sample.score(sets[set].rows);
          }
        }
      },
      interrupt);
  return table;
}

std::vector<std::uint8_t> standardise_rows(io::MatrixTable& matrix, unsigned threads,
                                           const core::InterruptSource* interrupt) {
  const std::size_t samples = matrix.columns();
  std::vector<std::uint8_t> varies(matrix.rows(), 0);
  core::parallel_for(
      threads, matrix.rows(),
      [&](std::size_t gene) {
        const auto row = matrix.row(gene);
        double mean = 0, square = 0;
        for (const double v : row) mean += v;
        mean /= static_cast<double>(samples);
        for (const double v : row) square += (v - mean) * (v - mean);
        const double deviation = std::sqrt(square / static_cast<double>(samples - 1));
        if (!(deviation >= kConstantGene)) return;
        varies[gene] = 1;
        for (double& v : row) v = (v - mean) / deviation;
      },
      interrupt);
  return varies;
}

ScoreTable zscore_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                         const core::InterruptSource* interrupt) {
  return zscore_scores(matrix, sets, standardise_rows(matrix, threads, interrupt), threads, interrupt);
}

ScoreTable zscore_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                         const std::vector<std::uint8_t>& varies, unsigned threads,
                         const core::InterruptSource* interrupt) {
  ScoreTable table = empty_table(matrix, sets);
  const std::size_t samples = matrix.columns();
  core::parallel_for(
      threads, sets.size(),
      [&](std::size_t set) {
        if (!sets[set].scored) return;
        std::vector<double> sum(samples, 0.0);
        double genes = 0;
        for (const std::uint32_t gene : sets[set].rows) {
          if (varies[gene] == 0) continue;
          genes += 1;
          const auto row = matrix.row(gene);
          for (std::size_t i = 0; i < samples; ++i) sum[i] += row[i];
        }
        if (genes == 0) return;
        for (std::size_t i = 0; i < samples; ++i) table.at(set, i) = sum[i] / std::sqrt(genes);
      },
      interrupt);
  return table;
}

std::vector<std::vector<GeneContribution>> ssgsea_contributions(const io::MatrixTable& matrix, std::size_t sample,
                                                                const std::vector<SetRows>& sets, double alpha) {
  std::vector<double> values(matrix.rows());
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) values[gene] = matrix.row(gene)[sample];
  SsgseaSample ranked(matrix.rows(), alpha);
  ranked.rank(values, TieOrder::kShared);
  std::vector<std::vector<GeneContribution>> result(sets.size());
  for (std::size_t set = 0; set < sets.size(); ++set) {
    if (sets[set].scored) result[set] = ranked.contributions(sets[set].rows);
    std::ranges::stable_sort(result[set], std::greater{}, &GeneContribution::contribution);
  }
  return result;
}

std::vector<double> floor_fractions(const io::MatrixTable& matrix) {
  std::vector<double> lowest(matrix.columns(), std::numeric_limits<double>::infinity()), count(matrix.columns(), 0.0);
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i] < lowest[i]) {
        lowest[i] = row[i];
        count[i] = 0;
      }
      count[i] += row[i] == lowest[i] ? 1 : 0;
    }
  }
  for (double& c : count) c /= static_cast<double>(matrix.rows());
  return count;
}

}  // namespace immucan::biomarker
