#include "biomarker/gene_set_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr std::size_t kNamesShown = 5;

std::string some_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamesShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + core::printable(names[i]);
  }
  return names.size() > kNamesShown ? text + fmt::format(" and {} more", names.size() - kNamesShown) : text;
}

double variance(std::span<const double> values) {
  double mean = 0, sum = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum;
}

double median(std::vector<double>& values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void merge_rows(const io::MatrixTable& matrix, const std::vector<std::size_t>& rows, DuplicateGenes policy,
                std::span<double> out) {
  if (policy == DuplicateGenes::kMaxVariance || rows.size() == 1) {
    const std::size_t best =
        *std::ranges::max_element(rows, {}, [&](std::size_t row) { return variance(matrix.row(row)); });
    std::ranges::copy(matrix.row(best), out.begin());
    return;
  }
  std::vector<double> values(rows.size());
  for (std::size_t column = 0; column < matrix.columns(); ++column) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      values[i] = matrix.row(rows[i])[column];
      sum += values[i];
    }
    out[column] = policy == DuplicateGenes::kMean ? sum / static_cast<double>(rows.size()) : median(values);
  }
}

}  // namespace

std::vector<SetRows> match_sets(const io::GeneSets& sets, const io::MatrixTable& matrix, const CoverageLimits& limits,
                                const core::Log& log) {
  if (sets.repeated_genes > 0) {
    log.warning(fmt::format("{}: {} genes named twice in their set were counted once", sets.file, sets.repeated_genes));
  }
  std::unordered_map<std::string_view, std::uint32_t> row_of_gene;
  row_of_gene.reserve(matrix.rows());
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    row_of_gene.emplace(matrix.row_names[row], static_cast<std::uint32_t>(row));
  }
  std::vector<SetRows> result;
  std::vector<std::string> absent, thin;
  std::size_t scored = 0;
  for (const io::GeneSet& set : sets.sets) {
    SetRows matched{set.name, {}, set.genes.size(), false};
    for (const std::string& gene : set.genes) {
      const auto found = row_of_gene.find(gene);
      if (found != row_of_gene.end()) matched.rows.push_back(found->second);
    }
    std::ranges::sort(matched.rows, {}, [&](std::uint32_t row) { return std::string_view(matrix.row_names[row]); });
    const double coverage = static_cast<double>(matched.rows.size()) / static_cast<double>(matched.genes);
    matched.scored =
        !matched.rows.empty() && matched.rows.size() >= limits.min_genes && coverage >= limits.min_coverage;
    if (matched.scored) {
      ++scored;
    } else if (matched.rows.empty()) {
      absent.push_back(set.name);
    } else {
      thin.push_back(fmt::format("{}: {} of {}", set.name, matched.rows.size(), matched.genes));
    }
    result.push_back(std::move(matched));
  }
  if (!absent.empty() && !limits.skip_absent) {
    core::raise(core::ParseError{
        sets.file, core::Place::none(),
        fmt::format("no gene of {} of {} sets is in {} ({})", absent.size(), result.size(), matrix.name,
                    some_names(absent)),
        "Check that both use the same gene names, remove these sets, or leave them NA with --skip-absent"});
  }
  if (scored == 0) {
    core::raise(core::ParseError{
        sets.file, core::Place::none(),
        fmt::format("none of {} sets has at least {} measured genes and {} of its genes in {}", result.size(),
                    limits.min_genes, core::format_double(limits.min_coverage), matrix.name),
        "Check that both use the same gene names, or lower --min-genes and --min-coverage"});
  }
  if (!thin.empty() && !limits.skip_thin) {
    core::raise(core::ParseError{
        sets.file, core::Place::none(),
        fmt::format("{} of {} sets have fewer than {} measured genes or {} of their genes in {} ({})", thin.size(),
                    result.size(), limits.min_genes, core::format_double(limits.min_coverage), matrix.name,
                    some_names(thin)),
        "Check the gene names (--aliases), lower --min-genes and --min-coverage, or leave them NA with --skip-thin"});
  }
  thin.insert(thin.end(), absent.begin(), absent.end());
  if (!thin.empty()) {
    log.warning(fmt::format("{} of {} sets have too few measured genes and are NA ({})", thin.size(), result.size(),
                            some_names(thin)));
  }
  return result;
}

io::MatrixTable merge_duplicates(io::MatrixTable matrix, DuplicateGenes policy) {
  std::unordered_map<std::string_view, std::size_t> place;
  std::vector<std::vector<std::size_t>> rows;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    const auto [entry, inserted] = place.try_emplace(matrix.row_names[row], rows.size());
    if (inserted) rows.emplace_back();
    rows[entry->second].push_back(row);
  }
  if (rows.size() == matrix.rows()) return matrix;
  io::MatrixTable merged;
  merged.name = matrix.name;
  merged.column_names = matrix.column_names;
  for (const auto& same : rows) merge_rows(matrix, same, policy, merged.add_row(matrix.row_names[same.front()]));
  return merged;
}

}  // namespace immucan::biomarker
