#include "scrna/ligand_receptor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/random.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/distributions.h"
#include "stats/multiple_testing.h"

namespace immucan::scrna {

namespace {

constexpr double kScale = 1e4;
constexpr double kUnits = 1 << 20;  // expression in whole units: sums do not depend on their order
constexpr std::uint64_t kFewExceedances = 10;
constexpr std::uint64_t kStream = 0x17;
constexpr std::size_t kPermutationsPerUnit = 50;

std::vector<std::string> subunits(const io::TsvReader& table, std::size_t column) {
  const std::string_view text = table.field(column);
  if (core::is_missing(text)) table.fail(column, "a missing name", "Fill or remove the row");
  std::vector<std::string> out;
  for (const std::string_view part : core::split(text, '+')) {
    if (part.empty())
      table.fail(column, fmt::format("'{}' has an empty subunit", core::printable(text)),
                 "Join subunits by a single +");
    if (std::ranges::find(out, part) != out.end())
      table.fail(column, fmt::format("the subunit '{}' occurs twice", core::printable(part)),
                 "Name every subunit once");
    out.emplace_back(part);
  }
  return out;
}

/// Of one gene: its expression in whole units, cells that have it.
struct GeneExpression {
  std::vector<std::uint32_t> cell;
  std::vector<std::int64_t> units;
  std::vector<double> linear;  ///< counts per ten thousand
};

/// Moments of the shuffled sums of a gene in a type.
struct Moments {
  double sum = 0, squares = 0, cubes = 0;
  std::uint64_t exceeded = 0;
};

double tail(const Moments& moments, double observed, double n) {
  const double mean = moments.sum / n;
  const double variance = moments.squares / n - mean * mean;
  if (!(variance > 0)) return 1;
  const double deviation = std::sqrt(variance);
  const double skew = (moments.cubes / n - 3 * mean * variance - mean * mean * mean) / (variance * deviation);
  const double z = (observed - mean) / deviation;
  if (skew < 0.01) return stats::normal_cdf(-z);
  const double shape = 4 / (skew * skew), scale = skew / 2;
  const double x = (z + 2 / skew) / scale;
  return x > 0 ? stats::chi_squared_upper(2 * x, 2 * shape) : 1;
}

class Scorer {
 public:
  Scorer(const io::CsrMatrix& counts, const std::vector<std::optional<std::size_t>>& type, std::size_t types,
         const InteractionOptions& options, const core::RunContext& context)
      : types_(types), options_(options), context_(context), sizes_(types, 0) {
    for (std::size_t i = 0; i < type.size(); ++i) {
      if (!type[i]) continue;
      cells_.push_back(i);
      labels_.push_back(static_cast<std::uint32_t>(*type[i]));
      ++sizes_[*type[i]];
    }
    const io::CsrMatrix chosen = io::select_rows(counts, cells_);
    for (std::size_t i = 0; i < chosen.rows; ++i) {
      double sum = 0;
      for (const float value : chosen.row_values(i)) sum += static_cast<double>(value);
      depth_.push_back(sum);
    }
    by_gene_ = io::transpose(chosen);
  }

  /// Index of a gene among those scored.
  std::size_t add(std::size_t column) {
    const auto [entry, fresh] = place_.emplace(column, genes_.size());
    if (!fresh) return entry->second;
    GeneExpression gene;
    const auto cells = by_gene_.row_columns(column);
    const auto values = by_gene_.row_values(column);
    for (std::size_t e = 0; e < cells.size(); ++e) {
      const auto cell = static_cast<std::size_t>(cells[e]);
      if (!(values[e] > 0)) continue;
      gene.cell.push_back(static_cast<std::uint32_t>(cell));
      gene.linear.push_back(kScale * static_cast<double>(values[e]) / depth_[cell]);
      gene.units.push_back(std::llround(kUnits * std::log1p(gene.linear.back())));
    }
    genes_.push_back(std::move(gene));
    return entry->second;
  }

