#include "scrna/tag_demultiplexing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/distributions.h"

namespace immucan::scrna {

namespace {

constexpr int kMostIterations = 200;
constexpr double kConverged = 1e-7;  // relative change of the log-likelihood
constexpr double kLeastSize = 0.05, kMostSize = 1e4;
constexpr double kLeastRatio = 3, kLeastGap = 1;  // of the means
constexpr double kLeastShare = 1e-6;
constexpr double kPseudo = 0.01;
constexpr std::size_t kLeastCells = 10;

/// Distinct counts of one tag, and which of them each cell has.
struct TagCounts {
  std::vector<double> values;
  std::vector<std::uint32_t> level;
  std::vector<double> log_factorial;
};

TagCounts make_counts(const std::vector<double>& counts) {
  TagCounts out;
  std::map<double, std::uint32_t> place;
  for (const double count : counts) place[count] = 0;
  for (auto& [value, at] : place) {
    at = static_cast<std::uint32_t>(out.values.size());
    out.values.push_back(value);
    out.log_factorial.push_back(stats::log_gamma(value + 1));
  }
  for (const double count : counts) out.level.push_back(place[count]);
  return out;
}

std::vector<double> log_probabilities(const TagCounts& counts, const NegativeBinomial& model) {
  const double base = model.size * std::log(model.size / (model.size + model.mean)) - stats::log_gamma(model.size);
  const double log_mean = std::log(model.mean / (model.size + model.mean));
  std::vector<double> out;
  for (std::size_t i = 0; i < counts.values.size(); ++i) {
    out.push_back(base + stats::log_gamma(counts.values[i] + model.size) - counts.log_factorial[i] +
                  counts.values[i] * log_mean);
  }
  return out;
}

/// Weighted maximum likelihood; `weight` per distinct count. A pseudo-observation keeps the mean above 0.
NegativeBinomial fit(const TagCounts& counts, const std::vector<double>& weight, const NegativeBinomial& before) {
  double total = kPseudo, sum = kPseudo * std::max(before.mean, 0.1);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    total += weight[i];
    sum += weight[i] * counts.values[i];
  }
  NegativeBinomial out{sum / total, before.size};
  if (total < 5) return out;  // the size is not to be had from a few cells
  const auto slope = [&](double size) {
    double value = 0;
    const double constant = std::log(size / (size + out.mean)) - stats::digamma(size);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      if (weight[i] > 0)
        value += weight[i] * (stats::digamma(counts.values[i] + size) + constant -
                              (counts.values[i] - out.mean) / (size + out.mean));
    }
    return value;
  };
  double low = std::log(kLeastSize), high = std::log(kMostSize);
  if (slope(kMostSize) > 0) return {out.mean, kMostSize};
  if (slope(kLeastSize) < 0) return {out.mean, kLeastSize};
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2;
    (slope(std::exp(middle)) > 0 ? low : high) = middle;
  }
  out.size = std::exp((low + high) / 2);
  return out;
}

class Mixture {
 public:
  explicit Mixture(const io::CsrMatrix& counts) : cells_(counts.rows), tags_(counts.columns) {
    const io::CsrMatrix by_tag = io::transpose(counts);
    for (std::size_t t = 0; t < tags_; ++t) {
      std::vector<double> values(cells_, 0.0);
      const auto rows = by_tag.row_columns(t);
      for (std::size_t e = 0; e < rows.size(); ++e)
        values[static_cast<std::size_t>(rows[e])] = static_cast<double>(by_tag.row_values(t)[e]);
      counts_.push_back(make_counts(values));
    }
    begin();
  }

  TagResult run(const TagOptions& options) {
    double before = -std::numeric_limits<double>::infinity();
    for (result_.iterations = 1; result_.iterations <= kMostIterations; ++result_.iterations) {
      const double likelihood = step();
      if (std::abs(likelihood - before) <= kConverged * std::abs(likelihood)) break;
      before = likelihood;
    }
    result_.iterations = std::min(result_.iterations, kMostIterations);
    step();  // probabilities under the final parameters
    for (TagAssignment& cell : result_.cells) classify(cell, options.confidence);
    return std::move(result_);
  }

