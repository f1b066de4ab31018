#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>

#include "biomarker/deconvolution.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/random.h"
#include "stats/nu_svr.h"

namespace immucan::biomarker {

namespace {

constexpr std::array<double, 3> kNu{0.25, 0.5, 0.75};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Fractions are solved to the last digits; of thousands of drawn mixtures, and of the sample beside them, only the
// correlation counts, for which libsvm's tolerance does.
constexpr double kExact = 1e-6, kQuick = 1e-3;

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
  double rmse = std::numeric_limits<double>::infinity(), correlation = kNan;
};

Candidate candidate(const std::vector<double>& x, const std::vector<double>& y, double nu, double tolerance) {
  Candidate result;
  result.fractions = stats::nu_svr(x, y, {.nu = nu, .tolerance = tolerance}).w;
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

/// Of the nu with the least error; no fractions where y does not vary or no weight is positive.
Candidate best_candidate(const std::vector<double>& x, std::vector<double> y, double tolerance) {
  Candidate best;
  if (!standardise(y)) return best;
  for (const double nu : kNu) {
    Candidate next = candidate(x, y, nu, tolerance);
    if (next.rmse < best.rmse) best = std::move(next);
  }
  return best;
}

/// By the sample's name: samples draw independently of each other, and a sample the same in any company.
std::uint64_t stream_of(const std::string& sample) {
  core::Sha256 digest;
  digest.update(sample);
  const auto bytes = digest.bytes();
  std::uint64_t stream = 0;
  for (std::size_t i = 0; i < sizeof stream; ++i) stream = stream << 8 | bytes[i];
  return stream;
}

/// The matrix's genes of the sample against as many of its genes drawn at random.
class PermutationTest {
 public:
  PermutationTest(const std::vector<double>& x, const CibersortOptions& options, unsigned threads,
                  const core::InterruptSource* interrupt)
      : x_(x), options_(options), threads_(threads), interrupt_(interrupt) {}

  /// `all` holds every gene of the sample, `y` those of the matrix.
  [[nodiscard]] double p_value(const std::string& sample, std::vector<double> all, const std::vector<double>& y) const {
    const double observed = best_candidate(x_, y, kQuick).correlation;
    if (std::isnan(observed)) return kNan;
    std::ranges::sort(all);  // the order of the rows says nothing
    const std::uint64_t sample_seed = options_.seed ^ stream_of(sample);
    const auto draws = static_cast<std::size_t>(options_.permutations);
    std::vector<std::uint8_t> reached(draws, 0);
    core::parallel_for(
        threads_, draws,
        [&](std::size_t draw) {
          core::Random random(sample_seed, draw);
          // A draw that no positive weight fits has no correlation and does not reach the sample's.
          const double correlation = best_candidate(x_, drawn(all, y.size(), random), kQuick).correlation;
          reached[draw] = correlation >= observed ? 1 : 0;
        },
        interrupt_);
    const auto count = std::accumulate(reached.begin(), reached.end(), std::size_t{0});
    return static_cast<double>(count + 1) / static_cast<double>(draws + 1);
  }

 private:
  static std::vector<double> drawn(std::vector<double> values, std::size_t count, core::Random& random) {
    for (std::size_t i = 0; i < count; ++i) std::swap(values[i], values[i + random.below(values.size() - i)]);
    values.resize(count);
    return values;
  }

  const std::vector<double>& x_;
  const CibersortOptions& options_;
  unsigned threads_;
  const core::InterruptSource* interrupt_;
};

std::vector<double> column_of(const io::MatrixTable& tpm, std::size_t sample) {
  std::vector<double> values(tpm.rows());
  for (std::size_t row = 0; row < tpm.rows(); ++row) values[row] = tpm.row(row)[sample];
  return values;
}

std::vector<double> chosen(const std::vector<double>& values, const std::vector<std::size_t>& rows) {
  std::vector<double> result;
  for (const std::size_t row : rows) result.push_back(values[row]);
  return result;
}

}  // namespace

ScoreTable cibersort_fractions(const io::MatrixTable& tpm, const SignatureMatrix& signature,
                               const CibersortOptions& options, unsigned threads,
                               const core::InterruptSource* interrupt) {
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
  const bool enough =
      static_cast<double>(rows.size()) >= options.min_coverage * static_cast<double>(signature.genes.size());
  if (!enough || rows.size() < types || rows.size() < 3 || !standardise(x)) {
    core::raise({tpm.name, core::Place::none(),
                 fmt::format("{} of {} genes of {} are measured", rows.size(), signature.genes.size(), signature.name),
                 "Check the gene names (--aliases), or lower --min-coverage"});
  }
  ScoreTable table;
  table.samples = tpm.column_names;
  table.sets = signature.types;
  table.sets.insert(table.sets.end(), {"Correlation", "RMSE"});
  if (options.permutations > 0) table.sets.emplace_back("P_value");
  table.values.assign(table.sets.size() * table.samples.size(), kNan);
  core::parallel_for(
      threads, tpm.columns(),
      [&](std::size_t sample) {
        const Candidate best = best_candidate(x, chosen(column_of(tpm, sample), rows), kExact);
        if (best.fractions.empty()) return;
        for (std::size_t i = 0; i < types; ++i) table.at(i, sample) = best.fractions[i];
        table.at(types, sample) = best.correlation;
        table.at(types + 1, sample) = best.rmse;
      },
      interrupt);
  if (options.permutations <= 0) return table;
  const PermutationTest test(x, options, threads, interrupt);
  for (std::size_t sample = 0; sample < tpm.columns(); ++sample) {
    const std::vector<double> all = column_of(tpm, sample);
    table.at(types + 2, sample) = test.p_value(tpm.column_names[sample], all, chosen(all, rows));
  }
  return table;
}

}  // namespace immucan::biomarker
