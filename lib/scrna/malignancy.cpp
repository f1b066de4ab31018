#include "scrna/malignancy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "stats/clustering_kmeans.h"

namespace immucan::scrna {

namespace {

constexpr std::size_t kLeastGroup = 20, kLeastCandidates = 10, kLeastGenes = 60;
constexpr double kLeastDetected = 0.01;                   // of the cells
constexpr double kLineage = 1.6, kReferenceSpread = 2.6;  // log2
constexpr double kDispersion = 0.5;
constexpr std::size_t kCellsPerCluster = 20, kMostClusters = 10, kLeastClusterCells = 10;
constexpr int kIterations = 100;
constexpr double kFactor = 1.5, kLeastBroad = 0.28;
constexpr double kBroadShift = 0.2, kLargestShift = 0.4;  // against normal cells of the candidates' own lineage
constexpr double kErrorInflation = 1.5;                   // cells of one kind differ by more than sampling
constexpr double kLeastBaselineCells = 10;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Shares of genes over chosen cells.
std::vector<double> profile(const io::CsrMatrix& counts, const std::vector<std::size_t>& cells) {
  std::vector<double> sums(counts.columns, 0.0);
  double total = 0;
  for (const std::size_t cell : cells) {
    const auto columns = counts.row_columns(cell);
    const auto values = counts.row_values(cell);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      sums[static_cast<std::size_t>(columns[e])] += static_cast<double>(values[e]);
      total += static_cast<double>(values[e]);
    }
  }
  if (total > 0) {
    for (double& sum : sums) sum /= total;
  }
  return sums;
}

std::vector<double> mean_of(const std::vector<const std::vector<double>*>& profiles) {
  std::vector<double> out(profiles.front()->size(), 0.0);
  for (const auto* one : profiles) {
    for (std::size_t g = 0; g < out.size(); ++g) out[g] += (*one)[g] / static_cast<double>(profiles.size());
  }
  return out;
}

struct Chromosomes {
  std::vector<std::vector<std::size_t>> bins;  ///< per chromosome
};

/// Per-cell weighted counts of bins.
struct BinCounts {
  std::size_t bins = 0;
  std::vector<double> values, totals;
  [[nodiscard]] const double* row(std::size_t i) const { return &values[i * bins]; }
};

class Finder {
 public:
  Finder(const io::CsrMatrix& counts, const std::vector<std::optional<GenePosition>>& positions,
         const std::vector<MalignancyRole>& role, const std::vector<std::size_t>& group,
         const core::RunContext& context)
      : counts_(counts), positions_(positions), context_(context) {
    for (std::size_t i = 0; i < role.size(); ++i) {
      const bool unassigned = role[i] == MalignancyRole::kUnassigned;
      if (role[i] == MalignancyRole::kCandidate || unassigned) {
        candidates_.push_back(i);
        unassigned_.push_back(unassigned);
      }
      if (role[i] == MalignancyRole::kReference) reference_[group[i]].push_back(i);
      if (role[i] == MalignancyRole::kNormal) normal_[group[i]].push_back(i);
    }
    if (std::ranges::find(unassigned_, false) == unassigned_.end()) unassigned_.assign(candidates_.size(), false);
    out_.probability.assign(role.size(), std::numeric_limits<double>::quiet_NaN());
    out_.score = out_.probability;
    merge_small();
  }

  MalignancyResult run() {
    if (reference_.empty() || candidates_.size() < kLeastCandidates) return std::move(out_);
    for (const auto& [name, cells] : reference_) profiles_[name] = profile(counts_, cells);
    make_reference();
    choose_genes();
    if (genes_.size() < kLeastGenes) return std::move(out_);
    make_bins();
    out_.assessable = true;
    fit_clusters();
    choose_thresholds();
    judge();
    return std::move(out_);
  }

 private:
  /// Reference types of few cells become one group, which counts when it is large enough.
  void merge_small() {
    std::vector<std::size_t> rest;
    for (auto entry = reference_.begin(); entry != reference_.end();) {
      if (entry->second.size() >= kLeastGroup) {
        ++entry;
        continue;
      }
      rest.insert(rest.end(), entry->second.begin(), entry->second.end());
      entry = reference_.erase(entry);
    }
    if (rest.size() >= kLeastGroup) reference_[std::numeric_limits<std::size_t>::max()] = rest;
    std::erase_if(normal_, [](const auto& entry) { return entry.second.size() < kLeastGroup; });
  }