 private:
  /// Every cell carries the tag that stands highest over its own median.
  void begin() {
    std::vector<double> median;
    for (const TagCounts& counts : counts_) {
      std::vector<std::uint32_t> levels = counts.level;
      const auto middle = levels.begin() + static_cast<std::ptrdiff_t>(levels.size() / 2);
      std::ranges::nth_element(levels, middle);
      median.push_back(std::log1p(counts.values[*middle]));
    }
    std::vector<std::vector<double>> carried(tags_), bare(tags_);
    for (std::size_t t = 0; t < tags_; ++t) {
      carried[t].assign(counts_[t].values.size(), 0.0);
      bare[t] = carried[t];
    }
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      std::size_t best = 0;
      double highest = -std::numeric_limits<double>::infinity();
      for (std::size_t t = 0; t < tags_; ++t) {
        const double above = std::log1p(counts_[t].values[counts_[t].level[cell]]) - median[t];
        if (above > highest) {
          highest = above;
          best = t;
        }
      }
      for (std::size_t t = 0; t < tags_; ++t) (t == best ? carried : bare)[t][counts_[t].level[cell]] += 1;
    }
    for (std::size_t t = 0; t < tags_; ++t) {
      TagFit tag;
      tag.background = fit(counts_[t], bare[t], {1, 1});
      tag.positive = fit(counts_[t], carried[t], {kLeastRatio, 1});
      tag.share = 1 / static_cast<double>(tags_);
      separate(tag);
      result_.tags.push_back(tag);
    }
    result_.negative = 0.05;
    result_.doublet = 0.05;
    result_.cells.resize(cells_);
  }

  static void separate(TagFit& tag) {
    tag.positive.mean =
        std::max({tag.positive.mean, kLeastRatio * tag.background.mean, tag.background.mean + kLeastGap});
  }

  /// One round; returns the log-likelihood.
  double step() {
    std::vector<std::vector<double>> background, positive;
    std::vector<std::vector<double>> bare(tags_), carried(tags_);
    for (std::size_t t = 0; t < tags_; ++t) {
      background.push_back(log_probabilities(counts_[t], result_.tags[t].background));
      positive.push_back(log_probabilities(counts_[t], result_.tags[t].positive));
      bare[t].assign(counts_[t].values.size(), 0.0);
      carried[t] = bare[t];
    }
    double pairs = 0;
    for (std::size_t t = 0; t < tags_; ++t) {
      for (std::size_t u = 0; u < t; ++u) pairs += result_.tags[t].share * result_.tags[u].share;
    }
    double likelihood = 0, negatives = 0, doublets = 0;
    std::vector<double> marks(tags_, 0.0), gain(tags_), with(tags_);
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      double base = 0;
      for (std::size_t t = 0; t < tags_; ++t) {
        const std::uint32_t level = counts_[t].level[cell];
        base += background[t][level];
        gain[t] = std::log(result_.tags[t].share) + positive[t][level] - background[t][level];
      }
      likelihood += base + posterior(gain, pairs, with, result_.cells[cell]);
      negatives += result_.cells[cell].negative;
      doublets += result_.cells[cell].doublet;
      for (std::size_t t = 0; t < tags_; ++t) {
        marks[t] += with[t];
        carried[t][counts_[t].level[cell]] += with[t];
        bare[t][counts_[t].level[cell]] += 1 - with[t];
      }
    }
    const double n = static_cast<double>(cells_);
    result_.negative = std::clamp(negatives / n, kLeastShare, 1 - kLeastShare);
    result_.doublet = std::clamp(doublets / n, kLeastShare, 1 - kLeastShare);
    const double marked = std::max(kLeastShare, std::accumulate(marks.begin(), marks.end(), 0.0));
    for (std::size_t t = 0; t < tags_; ++t) {
      TagFit& tag = result_.tags[t];
      tag.background = fit(counts_[t], bare[t], tag.background);
      tag.positive = fit(counts_[t], carried[t], tag.positive);
      tag.share = std::max(kLeastShare, marks[t] / marked);
      separate(tag);
    }
    return likelihood;
  }

  /// Fills the probabilities of a cell and, per tag, that the cell carries it; returns the log-likelihood over that of
  /// carrying nothing.
  double posterior(const std::vector<double>& gain, double pairs, std::vector<double>& with,
                   TagAssignment& cell) const {
    const double single = std::log(std::max(kLeastShare, 1 - result_.negative - result_.doublet));
    const double pair = std::log(result_.doublet / std::max(pairs, std::numeric_limits<double>::min()));
    double highest = std::log(result_.negative);
    for (std::size_t t = 0; t < tags_; ++t) {
      highest = std::max(highest, single + gain[t]);
      for (std::size_t u = 0; u < t; ++u) highest = std::max(highest, pair + gain[t] + gain[u]);
    }
    cell.negative = std::exp(std::log(result_.negative) - highest);
    cell.singlet = cell.doublet = 0;
    double best_single = -1, best_pair = -1;
    std::size_t alone = 0, first = 0, second = 0;
    std::ranges::fill(with, 0.0);
    for (std::size_t t = 0; t < tags_; ++t) {
      const double one = std::exp(single + gain[t] - highest);
      cell.singlet += one;
      with[t] += one;
      if (one > best_single) {
        best_single = one;
        alone = t;
      }
      for (std::size_t u = 0; u < t; ++u) {
        const double two = std::exp(pair + gain[t] + gain[u] - highest);
        cell.doublet += two;
        with[t] += two;
        with[u] += two;
        if (two > best_pair) {
          best_pair = two;
          first = gain[t] >= gain[u] ? t : u;
          second = first == t ? u : t;
        }
      }
    }
    const double sum = cell.negative + cell.singlet + cell.doublet;
    cell.negative /= sum;
    cell.singlet /= sum;
    cell.doublet /= sum;
    for (double& value : with) value /= sum;
    const bool two = cell.doublet > cell.singlet;
    cell.first = two ? first : alone;
    cell.second = second;
    return highest + std::log(sum);
  }

  static void classify(TagAssignment& cell, double confidence) {
    const double highest = std::max({cell.negative, cell.singlet, cell.doublet});
    if (highest < confidence) {
      cell.tag_class = TagClass::kUncertain;
    } else if (highest == cell.singlet) {
      cell.tag_class = TagClass::kSinglet;
    } else {
      cell.tag_class = highest == cell.doublet ? TagClass::kDoublet : TagClass::kNegative;
    }
  }

  std::size_t cells_, tags_;
  std::vector<TagCounts> counts_;
  TagResult result_;
};

}  // namespace

