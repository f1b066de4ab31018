#include "biomarker/singscore.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "core/ordered_batches.h"
#include "stats/ranks.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMadToDeviation = 1.4826;
constexpr std::size_t kSamplesPerBlock = 16;

/// A row of the result: a set, or an up-set with its down-set.
struct Pair {
  std::string name;
  std::optional<std::size_t> up, down;
};

std::vector<Pair> pair_sets(const std::vector<SetRows>& sets) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < sets.size(); ++i) by_name.emplace(sets[i].name, i);
  const auto find = [&](const std::string& name) {
    const auto found = by_name.find(name);
    return found == by_name.end() ? std::nullopt : std::optional(found->second);
  };
  std::vector<Pair> pairs;
  std::vector<bool> used(sets.size(), false);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (!sets[i].name.ends_with("_UP")) continue;
    const std::string stem = sets[i].name.substr(0, sets[i].name.size() - 3);
    const auto down = find(stem + "_DN") ? find(stem + "_DN") : find(stem + "_DOWN");
    if (down) used[i] = used[*down] = true;
  }
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (!used[i]) {
      pairs.push_back({sets[i].name, i, std::nullopt});
    } else if (sets[i].name.ends_with("_UP")) {
      const std::string stem = sets[i].name.substr(0, sets[i].name.size() - 3);
      pairs.push_back({stem, i, find(stem + "_DN") ? find(stem + "_DN") : find(stem + "_DOWN")});
    }
  }
  return pairs;
}

double median(std::vector<double>& values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, half);
  return values.size() % 2 == 1 ? *half : (*std::max_element(values.begin(), half) + *half) / 2;
}

struct Score {
  double score = kNan, dispersion = kNan;
};

class SampleRanks {
 public:
  explicit SampleRanks(bool known) : known_(known) {}

  void rank(std::span<const double> values) {
    const auto order = sorter_.sort(values);
    ranks_.resize(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
      std::size_t end = begin;
      for (; end < order.size() && values[order[end]] == values[order[begin]]; ++end) {
        ranks_[order[end]] = static_cast<double>(begin + 1);
      }
      begin = end;
    }
    if (known_) return;
    std::vector<double> copy = ranks_;
    const double middle = std::ceil(median(copy));
    for (double& rank : ranks_) rank = std::fabs(rank - middle);
  }

  /// Between 0 and 1.
  [[nodiscard]] Score score(const std::vector<std::uint32_t>& genes) {
    double n = static_cast<double>(genes.size()), p = static_cast<double>(ranks_.size()), sum = 0;
    members_.clear();
    for (const std::uint32_t gene : genes) {
      members_.push_back(ranks_[gene]);
      sum += ranks_[gene];
    }
    const double mean = sum / n;
    if (!known_) {
      n = std::floor(n / 2);
      p = std::ceil(p / 2);
    }
    const double least = (n + 1) / 2, greatest = (2 * p - n + 1) / 2;
    const double centre = median(members_);
    for (double& rank : members_) rank = std::fabs(rank - centre);
    return {greatest > least ? (mean - least) / (greatest - least) : kNan, kMadToDeviation * median(members_)};
  }

 private:
  bool known_;
  stats::RadixArgsort sorter_;
  std::vector<double> ranks_, members_;
};

}  // namespace

SingscoreTable singscore_scores(const io::MatrixTable& matrix, const std::vector<SetRows>& sets, bool known_direction,
                                unsigned threads, const core::InterruptSource* interrupt) {
  const std::vector<Pair> pairs = pair_sets(sets);
  SingscoreTable result;
  result.scores.samples = matrix.column_names;
  for (const Pair& pair : pairs) result.scores.sets.push_back(pair.name);
  result.scores.values.assign(pairs.size() * matrix.columns(), kNan);
  result.dispersions = result.scores;
  const std::size_t genes = matrix.rows(), samples = matrix.columns();
  core::parallel_for(
      threads, (samples + kSamplesPerBlock - 1) / kSamplesPerBlock,
      [&](std::size_t block) {
        const std::size_t first = block * kSamplesPerBlock, count = std::min(kSamplesPerBlock, samples - first);
        std::vector<double> values(genes * count);
        for (std::size_t gene = 0; gene < genes; ++gene) {
          const auto row = matrix.row(gene);
          for (std::size_t i = 0; i < count; ++i) values[i * genes + gene] = row[first + i];
        }
        SampleRanks ranks(known_direction);
        const double centre = known_direction ? 0.5 : 0.0;
        for (std::size_t i = 0; i < count; ++i) {
          ranks.rank(std::span(values).subspan(i * genes, genes));
          for (std::size_t row = 0; row < pairs.size(); ++row) {
            const Pair& pair = pairs[row];
            if (!sets[*pair.up].scored || (pair.down && !sets[*pair.down].scored)) continue;
            Score total = ranks.score(sets[*pair.up].rows);
            total.score -= centre;
            if (pair.down) {
              const Score down = ranks.score(sets[*pair.down].rows);
              // High ranks of a down-set speak against the signature, whatever the direction within it.
              total.score += known_direction ? 1 - down.score - centre : down.score;
              total.dispersion = (total.dispersion + down.dispersion) / 2;
            }
            result.scores.at(row, first + i) = total.score;
            result.dispersions.at(row, first + i) = total.dispersion;
          }
        }
      },
      interrupt);
  return result;
}

}  // namespace immucan::biomarker
