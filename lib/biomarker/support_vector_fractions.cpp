#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "biomarker/deconvolution.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "stats/nu_svr.h"

namespace immucan::biomarker {

namespace {

constexpr std::array<double, 3> kNu{0.25, 0.5, 0.75};

/// To mean 0 and deviation 1 (n - 1) over all values; false when they do not vary.
bool standardise(std::vector<double>& values) {
  double mean = 0, square = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  for (const double v : values) square += (v - mean) * (v - mean);
  const double deviation = std::sqrt(square / static_cast<double>(values.size() - 1));
  if (!(deviation > 0)) return false;
  for (double& v : values) v = (v - mean) / deviation;
  return true;
}

struct Candidate {
  std::vector<double> fractions;
  double rmse = std::numeric_limits<double>::infinity(), correlation = std::numeric_limits<double>::quiet_NaN();
};

Candidate candidate(const std::vector<double>& x, const std::vector<double>& y, double nu) {
  Candidate result;
  result.fractions = stats::nu_svr(x, y, {.nu = nu}).w;
  double sum = 0;
  for (double& w : result.fractions) sum += w = std::max(0.0, w);
  if (!(sum > 0)) return {};
  for (double& w : result.fractions) w /= sum;
  const std::size_t types = result.fractions.size();
  std::vector<double> fitted(y.size(), 0.0);
  double square = 0;
  for (std::size_t gene = 0; gene < y.size(); ++gene) {
    for (std::size_t i = 0; i < types; ++i) fitted[gene] += x[gene * types + i] * result.fractions[i];
    square += (fitted[gene] - y[gene]) * (fitted[gene] - y[gene]);
  }
  result.rmse = std::sqrt(square / static_cast<double>(y.size()));
  if (!standardise(fitted)) return result;
  result.correlation = 0;
  for (std::size_t gene = 0; gene < y.size(); ++gene) {
    result.correlation += fitted[gene] * y[gene] / static_cast<double>(y.size() - 1);  // y is standardised
  }
  return result;
}

}  // namespace

ScoreTable cibersort_fractions(const io::MatrixTable& tpm, const SignatureMatrix& signature, double min_coverage,
                               unsigned threads, const core::InterruptSource* interrupt) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t row = 0; row < tpm.rows(); ++row) row_of.emplace(tpm.row_names[row], row);
  const std::size_t types = signature.types.size();
  std::vector<std::size_t> rows;
  std::vector<double> x;
  for (std::size_t gene = 0; gene < signature.genes.size(); ++gene) {
    const auto found = row_of.find(signature.genes[gene]);
    if (found == row_of.end()) continue;
    rows.push_back(found->second);
    for (std::size_t i = 0; i < types; ++i) x.push_back(signature.at(gene, i));
  }
  const bool enough = static_cast<double>(rows.size()) >= min_coverage * static_cast<double>(signature.genes.size());
  if (!enough || rows.size() < types || rows.size() < 3 || !standardise(x)) {
    core::raise({tpm.name, core::Place::none(),
                 fmt::format("{} of {} genes of {} are measured", rows.size(), signature.genes.size(), signature.name),
                 "Check the gene names (--aliases), or lower --min-coverage"});
  }
  ScoreTable table;
  table.samples = tpm.column_names;
  table.sets = signature.types;
  table.sets.insert(table.sets.end(), {"Correlation", "RMSE"});
  table.values.assign(table.sets.size() * table.samples.size(), std::numeric_limits<double>::quiet_NaN());
  core::parallel_for(
      threads, tpm.columns(),
      [&](std::size_t sample) {
        std::vector<double> y;
        for (const std::size_t row : rows) y.push_back(tpm.row(row)[sample]);
        if (!standardise(y)) return;
        Candidate best;
        for (const double nu : kNu) {
          Candidate next = candidate(x, y, nu);
          if (next.rmse < best.rmse) best = std::move(next);
        }
        if (best.fractions.empty()) return;
        for (std::size_t i = 0; i < types; ++i) table.at(i, sample) = best.fractions[i];
        table.at(types, sample) = best.correlation;
        table.at(types + 1, sample) = best.rmse;
      },
      interrupt);
  return table;
}

}  // namespace immucan::biomarker
