#include "scrna/cell_annotation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "core/ordered_batches.h"
#include "core/random.h"
#include "scrna/cell_space.h"
#include "stats/nearest_neighbours.h"

namespace immucan::scrna {

namespace {

constexpr double kScale = 1e4, kQuantile = 0.99;
constexpr std::size_t kLeastPool = 20;  // genes that random sets are drawn from
constexpr std::uint64_t kStream = 0xa0;
constexpr std::size_t kLeastGeneCells = 10;

double quantile(std::vector<float>& values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return static_cast<double>(*at);
}

/// Smoothed, scaled expression of chosen genes: genes × cells.
class Smoothed {
 public:
  Smoothed(const io::CsrMatrix& counts, const std::vector<std::size_t>& genes, std::size_t neighbours,
           const core::RunContext& context)
      : cells_(counts.rows) {
    const CellSpace space = make_cell_space(counts, {.seed = context.seed, .threads = context.threads});
    std::vector<std::uint32_t> near;
    std::size_t k = 0;
    if (space.dimensions() > 0 && cells_ > 1) {
      k = std::min(cells_ - 1, neighbours);
      near = stats::nearest_neighbours(space.components.scores, space.components.scores, space.dimensions(), k, true,
                                       context.threads);
    }
    std::vector<double> depth(cells_, 0.0);
    std::vector<bool> detected(counts.columns, false);
    for (std::size_t i = 0; i < cells_; ++i) {
      for (const float value : counts.row_values(i)) depth[i] += static_cast<double>(value);
      for (const std::int32_t column : counts.row_columns(i)) detected[static_cast<std::size_t>(column)] = true;
    }
    const auto expressed = static_cast<double>(std::max<std::ptrdiff_t>(1, std::ranges::count(detected, true)));
    const double floor = std::log1p(kScale / expressed / 3);
    const io::CsrMatrix by_gene = io::transpose(counts);
    rows_.resize(genes.size());
    core::parallel_for(context.threads, genes.size(), [&](std::size_t g) {
      std::vector<float> share(cells_, 0.0f), values(cells_);
      const auto cells = by_gene.row_columns(genes[g]);
      for (std::size_t e = 0; e < cells.size(); ++e) {
        const auto cell = static_cast<std::size_t>(cells[e]);
        if (depth[cell] > 0)
          share[cell] = static_cast<float>(static_cast<double>(by_gene.row_values(genes[g])[e]) / depth[cell]);
      }
      for (std::size_t i = 0; i < cells_; ++i) {
        double sum = static_cast<double>(share[i]);
        for (std::size_t n = 0; n < k; ++n) sum += static_cast<double>(share[near[i * k + n]]);
        values[i] = static_cast<float>(std::log1p(kScale * sum / static_cast<double>(k + 1)));
      }
      std::vector<float> copy = values;
      const double top = std::max(floor, quantile(copy, kQuantile));
      for (float& value : values) value = static_cast<float>(std::min(1.0, static_cast<double>(value) / top));
      rows_[g] = std::move(values);
    });
  }
  [[nodiscard]] const std::vector<float>& row(std::size_t gene) const { return rows_[gene]; }
  [[nodiscard]] std::size_t cells() const { return cells_; }

 private:
  std::size_t cells_;
  std::vector<std::vector<float>> rows_;
};

/// Genes of a type that the matrix has, as rows of the smoothed expression.
struct KnownGenes {
  std::vector<std::size_t> positive, negative;
  std::vector<double> positive_weight, negative_weight;
};

/// Mean over the positive genes, each negative one counting against it like one of them.
double score_of(const Smoothed& expression, const KnownGenes& genes, const std::vector<double>& positive_weight,
                const std::vector<double>& negative_weight, std::size_t cell) {
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < genes.positive.size(); ++i) {
    sum += positive_weight[i] * static_cast<double>(expression.row(genes.positive[i])[cell]);
    total += positive_weight[i];
  }
  for (std::size_t i = 0; i < genes.negative.size(); ++i)
    sum -= negative_weight[i] * static_cast<double>(expression.row(genes.negative[i])[cell]);
  return total > 0 ? sum / total : 0;
}

class Annotator {
 public:
  Annotator(const Smoothed& expression, std::vector<KnownGenes> known, std::vector<std::size_t> pool,
            const CellAnnotationOptions& options, const core::RunContext& context)
      : expression_(expression),
        known_(std::move(known)),
        pool_(std::move(pool)),
        options_(options),
        context_(context) {}