  void make_reference() {
    std::vector<const std::vector<double>*> all;
    for (const auto& [name, one] : profiles_) all.push_back(&one);
    mean_ = mean_of(all);
  }

  void choose_genes() {
    std::vector<std::size_t> detected(counts_.columns, 0);
    for (const std::int32_t gene : counts_.column) ++detected[static_cast<std::size_t>(gene)];
    std::vector<double> depths;
    for (const std::size_t cell : candidates_) {
      double sum = 0;
      for (const float value : counts_.row_values(cell)) sum += static_cast<double>(value);
      depths.push_back(sum);
    }
    const double depth = median(depths);
    small_ = 0.02 / std::max(1.0, depth);
    weight_.assign(counts_.columns, 0.0);
    std::vector<std::size_t> usable;
    for (std::size_t g = 0; g < counts_.columns; ++g) {
      if (!positions_[g] || static_cast<double>(detected[g]) < kLeastDetected * static_cast<double>(counts_.rows))
        continue;
      const bool varied = std::ranges::any_of(profiles_, [&](const auto& entry) {
        return std::abs(log_ratio(entry.second[g], mean_[g])) > kReferenceSpread;
      });
      if (varied) continue;
      usable.push_back(g);
      weight_[g] = 1 / (1 + kDispersion * depth * mean_[g]);
    }
    genes_ = without_lineage(usable, profile(counts_, candidates_), mean_);
    std::ranges::sort(genes_, [&](std::size_t a, std::size_t b) {
      return std::tie(positions_[a]->chromosome, positions_[a]->start, a) <
             std::tie(positions_[b]->chromosome, positions_[b]->start, b);
    });
  }

  [[nodiscard]] double log_ratio(double a, double b) const { return std::log2((a + small_) / (b + small_)); }

  /// Genes whose log-ratio lies within kLineage of the median.
  [[nodiscard]] std::vector<std::size_t> without_lineage(const std::vector<std::size_t>& genes,
                                                         const std::vector<double>& own,
                                                         const std::vector<double>& rest) const {
    std::vector<double> shifts;
    for (const std::size_t g : genes) shifts.push_back(log_ratio(own[g], rest[g]));
    std::vector<std::size_t> out;
    if (shifts.empty()) return out;
    const double middle = median(shifts);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      if (std::abs(shifts[i] - middle) <= kLineage) out.push_back(genes[i]);
    }
    return out;
  }

