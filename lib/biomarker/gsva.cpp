#include "biomarker/gsva.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/ordered_batches.h"
#include "stats/distributions.h"
#include "stats/kernel_cdf.h"
#include "stats/ranks.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kConstantGene = 1e-10;
constexpr std::size_t kSamplesPerBlock = 16;
constexpr std::size_t kGenesPerUnit = 64;
constexpr double kTableEnd = 10;
constexpr int kTableSteps = 10000;
// A sample outside a frozen cohort may lie beyond all of it. (Within a cohort shares are at least 0.5 / samples.)
constexpr double kLeastShare = 1e-12;

/// R's GSVA looks the normal CDF up in a table without interpolation.
std::vector<double> truncated_table() {
  std::vector<double> table(kTableSteps + 1);
  for (int i = 0; i <= kTableSteps; ++i)
    table[static_cast<std::size_t>(i)] = stats::normal_cdf(kTableEnd * i / kTableSteps);
  return table;
}

double looked_up(const std::vector<double>& table, double v) {
  if (v < -kTableEnd) return 0;
  if (v > kTableEnd) return 1;
  const double value = table[static_cast<std::size_t>(std::fabs(v) / kTableEnd * kTableSteps)];
  return v < 0 ? 1 - value : value;
}

/// As R's GSVA sums it, to the last bit: the kernel's width decides which entry of the table tied genes get.
double deviation_of(std::span<const double> row) {
  const auto n = static_cast<long double>(row.size());
  long double sum = 0, rest = 0, squares = 0;
  for (const double v : row) sum += v;
  for (const double v : row) rest += v - sum / n;
  const auto mean = static_cast<double>(sum / n + rest / n);
  for (const double v : row) squares += (v - mean) * (v - mean);
  return std::sqrt(static_cast<double>(squares / (n - 1)));
}

void poisson_kernel(std::span<const double> sources, std::span<const double> targets, std::span<double> result) {
  std::map<double, double> count, cdf;
  for (const double v : sources) count[v] += 1;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto [known, fresh] = cdf.try_emplace(targets[i], 0.0);
    if (fresh) {
      for (const auto& [source, weight] : count) known->second += weight * stats::poisson_cdf(targets[i], source + 0.5);
      known->second /= static_cast<double>(sources.size());
    }
    result[i] = known->second;
  }
}

/// Replaces a row by its kernel CDF (as log odds where it is smooth).
class RowKernel {
 public:
  RowKernel(const GsvaOptions& options, const std::vector<double>& table) : options_(options), table_(table) {}

  /// `sources` may be the row itself.
  void apply(std::span<const double> sources, double deviation, std::span<double> row) {
    result_.resize(row.size());
    switch (options_.kernel) {
      case GsvaKernel::kNone:
        empirical_cdf(sources, row);
        std::ranges::copy(result_, row.begin());
        return;
      case GsvaKernel::kPoisson:
        poisson_kernel(sources, row, result_);
        break;
      case GsvaKernel::kGaussian:
        if (options_.ties != TieOrder::kShared) {
          table_kernel(sources, deviation / 4, row);
        } else {
          kernel_.evaluate(sources, deviation / 4, row, result_);
        }
        break;
    }
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double share = std::clamp(result_[i], kLeastShare, 1 - kLeastShare);
      row[i] = -std::log((1 - share) / share);
    }
  }

 private:
  void empirical_cdf(std::span<const double> sources, std::span<const double> targets) {
    sorted_.assign(sources.begin(), sources.end());
    std::ranges::sort(sorted_);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const auto above = std::ranges::upper_bound(sorted_, targets[i]);
      result_[i] = static_cast<double>(above - sorted_.begin()) / static_cast<double>(sorted_.size());
    }
  }

  void table_kernel(std::span<const double> sources, double bandwidth, std::span<const double> targets) {
    for (std::size_t j = 0; j < targets.size(); ++j) {
      double sum = 0;
      for (const double v : sources) sum += looked_up(table_, (targets[j] - v) / bandwidth);
      result_[j] = sum / static_cast<double>(sources.size());
    }
  }

  const GsvaOptions& options_;
  const std::vector<double>& table_;
  stats::GaussianKernelCdf kernel_;
  std::vector<double> result_, sorted_;
};

/// One sample's genes from highest to lowest, in blocks of ties (of one gene each with R's order).
struct Place {
  std::uint32_t block_begin, block_end;  ///< positions in the walk, 0-based
  double weight;                         ///< distance of the rank from the middle, mean over the block
};