  void run() {
    observed_ = sums(labels_);
    expressed_.assign(genes_.size() * types_, 0);
    for (std::size_t g = 0; g < genes_.size(); ++g) {
      for (const std::uint32_t cell : genes_[g].cell) ++expressed_[g * types_ + labels_[cell]];
    }
    linear_.assign(genes_.size() * types_, 0.0);
    for (std::size_t g = 0; g < genes_.size(); ++g) {
      for (std::size_t e = 0; e < genes_[g].cell.size(); ++e)
        linear_[g * types_ + labels_[genes_[g].cell[e]]] += genes_[g].linear[e];
    }
    const std::size_t units = (options_.permutations + kPermutationsPerUnit - 1) / kPermutationsPerUnit;
    std::vector<std::vector<Moments>> parts(units);
    core::parallel_for(
        context_.threads, units,
        [&](std::size_t unit) {
          parts[unit].resize(genes_.size() * types_);
          const std::size_t end = std::min(options_.permutations, (unit + 1) * kPermutationsPerUnit);
          for (std::size_t permutation = unit * kPermutationsPerUnit; permutation < end; ++permutation) {
            core::Random random(context_.seed, kStream * 1000003 + permutation);
            std::vector<std::uint32_t> shuffled = labels_;
            random.shuffle(std::span(shuffled));
            const std::vector<std::int64_t> drawn = sums(shuffled);
            for (std::size_t i = 0; i < drawn.size(); ++i) {
              Moments& moments = parts[unit][i];
              const double value = static_cast<double>(drawn[i]) / kUnits;
              moments.sum += value;
              moments.squares += value * value;
              moments.cubes += value * value * value;
              moments.exceeded += drawn[i] >= observed_[i] ? 1 : 0;
            }
          }
        },
        &context_.interrupt);
    const double n = static_cast<double>(options_.permutations);
    for (std::size_t i = 0; i < observed_.size(); ++i) {
      Moments all;
      for (const auto& part : parts) {
        all.sum += part[i].sum;
        all.squares += part[i].squares;
        all.cubes += part[i].cubes;
        all.exceeded += part[i].exceeded;
      }
      double p = (1 + static_cast<double>(all.exceeded)) / (1 + n);
      if (all.exceeded < kFewExceedances) p = std::min(p, tail(all, static_cast<double>(observed_[i]) / kUnits, n));
      p_.push_back(p);
    }
  }

