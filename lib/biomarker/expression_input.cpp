#include "biomarker/expression_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "io/anndata.h"
#include "io/tenx.h"

namespace immucan::biomarker {

namespace {

constexpr std::size_t kGenesToTellScale = 100;
constexpr double kLargestLog = 30;       // 2^30 exceeds every abundance per million
constexpr double kSmallestLinear = 100;  // the highest of 100 genes in TPM lies far above
constexpr std::uint64_t kDenseLimit = std::uint64_t{1} << 32;
constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n";

bool is_hdf5(const std::filesystem::path& path) {
  std::array<char, 8> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  return file.gcount() == 8 && std::string_view(head.data(), 8) == kHdf5Magic;
}

[[noreturn]] void refuse(const std::string& file, std::string what, std::string remedy) {
  core::raise(core::ParseError{file, core::Place::none(), std::move(what), std::move(remedy)});
}

/// Observations × variables become genes × samples.
io::MatrixTable dense_table(std::string name, std::vector<std::string> samples, const std::vector<std::string>& genes,
                            const io::CsrMatrix& values, core::RunContext& context) {
  if (samples.empty() || genes.empty()) refuse(name, "no cells or no genes", "Give a matrix with both");
  if (values.rows * values.columns > kDenseLimit) {
    refuse(name, fmt::format("{} cells × {} genes are more than 2^32 values", values.rows, values.columns),
           "Select cells or genes first, or sum cells to samples");
  }
  io::MatrixTable table;
  table.name = std::move(name);
  table.column_names = std::move(samples);
  std::unordered_set<std::string_view> seen;
  for (const std::string& sample : table.column_names) {
    if (!seen.insert(sample).second)
      refuse(table.name, fmt::format("the sample '{}' occurs twice", core::printable(sample)), "Rename one of them");
  }
  for (const std::string& gene : genes) {
    if (core::is_missing(gene)) refuse(table.name, "the name of a gene is missing", "Name every gene");
    std::ranges::fill(table.add_row(gene), 0.0);
  }
  for (std::size_t cell = 0; cell < values.rows; ++cell) {
    const auto columns = values.row_columns(cell);
    const auto stored = values.row_values(cell);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!std::isfinite(stored[i])) {
        refuse(table.name,
               fmt::format("not a finite value of '{}' in '{}'",
                           core::printable(genes[static_cast<std::size_t>(columns[i])]),
                           core::printable(table.column_names[cell])),
               "Impute the value or remove the gene");
      }
      table.row(static_cast<std::size_t>(columns[i]))[cell] = static_cast<double>(stored[i]);
    }
    context.interrupt.check();
  }
  return table;
}

std::vector<std::string> gene_names(const io::AnnData& data, const std::optional<std::string>& column,
                                    const std::string& file) {
  if (!column) return data.var.index;
  for (const io::DataFrameColumn& candidate : data.var.columns) {
    if (candidate.name != *column) continue;
    if (const auto* text = std::get_if<std::vector<std::string>>(&candidate.values)) return *text;
    if (const auto* codes = std::get_if<io::Categorical>(&candidate.values)) {
      std::vector<std::string> names;
      for (const std::int32_t code : codes->codes) {
        names.push_back(code < 0 ? std::string() : codes->categories[static_cast<std::size_t>(code)]);
      }
      return names;
    }
    refuse(file, fmt::format("var/{} holds no text", *column), "Name a column of gene names with --gene-column");
  }
  std::vector<std::string> known;
  for (const io::DataFrameColumn& candidate : data.var.columns) known.push_back(candidate.name);
  refuse(file, fmt::format("no column '{}' in var", core::printable(*column)),
         fmt::format("Columns are: {}", core::join(known, ", ")));
}

io::MatrixTable from_tenx(const std::string& file, io::TenxMatrix data, const std::optional<std::string>& column,
                          core::RunContext& context) {
  std::vector<std::string> names;
  for (const io::TenxFeature& feature : data.features) {
    names.push_back(column.value_or("name") == "id" ? feature.id : feature.name);
  }
  return dense_table(file, std::move(data.barcodes), names, data.counts, context);
}

io::MatrixTable read_any(const ExpressionOptions& options, core::RunContext& context) {
  const std::string file = options.path.string();
  if (std::filesystem::is_directory(options.path)) {
    return from_tenx(file, io::read_tenx_folder(options.path, context), options.gene_column, context);
  }
  if (!is_hdf5(options.path)) {
    const bool merge = options.duplicates != DuplicateGenes::kRefuse;
    return io::read_matrix_table(options.path, context, {.allow_duplicate_rows = merge || options.aliases});
  }
  const io::Hdf5Reader in(options.path, context);
  const auto members = in.members("/");
  if (std::ranges::find(members, "matrix") != members.end()) {
    return from_tenx(file, io::read_tenx_h5(options.path, context), options.gene_column, context);
  }
  io::AnnData data = io::read_anndata(in);
  if (!data.x) refuse(file, "the AnnData has no X", "Store the expression as X");
  const std::vector<std::string> names = gene_names(data, options.gene_column, file);
  return dense_table(file, std::move(data.obs.index), names, *data.x, context);
}