class Walk {
 public:
  void place(std::span<const double> values, TieOrder ties) {
    const bool last_first = ties == TieOrder::kGseapy;
    negated_.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) negated_[i] = last_first ? values[i] : -values[i];
    const auto ascending = sorter_.sort(negated_);
    std::vector<std::uint32_t> order(ascending.begin(), ascending.end());
    if (last_first) std::ranges::reverse(order);
    const auto genes = static_cast<double>(values.size());
    places_.resize(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
      std::size_t end = begin + 1;
      while (ties == TieOrder::kShared && end < order.size() && values[order[end]] == values[order[begin]]) ++end;
      double weight = 0;
      for (std::size_t i = begin; i < end; ++i) weight += std::fabs(genes - static_cast<double>(i) - genes / 2);
      weight /= static_cast<double>(end - begin);
      for (std::size_t i = begin; i < end; ++i) {
        places_[order[i]] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), weight};
      }
      begin = end;
    }
  }

  /// The walk is looked at where blocks end: inside a block of ties no order is better than another.
  [[nodiscard]] double score(const std::vector<std::uint32_t>& genes, bool max_difference, TieOrder ties) {
    members_.clear();
    double total = 0;
    for (const std::uint32_t gene : genes) {
      members_.push_back(places_[gene]);
      total += places_[gene].weight;
    }
    const double others = static_cast<double>(places_.size() - genes.size());
    if (others <= 0 || !(total > 0)) return ties == TieOrder::kGsva ? as_r(genes, others) : kNan;
    std::ranges::sort(members_, {}, &Place::block_begin);
    double hits = 0, seen = 0, highest = 0, lowest = 0;
    for (std::size_t i = 0; i < members_.size();) {
      const Place& block = members_[i];
      lowest = std::min(lowest, hits / total - (block.block_begin - seen) / others);
      for (; i < members_.size() && members_[i].block_begin == block.block_begin; ++i) {
        hits += members_[i].weight;
        seen += 1;
      }
      const double after = hits / total - (block.block_end - seen) / others;
      highest = std::max(highest, after);
      lowest = std::min(lowest, after);
    }
    if (max_difference) return highest + lowest;
    constexpr double kRounding = 1e-10;
    if (ties == TieOrder::kGsva && std::fabs(highest + lowest) < kRounding) return larger_in_steps(total, others);
    return highest > std::fabs(lowest) ? highest : lowest;
  }

 private:
  /// What R's walk says of a set of all genes, and of the one gene of weight 0 in the middle, where it compares with
  /// NaN from that gene on.
  [[nodiscard]] double as_r(const std::vector<std::uint32_t>& genes, double others) const {
    return others <= 0 ? 1 : -static_cast<double>(places_[genes.front()].block_begin) / others;
  }

  /// Where both deviations are equal R's choice is that of its rounding: the walk gene by gene, over `members_`.
  [[nodiscard]] double larger_in_steps(double total, double others) const {
    double sum = 0, highest = 0, lowest = 0;
    const double step = 1 / others;
    std::size_t next = 0;
    for (std::uint32_t position = 0; position < places_.size(); ++position) {
      if (next < members_.size() && members_[next].block_begin == position) {
        sum += members_[next++].weight / total;
      } else {
        sum -= step;
      }
      highest = std::max(highest, sum);
      lowest = std::min(lowest, sum);
    }
    return highest > std::fabs(lowest) ? highest : lowest;
  }

  stats::RadixArgsort sorter_;
  std::vector<double> negated_;
  std::vector<Place> places_, members_;
};

}  // namespace

ScoreTable gsva_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, const GsvaOptions& options,
                       unsigned threads, const core::InterruptSource* interrupt, const GeneValues* reference) {
  const std::size_t samples = matrix.columns();
  std::vector<double> deviation(matrix.rows(), 0.0);
  const std::vector<double> table = options.ties != TieOrder::kShared && options.kernel == GsvaKernel::kGaussian
                                        ? truncated_table()
                                        : std::vector<double>{};
  core::parallel_for(
      threads, (matrix.rows() + kGenesPerUnit - 1) / kGenesPerUnit,
      [&](std::size_t unit) {
        RowKernel kernel(options, table);
        const std::size_t end = std::min(matrix.rows(), (unit + 1) * kGenesPerUnit);
        for (std::size_t gene = unit * kGenesPerUnit; gene < end; ++gene) {
          const std::span<double> row = matrix.row(gene);
          std::span<const double> sources = row;
          if (reference != nullptr) {
            const auto found = reference->find(matrix.row_names[gene]);
            if (found == reference->end() || found->second.size() < 2) continue;
            sources = found->second;
          }
          deviation[gene] = deviation_of(sources);
          if (deviation[gene] >= kConstantGene) kernel.apply(sources, deviation[gene], row);
        }
      },
      interrupt);
  std::vector<std::uint32_t> kept, index_of(matrix.rows(), 0);
  for (std::uint32_t gene = 0; gene < matrix.rows(); ++gene) {
    if (!(deviation[gene] >= kConstantGene)) continue;
    index_of[gene] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(gene);
  }
  std::vector<std::vector<std::uint32_t>> members(sets.size());
  for (std::size_t set = 0; set < sets.size(); ++set) {
    for (const std::uint32_t gene : sets[set].rows) {
      if (deviation[gene] >= kConstantGene) members[set].push_back(index_of[gene]);
    }
  }
  ScoreTable result;
  result.samples = matrix.column_names;
  for (const SetRows& set : sets) result.sets.push_back(set.name);
  result.values.assign(sets.size() * samples, kNan);
  core::parallel_for(
      threads, (samples + kSamplesPerBlock - 1) / kSamplesPerBlock,
      [&](std::size_t block) {
        const std::size_t first = block * kSamplesPerBlock, count = std::min(kSamplesPerBlock, samples - first);
        std::vector<double> values(kept.size() * count);
        for (std::size_t i = 0; i < kept.size(); ++i) {
          const auto row = matrix.row(kept[i]);
          for (std::size_t s = 0; s < count; ++s) values[s * kept.size() + i] = row[first + s];
        }
        Walk walk;
        for (std::size_t s = 0; s < count; ++s) {
          walk.place(std::span(values).subspan(s * kept.size(), kept.size()), options.ties);
          for (std::size_t set = 0; set < sets.size(); ++set) {
            if (!sets[set].scored || members[set].empty()) continue;
            result.at(set, first + s) = walk.score(members[set], options.max_difference, options.ties);
          }
        }
      },
      interrupt);
  return result;
}

}  // namespace immucan::biomarker
