#include "biomarker/deconvolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "biomarker/signature_store.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "io/matrix_table.h"
#include "stats/constrained_ls.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargestLog = 50;  // quanTIseq's rule: a table that stays under 50 is on a log2 scale
constexpr double kFewTregs = 0.02;  // under this share quanTIseq averages with a fit without CD4 T cells
constexpr double kMillion = 1e6;
constexpr double kLeastVariance = 1e-12, kWeightCap = 100;  // EPIC
constexpr double kNearlyAll = 0.99;                         // EPIC without other cells

[[noreturn]] void refuse(const std::string& file, std::string what, std::string remedy) {
  core::raise(core::ParseError{file, core::Place::none(), std::move(what), std::move(remedy)});
}

SignatureMatrix from_table(const io::MatrixTable& table) {
  SignatureMatrix signature{table.name, table.row_names, table.column_names, {}};
  for (std::size_t gene = 0; gene < table.rows(); ++gene) {
    signature.values.insert(signature.values.end(), table.row(gene).begin(), table.row(gene).end());
  }
  return signature;
}

std::unordered_map<std::string_view, std::size_t> rows_by_name(const io::MatrixTable& matrix) {
  std::unordered_map<std::string_view, std::size_t> rows;
  for (std::size_t row = 0; row < matrix.rows(); ++row) rows.emplace(matrix.row_names[row], row);
  return rows;
}

/// Profiles and samples over the same genes.
struct Fit {
  std::vector<double> profiles;   ///< genes × types
  std::vector<std::size_t> rows;  ///< of the matrix
  std::vector<double> weights;    ///< per gene
  std::size_t types = 0;

  [[nodiscard]] std::vector<double> gram() const {
    std::vector<double> result(types * types, 0.0);
    for (std::size_t gene = 0; gene < rows.size(); ++gene) {
      const double* profile = profiles.data() + gene * types;
      for (std::size_t i = 0; i < types; ++i) {
        for (std::size_t j = 0; j < types; ++j) result[i * types + j] += weights[gene] * profile[i] * profile[j];
      }
    }
    return result;
  }
  [[nodiscard]] std::vector<double> right_side(const io::MatrixTable& matrix, std::size_t sample, double scale) const {
    std::vector<double> result(types, 0.0);
    for (std::size_t gene = 0; gene < rows.size(); ++gene) {
      const double value = weights[gene] * matrix.row(rows[gene])[sample] * scale;
      for (std::size_t i = 0; i < types; ++i) result[i] += profiles[gene * types + i] * value;
    }
    return result;
  }
  /// Without one of the types.
  [[nodiscard]] Fit without(std::size_t type) const {
    Fit fit{{}, rows, weights, types - 1};
    for (std::size_t gene = 0; gene < rows.size(); ++gene) {
      for (std::size_t i = 0; i < types; ++i) {
        if (i != type) fit.profiles.push_back(profiles[gene * types + i]);
      }
    }
    return fit;
  }
};

std::vector<double> solved(std::span<const double> gram, std::span<const double> right, double lower, double upper,
                           const std::string& name) {
  std::vector<double> x = stats::bounded_sum_least_squares(gram, right, lower, upper);
  if (x.empty()) {
    refuse(name, "the profiles of the cell types depend on each other over the measured genes",
           "Leave out a cell type, or measure more of its genes");
  }
  return x;
}

/// Shares of mRNA become shares of cells that sum to the same.
void correct_for_mrna(std::vector<double>& x, std::span<const double> mrna) {
  double before = 0, after = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    before += x[i];
    x[i] /= mrna[i];
    after += x[i];
  }
  if (after <= 0) return;
  for (double& v : x) v *= before / after;
}

std::unordered_set<std::string> lines_of(std::string_view text) {
  std::unordered_set<std::string> result;
  for (const std::string_view line : core::split(text, '\n')) {
    if (!core::trim(line).empty()) result.emplace(core::trim(line));
  }
  return result;
}

std::vector<double> til10_mrna(const std::vector<std::string>& types) {
  std::vector<double> result;
  for (const std::string& type : types) {
    for (const std::string_view line : core::split(shipped_signature("til10_mrna.tsv"), '\n')) {
      const auto fields = core::split(line, '\t');
      if (fields.size() == 2 && fields[0] == type) result.push_back(core::parse_double(core::trim(fields[1])).value());
    }
  }
  return result;
}

/// The Treg rule as the authors' code has it: the CD4 share gives way by the mean of the second fit and of the Treg
/// share that was just replaced.
void apply_treg_rule(std::vector<double>& x, double tregs_without_cd4, std::size_t tregs, std::size_t cd4) {
  if (x[tregs] >= kFewTregs) return;
  x[tregs] = (tregs_without_cd4 + x[tregs]) / 2;
  x[cd4] = std::max(0.0, x[cd4] - (tregs_without_cd4 + x[tregs]) / 2);
}