  struct Decision {
    std::vector<std::optional<std::size_t>> label;
    std::vector<double> score;
  };

  /// Chooses among sibling types for the given cells.
  [[nodiscard]] Decision decide(const std::vector<std::size_t>& siblings, const std::vector<std::size_t>& cells,
                                std::uint64_t stream) const {
    std::vector<std::size_t> open;
    for (const std::size_t type : siblings) {
      if (!known_[type].positive.empty()) open.push_back(type);
    }
    Decision out{std::vector<std::optional<std::size_t>>(cells.size()),
                 std::vector<double>(cells.size(), std::numeric_limits<double>::quiet_NaN())};
    if (open.empty() || cells.empty() || pool_.empty()) return out;
    const Null null = simulate(open, cells, stream);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      double best = -std::numeric_limits<double>::infinity(), highest = best;
      for (std::size_t t = 0; t < open.size(); ++t) {
        const KnownGenes& genes = known_[open[t]];
        const double score = score_of(expression_, genes, genes.positive_weight, genes.negative_weight, cells[i]);
        highest = std::max(highest, score);
        if ((score - null.mean[t]) / null.deviation[t] < null.threshold || score <= best) continue;
        best = score;
        out.label[i] = open[t];
      }
      out.score[i] = highest;
    }
    return out;
  }

 private:
  struct Null {
    std::vector<double> mean, deviation;
    double threshold = 0;
  };

  [[nodiscard]] Null simulate(const std::vector<std::size_t>& open, const std::vector<std::size_t>& cells,
                              std::uint64_t stream) const {
    // A thousand cells say enough about a quantile.
    std::vector<std::size_t> some = cells;
    core::Random shuffler(context_.seed, kStream + stream);
    if (some.size() > 1000) {
      shuffler.shuffle(std::span(some));
      some.resize(1000);
    }
    const std::size_t sets = options_.random_sets;
    std::vector<std::vector<float>> scores(open.size(), std::vector<float>(sets * some.size()));
    core::parallel_for(context_.threads, sets, [&](std::size_t set) {
      core::Random random(context_.seed, (kStream + stream) * 1000003 + set);
      for (std::size_t t = 0; t < open.size(); ++t) {
        const KnownGenes& model = known_[open[t]];
        const KnownGenes drawn{draw(random, model.positive.size()), draw(random, model.negative.size()), {}, {}};
        for (std::size_t i = 0; i < some.size(); ++i)
          scores[t][set * some.size() + i] =
              static_cast<float>(score_of(expression_, drawn, model.positive_weight, model.negative_weight, some[i]));
      }
    });
    Null null;
    for (const std::vector<float>& values : scores) {
      double sum = 0, squares = 0;
      for (const float value : values) {
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
      }
      const double n = static_cast<double>(values.size());
      null.mean.push_back(sum / n);
      null.deviation.push_back(std::sqrt(std::max(1e-6, squares / n - sum / n * (sum / n))));
    }
    std::vector<float> largest(sets * some.size(), -std::numeric_limits<float>::infinity());
    for (std::size_t t = 0; t < open.size(); ++t) {
      for (std::size_t i = 0; i < largest.size(); ++i)
        largest[i] = std::max(
            largest[i], static_cast<float>((static_cast<double>(scores[t][i]) - null.mean[t]) / null.deviation[t]));
    }
    null.threshold = quantile(largest, 1 - options_.alpha);
    return null;
  }

  [[nodiscard]] std::vector<std::size_t> draw(core::Random& random, std::size_t count) const {
    std::vector<std::size_t> out;
    while (out.size() < std::min(count, pool_.size())) {
      const std::size_t gene = pool_[random.below(pool_.size())];
      if (std::ranges::find(out, gene) == out.end()) out.push_back(gene);
    }
    out.resize(count, pool_.front());
    return out;
  }

  const Smoothed& expression_;
  std::vector<KnownGenes> known_;
  std::vector<std::size_t> pool_;
  const CellAnnotationOptions& options_;
  const core::RunContext& context_;
};

