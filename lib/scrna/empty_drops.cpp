#include "scrna/empty_drops.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/ordered_batches.h"
#include "core/random.h"
#include "scrna/good_turing.h"
#include "stats/multiple_testing.h"

namespace immucan::scrna {

namespace {

constexpr double kRelativeTie = 1e-9;  // sums of the same terms in another order are equal
constexpr std::size_t kSimulationsPerUnit = 64;
constexpr double kSizeDeviations = 4, kLeastSpread = 0.35;
constexpr double kSmallDataMolecules = 100;  // emptyDrops' own bound

/// Draws items with given probabilities in constant time (Walker 1977, Vose 1991).
class AliasTable {
 public:
  explicit AliasTable(std::span<const double> probabilities)
      : keep_(probabilities.size()), other_(probabilities.size()) {
    const std::size_t n = probabilities.size();
    std::vector<double> scaled;
    std::vector<std::uint32_t> small, large;
    for (std::size_t i = 0; i < n; ++i) {
      scaled.push_back(probabilities[i] * static_cast<double>(n));
      (scaled[i] < 1 ? small : large).push_back(static_cast<std::uint32_t>(i));
    }
    while (!small.empty() && !large.empty()) {
      const std::uint32_t low = small.back(), high = large.back();
      small.pop_back();
      keep_[low] = scaled[low];
      other_[low] = high;
      scaled[high] += scaled[low] - 1;
      if (scaled[high] < 1) {
        large.pop_back();
        small.push_back(high);
      }
    }
    for (const auto* rest : {&small, &large}) {
      for (const std::uint32_t i : *rest) {
        keep_[i] = 1;
        other_[i] = i;
      }
    }
  }
  std::uint32_t draw(core::Random& random) const {
    const auto i = static_cast<std::uint32_t>(random.below(keep_.size()));
    return random.uniform() < keep_[i] ? i : other_[i];
  }

 private:
  std::vector<double> keep_;
  std::vector<std::uint32_t> other_;
};

std::vector<double> ambient_profile(const io::CsrMatrix& counts, std::span<const std::size_t> ranked,
                                    std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> sums(counts.columns, 0);
  std::vector<bool> detected(counts.columns, false);
  for (std::size_t e = 0; e < counts.stored(); ++e) {
    if (counts.value[e] > 0) detected[static_cast<std::size_t>(counts.column[e])] = true;
  }
  for (std::uint64_t rank = first; rank < last; ++rank) {
    const auto columns = counts.row_columns(ranked[rank]);
    const auto values = counts.row_values(ranked[rank]);
    for (std::size_t e = 0; e < columns.size(); ++e)
      sums[static_cast<std::size_t>(columns[e])] += static_cast<std::uint64_t>(values[e]);
  }
  std::vector<std::uint64_t> known;
  for (std::size_t g = 0; g < sums.size(); ++g) {
    if (detected[g]) known.push_back(sums[g]);
  }
  const std::vector<double> probabilities = good_turing(known);
  std::vector<double> out(counts.columns, 0.0);
  if (probabilities.empty()) return {};
  for (std::size_t g = 0, at = 0; g < out.size(); ++g) {
    if (detected[g]) out[g] = probabilities[at++];
  }
  return out;
}

/// Log-probability of a barcode's counts; features that the profile gives nothing count as half a molecule would.
double log_multinomial(const io::CsrMatrix& counts, std::size_t row, std::span<const double> log_ambient,
                       std::span<const double> log_factorial) {
  const auto columns = counts.row_columns(row);
  const auto values = counts.row_values(row);
  double sum = 0;
  std::size_t total = 0;
  for (std::size_t e = 0; e < columns.size(); ++e) {
    const auto count = static_cast<std::size_t>(values[e]);
    total += count;
    sum += static_cast<double>(values[e]) * log_ambient[static_cast<std::size_t>(columns[e])] - log_factorial[count];
  }
  return sum + log_factorial[total];
}

/// How many simulations are no more probable than each candidate. Candidates ascend in molecules.
std::vector<std::uint64_t> count_lower(std::span<const EmptyDropsCandidate> ascending, std::span<const double> ambient,
                                       const EmptyDropsOptions& options, const core::RunContext& context) {
  std::vector<double> probabilities, logs;
  for (const double p : ambient) {
    if (!(p > 0)) continue;
    probabilities.push_back(p);
    logs.push_back(std::log(p));
  }
  const AliasTable table(probabilities);
  const std::uint64_t most = ascending.back().molecules;
  std::vector<double> log_integer(most + 1, 0.0);
  for (std::uint64_t i = 2; i <= most; ++i) log_integer[i] = std::log(static_cast<double>(i));
  const std::size_t units = (options.simulations + kSimulationsPerUnit - 1) / kSimulationsPerUnit;
  std::vector<std::vector<std::uint32_t>> lower(units);
  core::parallel_for(
      context.threads, units,
      [&](std::size_t unit) {
        std::vector<std::uint32_t>& mine = lower[unit];
        mine.assign(ascending.size(), 0);
        std::vector<std::uint32_t> drawn(probabilities.size());
        const std::uint64_t end = std::min<std::uint64_t>(options.simulations, (unit + 1) * kSimulationsPerUnit);
        for (std::uint64_t simulation = unit * kSimulationsPerUnit; simulation < end; ++simulation) {
          core::Random random(context.seed, simulation);
          std::ranges::fill(drawn, 0u);
          double sum = 0;
          std::size_t at = 0;
          for (std::uint64_t molecule = 1; molecule <= most; ++molecule) {
            const std::uint32_t gene = table.draw(random);
            sum += logs[gene] + log_integer[molecule] - log_integer[++drawn[gene]];
            for (; at < ascending.size() && ascending[at].molecules == molecule; ++at) {
              const double observed = ascending[at].log_probability;
              if (sum <= observed + kRelativeTie * (1 + std::abs(observed))) ++mine[at];
            }
          }
        }
      },
      &context.interrupt);
  std::vector<std::uint64_t> sums(ascending.size(), 0);
  for (const auto& part : lower) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += part[i];
  }
  return sums;
}

/// Ranks and least molecules, scaled to small data.
void choose_bounds(std::span<const std::size_t> ranked, std::span<const std::uint64_t> molecules, std::size_t called,
                   const EmptyDropsOptions& options, EmptyDropsResult& out) {
  const std::uint64_t n = ranked.size();
  out.ambient_last = std::min(n, options.ambient_last);
  out.ambient_first = options.ambient_first;
  if (n < options.ambient_last)
    out.ambient_first = std::min(out.ambient_first, called + (n - std::min<std::uint64_t>(n, called)) / 4);
  const double median = called == 0 ? 0 : static_cast<double>(molecules[ranked[called / 2]]);
  double least = static_cast<double>(options.least_molecules);
  if (n <= options.ambient_first) least = std::min({least, kSmallDataMolecules, median / 10});
  out.least_molecules = static_cast<std::uint64_t>(
      std::max({1.0, std::floor(least), std::floor(options.least_share_of_median * median)}));
}

/// Marks candidates with more molecules than empty droplets have: logarithms of the molecules of all barcodes from the
/// candidates on, the median and the distance to the quantile 0.16 below it (cells among them are above the median).
void test_sizes(std::span<const std::size_t> ranked, std::span<const std::uint64_t> molecules, std::size_t called,
                const EmptyDropsOptions& options, EmptyDropsResult& out) {
  if (!options.size_test || out.ambient_last <= called) return;
  const std::size_t empty = out.ambient_last - called;
  const auto log_at = [&](double share) {
    return std::log(static_cast<double>(
        molecules[ranked[called + static_cast<std::size_t>(share * static_cast<double>(empty - 1))]]));
  };
  const double middle = log_at(0.5), spread = std::max(kLeastSpread, middle - log_at(0.8413));
  out.size_threshold = static_cast<std::uint64_t>(std::ceil(std::exp(middle + kSizeDeviations * spread)));
  for (EmptyDropsCandidate& candidate : out.candidates) candidate.by_size = candidate.molecules >= out.size_threshold;
}

}  // namespace