  [[nodiscard]] bool large(std::size_t type) const { return sizes_[type] >= options_.least_cells; }
  [[nodiscard]] double mean(std::size_t gene, std::size_t type) const {
    return static_cast<double>(observed_[gene * types_ + type]) / kUnits / static_cast<double>(sizes_[type]);
  }
  [[nodiscard]] double fold(std::size_t gene, std::size_t type) const {
    double others = 0;
    for (std::size_t t = 0; t < types_; ++t) others += t == type ? 0 : linear_[gene * types_ + t];
    const double outside = static_cast<double>(cells_.size() - sizes_[type]);
    return linear_[gene * types_ + type] / static_cast<double>(sizes_[type]) /
           std::max(others / std::max(1.0, outside), 1e-9);
  }
  [[nodiscard]] double p(std::size_t gene, std::size_t type) const { return p_[gene * types_ + type]; }
  [[nodiscard]] bool expressed(std::size_t gene, std::size_t type) const {
    return static_cast<double>(expressed_[gene * types_ + type]) >=
           options_.least_expressed * static_cast<double>(sizes_[type]);
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> sums(const std::vector<std::uint32_t>& labels) const {
    std::vector<std::int64_t> out(genes_.size() * types_, 0);
    for (std::size_t g = 0; g < genes_.size(); ++g) {
      std::int64_t* row = out.data() + g * types_;
      for (std::size_t e = 0; e < genes_[g].cell.size(); ++e) row[labels[genes_[g].cell[e]]] += genes_[g].units[e];
    }
    return out;
  }

  std::size_t types_;
  const InteractionOptions& options_;
  const core::RunContext& context_;
  std::vector<std::size_t> cells_, sizes_;
  std::vector<std::uint32_t> labels_;
  std::vector<double> depth_, linear_, p_;
  io::CsrMatrix by_gene_;
  std::unordered_map<std::size_t, std::size_t> place_;
  std::vector<GeneExpression> genes_;
  std::vector<std::int64_t> observed_;
  std::vector<std::uint64_t> expressed_;
};

/// One side of a pair in one type.
struct Side {
  double mean = std::numeric_limits<double>::infinity(), fold = mean, p = 0;
  bool expressed = true;
};

Side side_of(const Scorer& scorer, const std::vector<std::size_t>& genes, std::size_t type) {
  Side side;
  for (const std::size_t gene : genes) {
    side.mean = std::min(side.mean, scorer.mean(gene, type));
    side.fold = std::min(side.fold, scorer.fold(gene, type));
    side.p = std::max(side.p, scorer.p(gene, type));
    side.expressed = side.expressed && scorer.expressed(gene, type);
  }
  return side;
}

}  // namespace

std::string LigandReceptor::name() const {
  return core::join(ligand, "+") + "-" + core::join(receptor, "+");
}

std::vector<LigandReceptor> read_ligand_receptor(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const std::size_t ligand = table.require("ligand"), receptor = table.require("receptor");
  std::vector<LigandReceptor> out;
  std::set<std::string> seen;
  while (table.next()) {
    out.push_back({subunits(table, ligand), subunits(table, receptor)});
    if (!seen.insert(out.back().name()).second)
      table.fail(ligand, fmt::format("the pair '{}' occurs twice", core::printable(out.back().name())),
                 "Keep one of them");
  }
  if (out.empty()) core::raise({table.name(), core::Place::none(), "no pair", "One row per pair: ligand and receptor"});
  return out;
}

InteractionResult score_interactions(const io::CsrMatrix& counts, const std::vector<std::string>& gene_names,
                                     const std::vector<std::optional<std::size_t>>& type, std::size_t types,
                                     const std::vector<LigandReceptor>& pairs, const InteractionOptions& options,
                                     const core::RunContext& context) {
  Scorer scorer(counts, type, types, options, context);
  std::unordered_map<std::string_view, std::size_t> column;
  for (std::size_t i = 0; i < gene_names.size(); ++i) column.emplace(gene_names[i], i);
  const auto rows_of = [&](const std::vector<std::string>& names) {
    std::vector<std::size_t> rows;
    for (const std::string& name : names) {
      const auto found = column.find(name);
      if (found == column.end()) return std::vector<std::size_t>();
      rows.push_back(scorer.add(found->second));
    }
    return rows;
  };
  std::vector<std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> genes;
  for (const LigandReceptor& pair : pairs) genes.emplace_back(rows_of(pair.ligand), rows_of(pair.receptor));
  scorer.run();
  InteractionResult out;
  std::vector<double> p;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    out.score.emplace_back(types * types, std::numeric_limits<double>::quiet_NaN());
    if (genes[i].first.empty() || genes[i].second.empty()) continue;
    for (std::size_t sender = 0; sender < types; ++sender) {
      if (!scorer.large(sender)) continue;
      const Side ligand = side_of(scorer, genes[i].first, sender);
      for (std::size_t receiver = 0; receiver < types; ++receiver) {
        if (!scorer.large(receiver)) continue;
        const Side receptor = side_of(scorer, genes[i].second, receiver);
        const double score = std::sqrt(ligand.mean * receptor.mean);
        out.score[i][sender * types + receiver] = score;
        if (!ligand.expressed || !receptor.expressed) continue;
        out.tested.push_back({i, sender, receiver, ligand.mean, receptor.mean, score,
                              std::min(ligand.fold, receptor.fold), std::max(ligand.p, receptor.p), 1, false});
        p.push_back(out.tested.back().p);
      }
    }
  }
  const std::vector<double> fdr = stats::benjamini_hochberg(p);
  for (std::size_t i = 0; i < fdr.size(); ++i) {
    out.tested[i].fdr = fdr[i];
    out.tested[i].called = fdr[i] <= options.false_discovery_rate && out.tested[i].fold >= options.least_fold;
  }
  return out;
}

}  // namespace immucan::scrna