/// Columns of the genes of all types and of a random pool, and each type's place among them.
struct Choice {
  std::vector<std::size_t> columns;
  std::vector<KnownGenes> known;
  std::vector<std::size_t> pool;
};

Choice choose_genes(const io::CsrMatrix& counts, const std::vector<std::string>& names, const CellTypes& types,
                    std::uint64_t seed) {
  Choice out;
  std::unordered_map<std::string_view, std::size_t> column;
  for (std::size_t i = 0; i < names.size(); ++i) column.emplace(names[i], i);
  std::unordered_map<std::size_t, std::size_t> place;
  const auto row_of = [&](std::size_t gene) {
    const auto [entry, fresh] = place.emplace(gene, out.columns.size());
    if (fresh) out.columns.push_back(gene);
    return entry->second;
  };
  for (const CellType& type : types.types) {
    KnownGenes known;
    for (std::size_t i = 0; i < type.genes.size(); ++i) {
      const auto found = column.find(type.genes[i]);
      if (found == column.end()) continue;
      const bool positive = type.weights[i] > 0;
      (positive ? known.positive : known.negative).push_back(row_of(found->second));
      (positive ? known.positive_weight : known.negative_weight).push_back(std::abs(type.weights[i]));
    }
    out.known.push_back(std::move(known));
  }
  out.pool.resize(out.columns.size());
  std::iota(out.pool.begin(), out.pool.end(), std::size_t{0});
  if (out.pool.size() >= kLeastPool) return out;
  // A short table of the user's: other genes fill the pool.
  std::vector<std::size_t> cells(counts.columns, 0), detected;
  for (const std::int32_t gene : counts.column) ++cells[static_cast<std::size_t>(gene)];
  for (std::size_t g = 0; g < cells.size(); ++g) {
    if (cells[g] >= kLeastGeneCells && !place.contains(g)) detected.push_back(g);
  }
  core::Random random(seed, kStream);
  random.shuffle(std::span(detected));
  for (std::size_t i = 0; i < detected.size() && out.pool.size() < kLeastPool; ++i)
    out.pool.push_back(row_of(detected[i]));
  return out;
}

}  // namespace

CellAnnotation annotate_cells(const io::CsrMatrix& counts, const std::vector<std::string>& gene_names,
                              const CellTypes& types, const CellAnnotationOptions& options,
                              const core::RunContext& context) {
  Choice choice = choose_genes(counts, gene_names, types, context.seed);
  CellAnnotation out;
  for (std::size_t t = 0; t < types.types.size(); ++t) {
    if (choice.known[t].positive.empty()) out.without_genes.push_back(t);
  }
  const auto half_root = static_cast<std::size_t>(std::sqrt(static_cast<double>(counts.rows)) / 2);
  const std::size_t neighbours =
      options.neighbours > 0 ? options.neighbours : std::clamp<std::size_t>(half_root, 5, 15);
  const Smoothed expression(counts, choice.columns, neighbours, context);
  const Annotator annotator(expression, std::move(choice.known), std::move(choice.pool), options, context);
  for (std::size_t level = 0; level < kLevels.size(); ++level) {
    out.label[level] = level == 0 ? std::vector<std::optional<std::size_t>>(counts.rows) : out.label[level - 1];
    out.score[level].assign(counts.rows, std::numeric_limits<double>::quiet_NaN());
    // Siblings by parent; the first group is that of types without one.
    std::map<std::optional<std::size_t>, std::vector<std::size_t>> groups;
    for (std::size_t t = 0; t < types.types.size(); ++t) {
      if (types.types[t].level == level) groups[types.types[t].parent].push_back(t);
    }
    for (const auto& [parent, siblings] : groups) {
      std::vector<std::size_t> cells;
      for (std::size_t i = 0; i < counts.rows; ++i) {
        if (level == 0 || out.label[level - 1][i] == parent) cells.push_back(i);
      }
      const auto decision = annotator.decide(siblings, cells, 1 + siblings.front());
      for (std::size_t i = 0; i < cells.size(); ++i) {
        out.label[level][cells[i]] = decision.label[i];
        out.score[level][cells[i]] = decision.score[i];
      }
    }
    context.interrupt.check();
  }
  return out;
}

}  // namespace immucan::scrna