std::vector<std::size_t> ranked_barcodes(std::span<const std::uint64_t> molecules) {
  std::vector<std::size_t> ranked;
  for (std::size_t i = 0; i < molecules.size(); ++i) {
    if (molecules[i] > 0) ranked.push_back(i);
  }
  std::ranges::stable_sort(ranked, [&](std::size_t a, std::size_t b) { return molecules[a] > molecules[b]; });
  return ranked;
}

EmptyDropsResult empty_drops(const io::CsrMatrix& counts, std::span<const std::uint64_t> molecules,
                             std::span<const std::size_t> called, const EmptyDropsOptions& options,
                             const core::RunContext& context) {
  EmptyDropsResult out;
  const std::vector<std::size_t> ranked = ranked_barcodes(molecules);
  choose_bounds(ranked, molecules, called.size(), options, out);
  if (out.ambient_first >= out.ambient_last) return out;
  out.ambient = ambient_profile(counts, ranked, out.ambient_first, out.ambient_last);
  if (out.ambient.empty()) return out;
  const std::size_t end =
      std::min<std::size_t>({ranked.size(), called.size() + options.most_candidates, out.ambient_first});
  for (std::size_t rank = called.size(); rank < end && molecules[ranked[rank]] >= out.least_molecules; ++rank)
    out.candidates.push_back({.barcode = ranked[rank], .molecules = molecules[ranked[rank]]});
  if (out.candidates.empty()) return out;
  test_sizes(ranked, molecules, called.size(), options, out);

  // Where every detected feature was seen once or more and none exactly once, the unseen have no probability.
  double smallest = 1;
  for (const double p : out.ambient) {
    if (p > 0) smallest = std::min(smallest, p);
  }
  std::vector<double> log_ambient;
  for (const double p : out.ambient) log_ambient.push_back(std::log(p > 0 ? p : smallest / 2));
  std::vector<double> log_factorial(out.candidates.front().molecules + 1, 0.0);
  for (std::size_t i = 2; i < log_factorial.size(); ++i)
    log_factorial[i] = log_factorial[i - 1] + std::log(static_cast<double>(i));
  for (EmptyDropsCandidate& candidate : out.candidates)
    candidate.log_probability = log_multinomial(counts, candidate.barcode, log_ambient, log_factorial);

  std::vector<EmptyDropsCandidate> ascending(out.candidates.rbegin(), out.candidates.rend());
  const std::vector<std::uint64_t> lower = count_lower(ascending, out.ambient, options, context);
  std::vector<double> p;
  for (std::size_t i = 0; i < out.candidates.size(); ++i) {
    out.candidates[i].p =
        (1 + static_cast<double>(lower[lower.size() - 1 - i])) / (1 + static_cast<double>(options.simulations));
    p.push_back(out.candidates[i].p);
  }
  const std::vector<double> adjusted = stats::benjamini_hochberg(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    out.candidates[i].fdr = adjusted[i];
    if (adjusted[i] <= options.false_discovery_rate || out.candidates[i].by_size)
      out.cells.push_back(out.candidates[i].barcode);
  }
  std::ranges::sort(out.cells);
  return out;
}

}  // namespace immucan::scrna