  void make_bins() {
    const std::size_t size = std::clamp<std::size_t>(genes_.size() / 100, 8, 40);
    bin_.assign(counts_.columns, -1);
    for (std::size_t begin = 0; begin < genes_.size();) {
      std::size_t end = begin;
      while (end < genes_.size() && positions_[genes_[end]]->chromosome == positions_[genes_[begin]]->chromosome) ++end;
      const std::size_t parts = std::max<std::size_t>(1, (end - begin) / size);
      chromosomes_.bins.emplace_back();
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t from = begin + (end - begin) * part / parts, to = begin + (end - begin) * (part + 1) / parts;
        chromosomes_.bins.back().push_back(out_.bins.size());
        for (std::size_t i = from; i < to; ++i) bin_[genes_[i]] = static_cast<std::int32_t>(out_.bins.size());
        out_.bins.push_back({positions_[genes_[from]]->chromosome, positions_[genes_[from]]->start, to - from});
      }
      begin = end;
    }
  }

  [[nodiscard]] BinCounts count(const std::vector<std::size_t>& cells) const {
    BinCounts out{out_.bins.size(), std::vector<double>(cells.size() * out_.bins.size(), 0.0),
                  std::vector<double>(cells.size(), 0.0)};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto columns = counts_.row_columns(cells[i]);
      const auto values = counts_.row_values(cells[i]);
      for (std::size_t e = 0; e < columns.size(); ++e) {
        const auto gene = static_cast<std::size_t>(columns[e]);
        if (bin_[gene] < 0) continue;
        const double value = weight_[gene] * static_cast<double>(values[e]);
        out.values[i * out.bins + static_cast<std::size_t>(bin_[gene])] += value;
        out.totals[i] += value;
      }
    }
    return out;
  }

  /// Shares of bins in a profile of genes.
  [[nodiscard]] std::vector<double> bin_shares(const std::vector<double>& genes,
                                               const std::vector<std::size_t>& used) const {
    std::vector<double> out(out_.bins.size(), 0.0);
    double total = 0;
    for (const std::size_t g : used) {
      out[static_cast<std::size_t>(bin_[g])] += weight_[g] * genes[g];
      total += weight_[g] * genes[g];
    }
    for (double& value : out) value = std::max(value / total, 1e-9);
    return out;
  }

  void fit_clusters() {
    reference_shares_ = bin_shares(mean_, genes_);
    counted_ = count(candidates_);
    const std::size_t bins = counted_.bins;
    std::vector<float> points(candidates_.size() * bins);
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      for (std::size_t b = 0; b < bins; ++b) {
        const double share = counted_.totals[i] > 0 ? counted_.row(i)[b] / counted_.totals[i] : reference_shares_[b];
        points[i * bins + b] = static_cast<float>((share / reference_shares_[b] - 1) * std::sqrt(reference_shares_[b]));
      }
    }
    const std::size_t wanted = std::clamp<std::size_t>(candidates_.size() / kCellsPerCluster, 1, kMostClusters);
    const std::vector<std::size_t> first = stats::k_means(points, bins, wanted, context_.seed);
    const std::size_t clusters = *std::ranges::max_element(first) + 1;
    posterior_.assign(candidates_.size() * clusters, 0.0);
    for (std::size_t i = 0; i < first.size(); ++i) posterior_[i * clusters + first[i]] = 1;
    shares_.assign(clusters, {});
    iterate();
    while (drop_small()) iterate();
  }

  void iterate() {
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      if (step(shares_.size()) < 1e-4 * static_cast<double>(candidates_.size())) break;
    }
  }

  /// A handful of cells is no clone: the smallest such cluster goes, and its cells to the others.
  bool drop_small() {
    const std::size_t clusters = shares_.size();
    if (clusters == 1) return false;
    std::vector<double> sizes(clusters, 0.0);
    for (std::size_t i = 0; i < posterior_.size(); ++i) sizes[i % clusters] += posterior_[i];
    const auto smallest = static_cast<std::size_t>(std::ranges::min_element(sizes) - sizes.begin());
    if (sizes[smallest] >= kLeastClusterCells) return false;
    std::vector<double> kept;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const double rest = 1 - posterior_[i * clusters + smallest];
      for (std::size_t k = 0; k < clusters; ++k) {
        if (k == smallest) continue;
        kept.push_back(rest > 1e-9 ? posterior_[i * clusters + k] / rest : 1 / static_cast<double>(clusters - 1));
      }
    }
    posterior_ = std::move(kept);
    shares_.erase(shares_.begin() + static_cast<std::ptrdiff_t>(smallest));
    return true;
  }

  /// One round of expectation–maximisation; returns the total change of the posteriors.
  double step(std::size_t clusters) {
    std::vector<double> prior(clusters, 1.0);
    for (std::size_t k = 0; k < clusters; ++k) {
      // A pseudo-cell of the reference keeps every share above 0.
      std::vector<double> sums(counted_.bins);
      double total = 0;
      for (std::size_t b = 0; b < sums.size(); ++b) sums[b] = 10 * reference_shares_[b];
      for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const double weight = posterior_[i * clusters + k];
        if (weight <= 0) continue;
        prior[k] += weight;
        for (std::size_t b = 0; b < sums.size(); ++b) sums[b] += weight * counted_.row(i)[b];
      }
      for (const double sum : sums) total += sum;
      for (double& sum : sums) sum /= total;
      shares_[k] = std::move(sums);
    }
    double moved = 0;
    std::vector<double> log_share(clusters * counted_.bins);
    for (std::size_t k = 0; k < clusters; ++k) {
      for (std::size_t b = 0; b < counted_.bins; ++b) log_share[k * counted_.bins + b] = std::log(shares_[k][b]);
    }
    std::vector<double> logs(clusters);
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      for (std::size_t k = 0; k < clusters; ++k) {
        logs[k] = std::log(prior[k]);
        for (std::size_t b = 0; b < counted_.bins; ++b)
          logs[k] += counted_.row(i)[b] * log_share[k * counted_.bins + b];
      }
      const double highest = *std::ranges::max_element(logs);
      double sum = 0;
      for (double& value : logs) sum += value = std::exp(value - highest);
      for (std::size_t k = 0; k < clusters; ++k) {
        const double value = logs[k] / sum;
        moved += std::abs(value - posterior_[i * clusters + k]);
        posterior_[i * clusters + k] = value;
      }
    }
    return moved;
  }

  struct Shift {
    double broad = 0, largest = 0;
    std::vector<double> log2_ratio;
  };

  /// `molecules`: weighted counts behind `shares`.
  [[nodiscard]] Shift shift_of(const std::vector<double>& shares, const std::vector<double>& reference,
                               double molecules) const {
    Shift out;
    for (std::size_t b = 0; b < shares.size(); ++b)
      out.log2_ratio.push_back(std::log2(std::max(shares[b], 1e-9) / reference[b]));
    const double middle = median(out.log2_ratio);
    for (double& value : out.log2_ratio) value -= middle;
    double squares = 0, total = 0;
    for (const std::vector<std::size_t>& bins : chromosomes_.bins) {
      std::vector<double> values;
      double share = 0, genes = 0;
      for (const std::size_t b : bins) {
        values.push_back(out.log2_ratio[b]);
        share += reference[b];
        genes += static_cast<double>(out_.bins[b].genes);
      }
      const double error = kErrorInflation / (std::log(2.0) * std::log(2.0)) / std::max(1.0, molecules * share);
      const double value = std::abs(median(values));
      squares += genes * (value * value - error);
      total += genes;
      out.largest = std::max(out.largest, value - 2 * std::sqrt(error));
    }
    out.broad = std::sqrt(std::max(0.0, squares / total));
    return out;
  }

  /// What lineage alone does: every type of normal cells against the reference without it.
  void choose_thresholds() {
    double broad = 0;
    const auto hold = [&](const std::vector<std::size_t>& cells, const std::vector<double>& own,
                          const std::vector<double>& rest) {
      double molecules = 0;
      const BinCounts counted = count(cells);
      for (const double total : counted.totals) molecules += total;
      const std::vector<std::size_t> used = without_lineage(genes_, own, rest);
      if (used.size() < kLeastGenes / 2) return;
      const Shift shift = shift_of(bin_shares(own, used), bin_shares(rest, used), molecules);
      broad = std::max(broad, shift.broad);
    };
    for (const auto& [name, cells] : reference_) {
      std::vector<const std::vector<double>*> others;
      for (const auto& [other, one] : profiles_) {
        if (other != name) others.push_back(&one);
      }
      if (!others.empty()) hold(cells, profiles_[name], mean_of(others));
    }
    for (const auto& [name, cells] : normal_) hold(cells, profile(counts_, cells), mean_);
    out_.normal_below = std::max(kLeastBroad, kFactor * broad);
  }

  void judge() {
    const std::size_t clusters = shares_.size();
    std::vector<double> molecules(clusters, 0.0);
    std::vector<bool> any_lineage;      // mostly cells without a name
    std::optional<std::size_t> normal;  // the cluster nearest to the reference
    for (std::size_t k = 0; k < clusters; ++k) {
      CandidateCluster cluster;
      std::size_t without_name = 0;
      for (std::size_t i = 0; i < candidates_.size(); ++i) {
        molecules[k] += posterior_[i * clusters + k] * counted_.totals[i];
        const auto row = posterior_.begin() + static_cast<std::ptrdiff_t>(i * clusters);
        if (std::max_element(row, row + static_cast<std::ptrdiff_t>(clusters)) - row ==
            static_cast<std::ptrdiff_t>(k)) {
          ++cluster.cells;
          without_name += unassigned_[i] ? 1 : 0;
        }
      }
      any_lineage.push_back(2 * without_name > cluster.cells);
      Shift shift = shift_of(shares_[k], reference_shares_, molecules[k]);
      cluster.broad = shift.broad;
      cluster.largest = shift.largest;
      cluster.log2_ratio = std::move(shift.log2_ratio);
      const bool may_be_normal = !any_lineage[k] && cluster.broad < out_.normal_below &&
                                 static_cast<double>(cluster.cells) >= kLeastBaselineCells;
      if (may_be_normal && (!normal || cluster.broad < out_.clusters[*normal].broad)) normal = k;
      out_.clusters.push_back(std::move(cluster));
    }
    for (std::size_t k = 0; k < clusters; ++k) {
      CandidateCluster& cluster = out_.clusters[k];
      cluster.malignant = cluster.broad >= out_.normal_below;
      if (!normal || any_lineage[k]) continue;
      // Both are of one lineage: what is left is copy numbers.
      Shift shift = shift_of(shares_[k], shares_[*normal], 1 / (1 / molecules[k] + 1 / molecules[*normal]));
      cluster.malignant = k != *normal && (shift.broad >= kBroadShift || shift.largest >= kLargestShift);
      cluster.broad = shift.broad;
      cluster.largest = shift.largest;
      if (k != *normal) cluster.log2_ratio = std::move(shift.log2_ratio);
    }
    out_.own_baseline = normal.has_value();
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      double malignant = 0, best = -1;
      std::size_t like = 0;
      for (std::size_t k = 0; k < clusters; ++k) {
        const double value = posterior_[i * clusters + k];
        if (out_.clusters[k].malignant) malignant += value;
        if (value > best) {
          best = value;
          like = k;
        }
      }
      out_.probability[candidates_[i]] = std::min(1.0, malignant);
      out_.score[candidates_[i]] = correlation(counted_.row(i), counted_.totals[i], out_.clusters[like].log2_ratio);
    }
    hold_reference();
  }

  /// Of a cell's deviations from the reference with a cluster's log-ratios, over bins.
  [[nodiscard]] double correlation(const double* row, double total, const std::vector<double>& ratio) const {
    if (!(total > 0)) return 0;
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t b = 0; b < ratio.size(); ++b) {
      const double x = (row[b] / total / reference_shares_[b] - 1) * std::sqrt(reference_shares_[b]);
      const double y = ratio[b] * std::sqrt(reference_shares_[b]);
      xy += x * y;
      xx += x * x;
      yy += y * y;
    }
    return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
  }

  void hold_reference() {
    double called = 0, all = 0;
    for (const auto& [name, cells] : reference_) {
      const BinCounts counted = count(cells);
      for (std::size_t i = 0; i < cells.size(); ++i) {
        all += 1;
        for (std::size_t k = 0; k < shares_.size(); ++k) {
          if (!out_.clusters[k].malignant) continue;
          double gain = 0;
          for (std::size_t b = 0; b < counted.bins; ++b)
            gain += counted.row(i)[b] * std::log(shares_[k][b] / reference_shares_[b]);
          if (gain <= 0) continue;
          called += 1;
          break;
        }
      }
    }
    out_.reference_called = all > 0 ? called / all : 0;
  }

  const io::CsrMatrix& counts_;
  const std::vector<std::optional<GenePosition>>& positions_;
  const core::RunContext& context_;
  std::vector<std::size_t> candidates_, genes_;
  std::vector<bool> unassigned_;  ///< per candidate
  std::map<std::size_t, std::vector<std::size_t>> reference_, normal_;
  std::map<std::size_t, std::vector<double>> profiles_;
  std::vector<double> mean_, weight_, reference_shares_, posterior_;
  double small_ = 0;  ///< added to shares before logarithms are taken
  std::vector<std::int32_t> bin_;
  Chromosomes chromosomes_;
  BinCounts counted_;
  std::vector<std::vector<double>> shares_;
  MalignancyResult out_;
};

}  // namespace

MalignancyResult find_malignant(const io::CsrMatrix& counts, const std::vector<std::optional<GenePosition>>& positions,
                                const std::vector<MalignancyRole>& role, const std::vector<std::size_t>& group,
                                const core::RunContext& context) {
  return Finder(counts, positions, role, group, context).run();
}

}  // namespace immucan::scrna
