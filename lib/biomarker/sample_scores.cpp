#include "biomarker/sample_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "biomarker/gsva.h"
#include "biomarker/plage.h"
#include "biomarker/singscore.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "stats/ranks.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSamplesPerBlock = 16;  // two cache lines of each row are read at once
constexpr double kConstantGene = 1e-10;       // R's GSVA drops genes with a smaller standard deviation
constexpr double kFloorWarning = 0.5;

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
  SsgseaSample(std::size_t genes, double alpha) : steps_(genes), power_(genes + 1), cumulative_(genes + 1) {
    cumulative_[0] = 0;
    for (std::size_t rank = 1; rank <= genes; ++rank) {
      power_[rank] = std::pow(static_cast<double>(rank), alpha);
      cumulative_[rank] = cumulative_[rank - 1] + power_[rank];
    }
  }

  void rank(std::span<const double> values, bool gsva_order) {
    const auto order = sorter_.sort(values);
    const std::size_t genes = values.size();
    for (std::size_t begin = 0; begin < genes;) {
      std::size_t end = begin + 1;
      while (end < genes && values[order[end]] == values[order[begin]]) ++end;
      if (gsva_order) {
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

 private:
  stats::RadixArgsort sorter_;
  std::vector<GeneStep> steps_;
  std::vector<double> power_, cumulative_;
};

}  // namespace

ScoreTable ssgsea_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, double alpha, bool gsva_order,
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
          sample.rank(std::span(values).subspan(i * genes, genes), gsva_order);
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
  const std::vector<std::uint8_t> varies = standardise_rows(matrix, threads, interrupt);
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

namespace {

DuplicateGenes duplicate_policy(const std::string& name) {
  if (name == "mean") return DuplicateGenes::kMean;
  if (name == "median") return DuplicateGenes::kMedian;
  if (name == "maxvar") return DuplicateGenes::kMaxVariance;
  return DuplicateGenes::kRefuse;
}

GsvaKernel kernel_of(const std::string& name) {
  if (name == "poisson") return GsvaKernel::kPoisson;
  return name == "none" ? GsvaKernel::kNone : GsvaKernel::kGaussian;
}

void refuse_non_counts(const io::MatrixTable& matrix) {
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    for (std::size_t sample = 0; sample < matrix.columns(); ++sample) {
      const double value = matrix.row(gene)[sample];
      if (value >= 0 && value == std::floor(value)) continue;
      core::raise({matrix.name, core::Place::none(),
                   fmt::format("{} of gene '{}' in sample '{}' is not a count", core::format_double(value),
                               core::printable(matrix.row_names[gene]), core::printable(matrix.column_names[sample])),
                   "The Poisson kernel needs counts; use --kernel gaussian for log expression"});
    }
  }
}

void warn_of_floors(const io::MatrixTable& matrix, const core::Log& log) {
  const std::vector<double> fractions = floor_fractions(matrix);
  const auto worst = std::ranges::max_element(fractions);
  const auto count = std::ranges::count_if(fractions, [](double f) { return f > kFloorWarning; });
  if (count == 0) return;
  log.warning(fmt::format(
      "{} of {} samples have more than half of their genes at the lowest value (most: {}, {:.0f} %); "
      "their ranks say little",
      count, fractions.size(),
      core::printable(matrix.column_names[static_cast<std::size_t>(worst - fractions.begin())]), 100 * *worst));
}

/// Divides by the range of the whole table, as R's GSVA does: depends on the cohort and on the list of sets.
void divide_by_range(ScoreTable& table) {
  double least = std::numeric_limits<double>::infinity(), greatest = -least;
  for (const double v : table.values) {
    if (std::isnan(v)) continue;
    least = std::min(least, v);
    greatest = std::max(greatest, v);
  }
  if (!(greatest > least)) return;
  for (double& v : table.values) v /= greatest - least;
}

}  // namespace

ScoreTable score_samples(const ScoreOptions& options, core::RunContext& context,
                         std::optional<ScoreTable>* dispersions) {
  const bool compat = options.compat == "gsva";
  const DuplicateGenes policy = duplicate_policy(options.duplicates);
  const io::GeneSets gene_sets = io::read_gene_sets(options.sets, context);
  io::MatrixTable matrix =
      io::read_matrix_table(options.expression, context, {.allow_duplicate_rows = policy != DuplicateGenes::kRefuse});
  if (policy != DuplicateGenes::kRefuse) matrix = merge_duplicates(std::move(matrix), policy);
  const CoverageLimits limits{static_cast<std::size_t>(options.min_genes.value_or(compat ? 1 : 5)),
                              options.min_coverage.value_or(compat ? 0.0 : 0.5), options.skip_absent};
  const std::vector<SetRows> sets = match_sets(gene_sets, matrix, limits, context.log);
  const bool compares_samples = options.method == "zscore" || options.method == "plage" || options.method == "gsva";
  if (compares_samples && matrix.columns() < 2) {
    core::raise({matrix.name, core::Place::none(),
                 fmt::format("one sample only, but {} compares a sample with its cohort", options.method),
                 "Add samples, or use --method ssgsea or singscore, which score a sample alone"});
  }
  const unsigned threads = context.threads;
  if (options.method == "zscore") return zscore_scores(matrix, sets, threads, &context.interrupt);
  if (options.method == "plage") return plage_scores(matrix, sets, threads, &context.interrupt);
  warn_of_floors(matrix, context.log);
  if (options.method == "gsva") {
    const GsvaOptions gsva{kernel_of(options.kernel), options.max_difference, compat};
    if (gsva.kernel == GsvaKernel::kPoisson) refuse_non_counts(matrix);
    return gsva_scores(matrix, sets, gsva, threads, &context.interrupt);
  }
  if (options.method == "singscore") {
    SingscoreTable table = singscore_scores(matrix, sets, options.direction == "known", threads, &context.interrupt);
    if (dispersions != nullptr) *dispersions = std::move(table.dispersions);
    return std::move(table.scores);
  }
  ScoreTable table = ssgsea_scores(matrix, sets, options.alpha, compat, threads, &context.interrupt);
  if (options.normalize && compat) divide_by_range(table);
  if (options.normalize && !compat) {
    for (double& v : table.values) v /= static_cast<double>(matrix.rows());
  }
  return table;
}

}  // namespace immucan::biomarker