void refuse_duplicates(const io::MatrixTable& matrix) {
  std::unordered_set<std::string_view> seen;
  std::size_t repeated = 0;
  std::string_view first;
  for (const std::string& gene : matrix.row_names) {
    if (seen.insert(gene).second) continue;
    if (repeated++ == 0) first = gene;
  }
  if (repeated == 0) return;
  refuse(matrix.name, fmt::format("{} rows repeat a gene ('{}' for one)", repeated, core::printable(first)),
         "Merge duplicate rows, or say how with --duplicates mean|median|maxvar");
}

}  // namespace

GeneAliases::GeneAliases(const std::filesystem::path& path, core::RunContext& context)
    : GeneAliases(io::read_table(path, context)) {}

GeneAliases::GeneAliases(const io::Table& table) {
  const std::size_t alias = table.require("alias"), gene = table.require("gene");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string &from = table.rows[row][alias], &to = table.rows[row][gene];
    if (core::is_missing(from) || core::is_missing(to)) {
      table.fail(row, core::is_missing(from) ? alias : gene, "a missing name", "Fill or remove the row");
    }
    const auto [entry, inserted] = gene_of_.emplace(from, to);
    if (!inserted && entry->second != to) {
      table.fail(row, alias,
                 fmt::format("the alias '{}' stands for '{}' and '{}'", core::printable(from),
                             core::printable(entry->second), core::printable(to)),
                 "Keep one of them");
    }
  }
}

const std::string& GeneAliases::current(const std::string& gene) const {
  const auto found = gene_of_.find(gene);
  return found == gene_of_.end() ? gene : found->second;
}

void GeneAliases::apply(io::GeneSets& sets) const {
  if (gene_of_.empty()) return;
  for (io::GeneSet& set : sets.sets) {
    std::vector<std::string> renamed;
    for (const std::string& gene : set.genes) {
      const std::string& name = current(gene);
      if (std::ranges::find(renamed, name) == renamed.end()) renamed.push_back(name);
    }
    set.genes = std::move(renamed);
  }
}

io::MatrixTable read_expression(const ExpressionOptions& options, const GeneAliases& aliases,
                                core::RunContext& context) {
  io::MatrixTable matrix = read_any(options, context);
  if (options.aliases) {
    const std::unordered_set<std::string> measured(matrix.row_names.begin(), matrix.row_names.end());
    // A row that already has a current name keeps it: its alias may be another gene's old symbol.
    for (std::string& name : matrix.row_names) {
      const std::string& current = aliases.current(name);
      if (!measured.contains(current)) name = current;
    }
  }
  if (options.duplicates != DuplicateGenes::kRefuse) return merge_duplicates(std::move(matrix), options.duplicates);
  refuse_duplicates(matrix);
  return matrix;
}

void refuse_mixed_scales(const io::MatrixTable& matrix) {
  if (matrix.rows() < kGenesToTellScale || matrix.columns() < 2) return;
  std::vector<double> highest(matrix.columns(), -INFINITY), lowest(matrix.columns(), INFINITY);
  std::vector<std::uint8_t> fractional(matrix.columns(), 0);  // cells of few counts are no logarithms
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) {
      highest[i] = std::max(highest[i], row[i]);
      lowest[i] = std::min(lowest[i], row[i]);
      fractional[i] |= row[i] != std::floor(row[i]) ? 1 : 0;
    }
  }
  std::size_t linear = 0, logarithmic = 0, a_linear = 0, a_log = 0;
  for (std::size_t i = 0; i < highest.size(); ++i) {
    if (highest[i] > kSmallestLinear && lowest[i] >= 0) {
      if (linear++ == 0) a_linear = i;
    } else if (highest[i] < kLargestLog && fractional[i] != 0) {
      if (logarithmic++ == 0) a_log = i;
    }
  }
  if (linear == 0 || logarithmic == 0) return;
  refuse(matrix.name,
         fmt::format("{} samples look linear ({}: up to {}) and {} logarithmic ({}: {} to {})", linear,
                     core::printable(matrix.column_names[a_linear]), core::format_double(highest[a_linear]),
                     logarithmic, core::printable(matrix.column_names[a_log]), core::format_double(lowest[a_log]),
                     core::format_double(highest[a_log])),
         "Bring all samples to one scale");
}

void refuse_counts(const io::MatrixTable& matrix, const std::string& method) {
  if (matrix.rows() < kGenesToTellScale) return;
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    for (const double value : matrix.row(gene)) {
      if (value != std::floor(value)) return;
    }
  }
  refuse(matrix.name, fmt::format("all values are integers, so these look like counts; {} needs TPM", method),
         "Divide by gene length and scale each sample to a million");
}

}  // namespace immucan::biomarker