ScoreTable fraction_table(const io::MatrixTable& matrix, const std::vector<std::string>& types, bool other) {
  ScoreTable table;
  table.samples = matrix.column_names;
  table.sets = types;
  if (other) table.sets.emplace_back("Other");
  table.values.assign(table.sets.size() * table.samples.size(), kNan);
  return table;
}

}  // namespace

SignatureMatrix read_signature(const std::filesystem::path& path, core::RunContext& context) {
  return read_signature(io::open_source(path, context));
}

SignatureMatrix read_signature(std::unique_ptr<io::ByteSource> source) {
  return from_table(io::read_matrix_table(std::move(source)));
}

SignatureMatrix til10_signature() {
  SignatureMatrix signature = from_table(io::read_matrix_table(io::open_memory(shipped_signature("til10.tsv"))));
  signature.name = "TIL10";
  return signature;
}

void to_million(io::MatrixTable& matrix, bool unlog) {
  double highest = 0;
  std::vector<double> sum(matrix.columns(), 0.0);
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    for (const double v : matrix.row(gene)) highest = std::max(highest, v);
  }
  const bool raise = unlog && highest < kLargestLog;
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (raise) row[i] = std::exp2(row[i]);
      if (row[i] < 0) {
        refuse(matrix.name,
               fmt::format("{} of gene '{}' in sample '{}' is negative on a linear scale", core::format_double(row[i]),
                           core::printable(matrix.row_names[gene]), core::printable(matrix.column_names[i])),
               "Give TPM");
      }
      sum[i] += row[i];
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    if (!(sum[i] > 0)) {
      refuse(matrix.name, fmt::format("sample '{}' is zero in every gene", core::printable(matrix.column_names[i])),
             "Leave it out");
    }
  }
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = row[i] * kMillion / sum[i];
  }
}

ScoreTable quantiseq_fractions(const io::MatrixTable& tpm, const QuantiseqOptions& options, const core::Log& log,
                               unsigned threads, const core::InterruptSource* interrupt) {
  const SignatureMatrix signature = til10_signature();
  std::unordered_set<std::string> left_out = lines_of(shipped_signature("til10_noisy.txt"));
  if (options.tumour) left_out.merge(lines_of(shipped_signature("til10_tumour.txt")));
  const auto row_of = rows_by_name(tpm);
  Fit fit;
  fit.types = signature.types.size();
  std::size_t asked = 0;
  for (std::size_t gene = 0; gene < signature.genes.size(); ++gene) {
    if (left_out.contains(signature.genes[gene])) continue;
    ++asked;
    const auto found = row_of.find(signature.genes[gene]);
    if (found == row_of.end()) continue;
    fit.rows.push_back(found->second);
    fit.weights.push_back(1);
    for (std::size_t i = 0; i < fit.types; ++i) fit.profiles.push_back(signature.at(gene, i));
  }
  if (static_cast<double>(fit.rows.size()) < options.min_coverage * static_cast<double>(asked) ||
      fit.rows.size() < fit.types) {
    refuse(tpm.name, fmt::format("{} of {} genes of TIL10 are measured", fit.rows.size(), asked),
           "Check the gene names (--aliases), or lower --min-coverage");
  }
  if (fit.rows.size() < asked) log.info(fmt::format("{} of {} genes of TIL10 are measured", fit.rows.size(), asked));
  const auto place = [&](std::string_view type) {
    return static_cast<std::size_t>(std::ranges::find(signature.types, type) - signature.types.begin());
  };
  const std::size_t tregs = place("Tregs"), cd4 = place("T.cells.CD4");
  const Fit second = fit.without(cd4);
  const std::vector<double> gram = fit.gram(), second_gram = second.gram(), mrna = til10_mrna(signature.types);
  std::vector<double> second_mrna = mrna;
  second_mrna.erase(second_mrna.begin() + static_cast<std::ptrdiff_t>(cd4));
  ScoreTable table = fraction_table(tpm, signature.types, true);
  core::parallel_for(
      threads, tpm.columns(),
      [&](std::size_t sample) {
        std::vector<double> x = solved(gram, fit.right_side(tpm, sample, 1), 0, 1, tpm.name);
        correct_for_mrna(x, mrna);
        double other = 1;
        for (const double v : x) other -= v;
        if (x[tregs] < kFewTregs) {
          std::vector<double> y = solved(second_gram, second.right_side(tpm, sample, 1), 0, 1, tpm.name);
          correct_for_mrna(y, second_mrna);
          apply_treg_rule(x, y[tregs - (cd4 < tregs ? 1 : 0)], tregs, cd4);
        }
        x.push_back(std::max(0.0, other));
        double sum = 0;
        for (const double v : x) sum += v;
        for (std::size_t i = 0; i < x.size(); ++i) table.at(i, sample) = x[i] / sum;
      },
      interrupt);
  return table;
}