std::string_view name_of(TagClass tag_class) {
  switch (tag_class) {
    case TagClass::kNegative:
      return "negative";
    case TagClass::kSinglet:
      return "singlet";
    case TagClass::kDoublet:
      return "doublet";
    case TagClass::kUncertain:
      break;
  }
  return "uncertain";
}

TagResult assign_tags(const io::CsrMatrix& counts, const TagOptions& options) {
  if (counts.columns < 2)
    core::raise_usage(fmt::format("{} tags: at least two are needed to tell samples apart.", counts.columns));
  if (counts.rows < kLeastCells) {
    core::raise({"tags", core::Place::none(),
                 fmt::format("{} cells are too few to fit {} tags", counts.rows, counts.columns),
                 "Give at least ten cells"});
  }
  return Mixture(counts).run(options);
}

std::vector<TagSample> read_tag_samples(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const std::size_t tag = table.require("tag"), sample = table.require("sample");
  std::vector<TagSample> out;
  std::unordered_set<std::string> seen;
  while (table.next()) {
    for (const std::size_t column : {tag, sample}) {
      if (core::is_missing(table.field(column))) table.fail(column, "a missing name", "Fill or remove the row");
    }
    if (!seen.emplace(table.field(tag)).second)
      table.fail(tag, fmt::format("the tag '{}' occurs twice", core::printable(table.field(tag))),
                 "Name every tag once");
    out.push_back({std::string(table.field(tag)), std::string(table.field(sample))});
  }
  if (out.empty()) core::raise({table.name(), core::Place::none(), "no tag", "One row per tag: tag and sample"});
  return out;
}

}  // namespace immucan::scrna