namespace {

/// Weights of EPIC: the more a gene varies between samples of one type, the less it says.
std::vector<double> epic_weights(const EpicOptions& options, const std::vector<std::size_t>& genes,
                                 const std::vector<double>& scale) {
  std::vector<double> weights;
  for (const std::size_t gene : genes) {
    double weight = options.variability ? 0 : 1;
    for (std::size_t i = 0; options.variability && i < scale.size(); ++i) {
      weight +=
          options.profiles.at(gene, i) * scale[i] / (options.variability->at(gene, i) * scale[i] + kLeastVariance);
    }
    weights.push_back(weight);
  }
  std::vector<double> positive;
  std::ranges::copy_if(weights, std::back_inserter(positive), [](double w) { return w > 0; });
  if (positive.empty()) return weights;
  std::ranges::sort(positive);
  const std::size_t half = positive.size() / 2;
  const double median = positive.size() % 2 == 1 ? positive[half] : (positive[half - 1] + positive[half]) / 2;
  for (double& w : weights) w = std::min(w, kWeightCap * median);
  return weights;
}

}  // namespace

ScoreTable epic_fractions(const io::MatrixTable& tpm, const EpicOptions& options, unsigned threads,
                          const core::InterruptSource* interrupt) {
  const SignatureMatrix& profiles = options.profiles;
  if (options.variability &&
      (options.variability->genes != profiles.genes || options.variability->types != profiles.types)) {
    refuse(options.variability->name, fmt::format("its genes and cell types are not those of {}", profiles.name),
           "Give both tables the same rows and columns in the same order");
  }
  const auto row_of = rows_by_name(tpm);
  const std::unordered_set<std::string> wanted(options.signature_genes.begin(), options.signature_genes.end());
  std::vector<double> profile_scale(profiles.types.size(), 0.0), sample_scale(tpm.columns(), 0.0);
  Fit fit;
  fit.types = profiles.types.size();
  std::vector<std::size_t> fitted;
  for (std::size_t gene = 0; gene < profiles.genes.size(); ++gene) {
    const auto found = row_of.find(profiles.genes[gene]);
    if (found == row_of.end()) continue;
    for (std::size_t i = 0; i < fit.types; ++i) profile_scale[i] += profiles.at(gene, i);
    for (std::size_t i = 0; i < sample_scale.size(); ++i) sample_scale[i] += tpm.row(found->second)[i];
    if (!wanted.empty() && !wanted.contains(profiles.genes[gene])) continue;
    fitted.push_back(gene);
    fit.rows.push_back(found->second);
  }
  if (fit.rows.size() < fit.types) {
    refuse(profiles.name,
           fmt::format("{} of its genes are in {}, fewer than its {} cell types", fit.rows.size(), tpm.name, fit.types),
           "Check the gene names (--aliases)");
  }
  for (double& s : profile_scale) s = s > 0 ? kMillion / s : 0;
  for (const std::size_t gene : fitted) {
    for (std::size_t i = 0; i < fit.types; ++i) fit.profiles.push_back(profiles.at(gene, i) * profile_scale[i]);
  }
  fit.weights = epic_weights(options, fitted, profile_scale);
  const std::vector<double> gram = fit.gram();
  const auto mrna_of = [&](const std::string& type) {
    const auto found = options.mrna.find(type);
    return found == options.mrna.end() ? 1.0 : found->second;
  };
  ScoreTable table = fraction_table(tpm, profiles.types, options.other_cells);
  core::parallel_for(
      threads, tpm.columns(),
      [&](std::size_t sample) {
        if (!(sample_scale[sample] > 0)) return;
        std::vector<double> x = solved(gram, fit.right_side(tpm, sample, kMillion / sample_scale[sample]),
                                       options.other_cells ? 0 : kNearlyAll, 1, profiles.name);
        double other = 1, sum = 0;
        for (const double v : x) other -= v;
        if (options.other_cells) x.push_back(std::max(0.0, other));
        for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] /= mrna_of(table.sets[i]);
        for (std::size_t i = 0; i < x.size(); ++i) table.at(i, sample) = x[i] / sum;
      },
      interrupt);
  return table;
}

}  // namespace immucan::biomarker
